package dev.powersweep.worker.kernels.cpu;

import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.LinearMap;
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
    public void linear(Span x, Span w, Span y, int rows, int inputs, int outputs) {
        blas.linear(CpuSpan.of(x).address, CpuSpan.of(w).address, CpuSpan.of(y).address, rows, inputs, outputs);
    }

    @Override
    public void weightGradient(Span x, Span dy, Span dw, int rows, int inputs, int outputs) {
        blas.weightGradient(
                CpuSpan.of(x).address, CpuSpan.of(dy).address, CpuSpan.of(dw).address, rows, inputs, outputs);
    }

    @Override
    public LinearMap linearMap(Span weights, Span gradient, LinearMap.Shape shape) {
        return bfloat16.<LinearMap>map(
                        products -> new Bfloat16Map(products, CpuSpan.of(weights), CpuSpan.of(gradient), shape))
                .orElseGet(() -> Kernels.super.linearMap(weights, gradient, shape));
    }

    @Override
    public void transpose(Span from, int rows, int columns, Span to) {
        CpuSpan source = CpuSpan.of(from);
        CpuSpan target = CpuSpan.of(to);
        Transpose.transpose(source.block, source.at, columns, rows, columns, target.block, target.at, rows);
    }

    @Override
    public void embed(
            int[] tokens,
            int from,
            Span tokenEmbedding,
            Span positionEmbedding,
            DropoutMask mask,
            Span out,
            int rows,
            int context,
            int width) {
        Embedding.forward(
                tokens,
                from,
                CpuSpan.of(tokenEmbedding),
                CpuSpan.of(positionEmbedding),
                CpuSpan.of(out),
                rows,
                context,
                width);
        if (mask != null) {
            drop(out, mask, out, rows * width);
        }
    }

    @Override
    public void embedBackward(
            int[] tokens,
            int from,
            Span dOut,
            DropoutMask mask,
            Span dTokenEmbedding,
            Span dPositionEmbedding,
            int rows,
            int context,
            int width) {
        if (mask != null) {
            drop(dOut, mask, dOut, rows * width);
        }
        Embedding.backward(
                tokens,
                from,
                CpuSpan.of(dOut),
                CpuSpan.of(dTokenEmbedding),
                CpuSpan.of(dPositionEmbedding),
                rows,
                context,
                width);
    }

    @Override
    public void addNormalise(
            Span x,
            Span branch,
            DropoutMask mask,
            Span sum,
            Span gain,
            Span bias,
            Span out,
            Span statistics,
            int rows,
            int width) {
        Norms.addNormalise(
                CpuSpan.of(x),
                CpuSpan.of(branch),
                mask,
                CpuSpan.of(sum),
                CpuSpan.of(gain),
                CpuSpan.of(bias),
                CpuSpan.of(out),
                CpuSpan.of(statistics),
                rows,
                width);
    }

    @Override
    public void normaliseBackward(
            Span dOut,
            Span x,
            Span statistics,
            Span gain,
            Span dGain,
            Span dBias,
            Span dx,
            Write write,
            int rows,
            int width) {
        Norms.backward(
                CpuSpan.of(dOut),
                CpuSpan.of(x),
                CpuSpan.of(statistics),
                CpuSpan.of(gain),
                CpuSpan.of(dGain),
                CpuSpan.of(dBias),
                CpuSpan.of(dx),
                write == Write.ADD,
                rows,
                width);
    }

    @Override
    public void drop(Span from, DropoutMask mask, Span to, int length) {
        Elements.drop(CpuSpan.of(from), mask, CpuSpan.of(to), length);
    }

    @Override
    public void rotate(Span qkv, int rows, AttentionShape shape, int direction) {
        attention(shape).rotate(CpuSpan.of(qkv), rows, direction);
    }

    @Override
    public void attention(Span qkv, Span probabilities, Span out, int sequences, AttentionShape shape) {
        attention(shape).forward(CpuSpan.of(qkv), CpuSpan.of(probabilities), CpuSpan.of(out), sequences);
    }

    @Override
    public void attentionBackward(
            Span qkv, Span probabilities, Span dOut, Span dQkv, int sequences, AttentionShape shape) {
        attention(shape)
                .backward(CpuSpan.of(qkv), CpuSpan.of(probabilities), CpuSpan.of(dOut), CpuSpan.of(dQkv), sequences);
    }

    @Override
    public void activate(Span x, Span derivative, int length, Activation activation) {
        switch (activation) {
            case GELU -> Elements.gelu(CpuSpan.of(x), CpuSpan.of(derivative), length);
            case SQUARED_RELU -> Elements.squaredRelu(CpuSpan.of(x), CpuSpan.of(derivative), length);
        }
    }

    @Override
    public void multiply(Span x, Span y, int length) {
        Elements.multiply(CpuSpan.of(x), CpuSpan.of(y), length);
    }

    @Override
    public void crossEntropy(
            Span logits,
            int[] targets,
            int from,
            int rows,
            int vocabulary,
            float logitScale,
            float gradientWeight,
            double[] losses) {
        CrossEntropy.run(CpuSpan.of(logits), targets, from, rows, vocabulary, logitScale, gradientWeight, losses);
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

    /** Working memory is kept for the shape last seen; a model has one. */
    private Attention attention(AttentionShape shape) {
        if (attention.isEmpty() || !attention.get().shape().equals(shape)) {
            attention.ifPresent(Attention::close);
            attention = Optional.of(new Attention(blas, shape));
        }
        return attention.get();
    }
}
