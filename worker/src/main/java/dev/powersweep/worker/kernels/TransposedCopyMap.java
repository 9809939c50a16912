package dev.powersweep.worker.kernels;

/** By a set's own products on the weights and a transposed copy of them, which makes every product a fast one. */
final class TransposedCopyMap implements LinearMap {

    private final Kernels kernels;
    private final Shape shape;
    private final Span weights;
    private final Span gradient;
    private final Span transposed;

    TransposedCopyMap(Kernels kernels, Span weights, Span gradient, Shape shape) {
        this.kernels = kernels;
        this.shape = shape;
        this.weights = weights;
        this.gradient = gradient;
        transposed = kernels.allocate(weights.length());
    }

    @Override
    public void refresh() {
        switch (shape.layout()) {
            case BY_INPUT -> kernels.transpose(weights, shape.inputs(), shape.outputs(), transposed);
            case BY_OUTPUT -> kernels.transpose(weights, shape.outputs(), shape.inputs(), transposed);
        }
    }

    @Override
    public void forward(Span x, Span y, int rows) {
        Span byInput = shape.layout() == Layout.BY_INPUT ? weights : transposed;
        kernels.linear(x, byInput, y, rows, shape.inputs(), shape.outputs());
    }

    @Override
    public void backward(Span x, Span dy, Span dx, int rows) {
        Span byOutput = shape.layout() == Layout.BY_INPUT ? transposed : weights;
        kernels.linear(dy, byOutput, dx, rows, shape.outputs(), shape.inputs());
        switch (shape.layout()) {
            case BY_INPUT -> kernels.weightGradient(x, dy, gradient, rows, shape.inputs(), shape.outputs());
            case BY_OUTPUT -> kernels.weightGradient(dy, x, gradient, rows, shape.outputs(), shape.inputs());
        }
    }
}
