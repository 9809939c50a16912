package dev.powersweep.worker.kernels.cpu;

import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.Dropout;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.EmbeddingTables;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.LinearMap;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Norm;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The fast CPU set. Needs {@code --add-modules jdk.incubator.vector}; one thread; a span holds at most 2 GiB.
 */
public final class CpuKernels implements Kernels {

    private final Blas blas;
    /** Empty where products are single precision. */
    private final Optional<Bfloat16Products> bfloat16;

    private final List<INDArray> arrays = new ArrayList<>();
    private Optional<Attention> attention = Optional.empty();

    /** Products in single precision. */
    public CpuKernels() {
        this(new Blas());
    }

    CpuKernels(Blas blas) {
        this(blas, Optional.empty());
    }

    private CpuKernels(Blas blas, Optional<Bfloat16Products> bfloat16) {
        this.blas = blas;
        this.bfloat16 = bfloat16;
    }

    /**
     * With products in these numbers. Attention's stay in single precision.
     *
     * @throws IllegalArgumentException with the {@link #objection}
     */
    public static CpuKernels of(Precision precision) {
        objection(precision).ifPresent(objection -> {
            throw new IllegalArgumentException(objection);
        });
        return precision == Precision.BFLOAT16
                ? new CpuKernels(new Blas(), Bfloat16Unit.here().map(Bfloat16Products::new))
                : new CpuKernels();
    }

    /** Why this processor does not multiply such numbers itself, as a clause; empty where it does. */
    public static Optional<String> objection(Precision precision) {
        return switch (precision) {
            case FLOAT32 -> Optional.empty();
            case TF32 -> Optional.of("no CPU multiplies such numbers");
            case BFLOAT16 ->
                Bfloat16Unit.here().isPresent()
                        ? Optional.empty()
                        : Optional.of("oneDNN finds neither AVX512-BF16 nor AMX");
        };
    }

    @Override
    public String describe() {
        return "Vector API with " + Lanes.COUNT + " lanes, " + blas.describe()
                + bfloat16.map(products -> ", " + products.describe()).orElse("");
    }

    @Override
    public Span allocate(long length) {
        CpuSpan span = CpuSpan.allocate(length);
        arrays.add(span.array);
        return span;
    }

    @Override
    public Span wrap(INDArray array) {
        return CpuSpan.wrap(array);
    }

    @Override
    public void zero(Span x) {
        Elements.zero(CpuSpan.of(x));
    }

    @Override
    public void linear(Matrix x, Matrix w, Matrix y) {
        w.expect(x.columns(), w.columns());
        y.expect(x.rows(), w.columns());
        blas.linear(address(x), address(w), address(y), x.rows(), x.columns(), w.columns());
    }

    @Override
    public void weightGradient(Matrix x, Matrix dy, Matrix dw) {
        dy.expect(x.rows(), dy.columns());
        dw.expect(x.columns(), dy.columns());
        blas.weightGradient(address(x), address(dy), address(dw), x.rows(), x.columns(), dy.columns());
    }

    @Override
    public LinearMap linearMap(Span weights, Span gradient, LinearMap.Shape shape) {
        return bfloat16.<LinearMap>map(
                        products -> new Bfloat16Map(products, CpuSpan.of(weights), CpuSpan.of(gradient), shape))
                .orElseGet(() -> Kernels.super.linearMap(weights, gradient, shape));
    }

    @Override
    public void transpose(Matrix from, Matrix to) {
        int rows = from.rows();
        int columns = from.columns();
        CpuSpan source = data(from);
        CpuSpan target = data(to.expect(columns, rows));
        Transpose.transpose(source.block, source.at, columns, rows, columns, target.block, target.at, rows);
    }

    @Override
    public void embed(int[] tokens, int from, EmbeddingTables tables, Dropout dropout, Matrix out) {
        Embedding.forward(tokens, from, tables, out);
        if (dropout instanceof DropoutMask mask) {
            drop(out, mask, out);
        }
    }

    @Override
    public void embedBackward(int[] tokens, int from, Matrix dOut, Dropout dropout, EmbeddingTables gradients) {
        if (dropout instanceof DropoutMask mask) {
            drop(dOut, mask, dOut);
        }
        Embedding.backward(tokens, from, dOut, gradients);
    }

    @Override
    public void normalise(Matrix x, Norm norm, Matrix out, Matrix statistics) {
        Norms.normalise(x, norm, out, statistics);
    }

