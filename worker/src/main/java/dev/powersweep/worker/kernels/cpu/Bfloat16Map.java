package dev.powersweep.worker.kernels.cpu;

import static dev.powersweep.worker.kernels.cpu.Bfloat16Products.bfloat16;

import dev.powersweep.worker.kernels.LinearMap;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.kernels.cpu.OneDnnCall.Descriptor;

/**
 * A linear map whose products take bfloat16 factors. Weights are rounded once after each change, inputs once for both
 * passes, gradients once for both of their products.
 */
final class Bfloat16Map implements LinearMap {

    private final Bfloat16Products products;
    private final Shape shape;
    private final CpuSpan weights;
    private final CpuSpan gradient;
    private final OneDnnCall roundWeights;
    private final long roundedWeights;
    /** [rows, inputs] of the latest forward pass. */
    private final long roundedInputs;

    private Pass pass;

    Bfloat16Map(Bfloat16Products products, CpuSpan weights, CpuSpan gradient, Shape shape) {
        this.products = products;
        this.shape = shape;
        this.weights = weights;
        this.gradient = gradient;
        roundWeights = products.rounding(shape.inputs(), shape.outputs());
        roundedWeights = products.allocate((long) shape.inputs() * shape.outputs()).address;
        roundedInputs = products.allocate((long) shape.mostRows() * shape.inputs()).address;
        products.share((long) shape.mostRows() * shape.outputs());
        pass = new Pass(shape.mostRows());
    }

    @Override
    public void refresh() {
        roundWeights.run(weights.address, roundedWeights);
    }

    @Override
    public void forward(Matrix x, Matrix y) {
        Pass of = pass(x.expect(x.rows(), shape.inputs()).rows());
        of.roundInputs.run(CpuKernels.data(x).address, roundedInputs);
        of.outputs.run(roundedInputs, roundedWeights, CpuKernels.data(y.expect(x.rows(), shape.outputs())).address);
    }

    @Override
    public void backward(Matrix x, Matrix dy, Matrix dx) {
        Pass of = pass(dy.expect(x.rows(), shape.outputs()).rows());
        long rounded = products.shared();
        of.roundGradients.run(CpuKernels.data(dy).address, rounded);
        of.inputGradients.run(rounded, roundedWeights, CpuKernels.data(dx.expect(dy.rows(), shape.inputs())).address);
        switch (shape.layout()) {
            case BY_INPUT -> of.weightGradients.run(roundedInputs, rounded, gradient.address);
            case BY_OUTPUT -> of.weightGradients.run(rounded, roundedInputs, gradient.address);
        }
    }

    /** The last pass of an evaluation may have fewer rows. */
    private Pass pass(int rows) {
        if (pass.rows != rows) {
            pass = new Pass(rows);
        }
        return pass;
    }

    /** What passes of so many rows call. */
    private final class Pass {
        final int rows;
        final OneDnnCall roundInputs;
        final OneDnnCall outputs;
        final OneDnnCall roundGradients;
        final OneDnnCall inputGradients;
        final OneDnnCall weightGradients;

        Pass(int rows) {
            this.rows = rows;
            Descriptor x = bfloat16(rows, shape.inputs());
            Descriptor y = bfloat16(rows, shape.outputs());
            roundInputs = products.rounding(rows, shape.inputs());
            roundGradients = products.rounding(rows, shape.outputs());
            if (shape.layout() == Layout.BY_INPUT) {
                Descriptor w = bfloat16(shape.inputs(), shape.outputs());
                outputs = products.product(x, w, Write.REPLACE);
                inputGradients = products.product(y, w.transposed(), Write.REPLACE);
                weightGradients = products.product(x.transposed(), y, Write.ADD);
            } else {
                Descriptor w = bfloat16(shape.outputs(), shape.inputs());
                outputs = products.product(x, w.transposed(), Write.REPLACE);
                inputGradients = products.product(y, w, Write.REPLACE);
                weightGradients = products.product(y.transposed(), x, Write.ADD);
            }
        }
    }
}
