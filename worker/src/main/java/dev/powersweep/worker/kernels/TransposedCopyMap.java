package dev.powersweep.worker.kernels;

/** By a set's own products on the weights and a transposed copy of them, which makes every product a fast one. */
final class TransposedCopyMap implements LinearMap {

    private final Kernels kernels;
    private final Layout layout;
    /** As they lie in memory: [inputs, outputs] or [outputs, inputs]. */
    private final Matrix weights;

    private final Matrix gradient;
    private final Matrix transposed;

    TransposedCopyMap(Kernels kernels, Span weights, Span gradient, Shape shape) {
        this.kernels = kernels;
        layout = shape.layout();
        int rows = layout == Layout.BY_INPUT ? shape.inputs() : shape.outputs();
        int columns = layout == Layout.BY_INPUT ? shape.outputs() : shape.inputs();
        this.weights = new Matrix(weights, rows, columns);
        this.gradient = new Matrix(gradient, rows, columns);
        transposed = kernels.allocate(columns, rows);
    }

    @Override
    public void refresh() {
        kernels.transpose(weights, transposed);
    }

    @Override
    public void forward(Matrix x, Matrix y) {
        kernels.linear(x, layout == Layout.BY_INPUT ? weights : transposed, y);
    }

    @Override
    public void backward(Matrix x, Matrix dy, Matrix dx) {
        kernels.linear(dy, layout == Layout.BY_INPUT ? transposed : weights, dx);
        switch (layout) {
            case BY_INPUT -> kernels.weightGradient(x, dy, gradient);
            case BY_OUTPUT -> kernels.weightGradient(dy, x, gradient);
        }
    }
}