    @Override
    public void addNormalise(
            Matrix x, Matrix branch, Dropout dropout, Matrix sum, Norm norm, Matrix out, Matrix statistics) {
        branch.expect(x.rows(), x.columns());
        sum.expect(x.rows(), x.columns());
        if (dropout instanceof DropoutMask mask) {
            Elements.addDropped(data(x), data(branch), mask, data(sum), x.length());
        } else {
            Elements.add(data(x), data(branch), data(sum), x.length());
        }
        normalise(sum, norm, out, statistics);
    }

    @Override
    public void normaliseBackward(
            Matrix dOut, Matrix x, Matrix statistics, Norm norm, Norm gradients, Matrix dx, Write write) {
        Norms.backward(dOut, x, statistics, norm, gradients, dx, write);
    }

    @Override
    public void drop(Matrix from, DropoutMask mask, Matrix to) {
        Elements.drop(data(from), mask, data(to.expect(from.rows(), from.columns())), from.length());
    }

    @Override
    public void rotate(Matrix qkv, AttentionShape shape, int direction) {
        attention(shape).rotate(data(qkv.expect(qkv.rows(), 3 * shape.width())), qkv.rows(), direction);
    }

    @Override
    public void attention(Matrix qkv, Span probabilities, Matrix out, AttentionShape shape) {
        qkv.expect(qkv.rows(), 3 * shape.width());
        out.expect(qkv.rows(), shape.width());
        attention(shape).forward(data(qkv), CpuSpan.of(probabilities), data(out), shape.sequences(qkv.rows()));
    }

    @Override
    public void attentionBackward(Matrix qkv, Span probabilities, Matrix dOut, Matrix dQkv, AttentionShape shape) {
        qkv.expect(dOut.rows(), 3 * shape.width());
        dOut.expect(dOut.rows(), shape.width());
        dQkv.expect(dOut.rows(), 3 * shape.width());
        attention(shape)
                .backward(data(qkv), CpuSpan.of(probabilities), data(dOut), data(dQkv), shape.sequences(dOut.rows()));
    }

    @Override
    public void activate(Matrix x, Matrix derivative, Activation activation) {
        derivative.expect(x.rows(), x.columns());
        switch (activation) {
            case GELU -> Elements.gelu(data(x), data(derivative), x.length());
            case SQUARED_RELU -> Elements.squaredRelu(data(x), data(derivative), x.length());
        }
    }

    @Override
    public void multiply(Matrix x, Matrix y) {
        Elements.multiply(data(x), data(y.expect(x.rows(), x.columns())), x.length());
    }

    @Override
    public void crossEntropy(
            Matrix logits, int[] targets, int from, float logitScale, float gradientWeight, double[] losses) {
        CrossEntropy.run(
                data(logits), targets, from, logits.rows(), logits.columns(), logitScale, gradientWeight, losses);
    }

    @Override
    public void accumulate(Span part, Span total, Write write, double[] squares) {
        if (write == Write.REPLACE) {
            Elements.replace(CpuSpan.of(part), CpuSpan.of(total));
            squares[0] = Elements.squares(CpuSpan.of(part));
            squares[1] = squares[0];
        } else {
            Elements.add(CpuSpan.of(part), CpuSpan.of(total), squares);
        }
    }

    @Override
    public double sumOfSquares(Span x) {
        return Elements.squares(CpuSpan.of(x));
    }

    @Override
    public void adamw(Span parameters, Span gradients, Span firstMoments, Span secondMoments, AdamStep step) {
        Elements.adamw(
                CpuSpan.of(parameters),
                CpuSpan.of(gradients),
                CpuSpan.of(firstMoments),
                CpuSpan.of(secondMoments),
                step);
    }

    @Override
    public void close() {
        attention.ifPresent(Attention::close);
        attention = Optional.empty();
        bfloat16.ifPresent(Bfloat16Products::close);
        arrays.forEach(INDArray::close);
        arrays.clear();
    }

    static CpuSpan data(Matrix matrix) {
        return CpuSpan.of(matrix.data());
    }

    private static long address(Matrix matrix) {
        return data(matrix).address;
    }

    /** Working memory is kept for the shape last seen; a model has one. */
    private Attention attention(AttentionShape shape) {
        if (attention.isEmpty() || !attention.get().shape().equals(shape)) {
            attention.ifPresent(Attention::close);
            attention = Optional.of(new Attention(blas, shape));
        }
        return attention.get();
    }
}
