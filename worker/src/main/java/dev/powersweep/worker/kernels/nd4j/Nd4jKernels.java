package dev.powersweep.worker.kernels.nd4j;

import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.Dropout;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.EmbeddingTables;
import dev.powersweep.worker.kernels.Flush;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Norm;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** The portable set. Written for clarity: it is what the fast set is compared with. */
public final class Nd4jKernels implements Kernels {

    private static final double GELU_LINEAR = Math.sqrt(8 / Math.PI);
    private static final double GELU_CUBIC = 0.044715 * GELU_LINEAR;
    /** See {@link Flush#SIGMOID_BOUND}. */
    private static final double LEAST_SIGMOID = 1 / (Math.exp(Flush.SIGMOID_BOUND) + 1);

    private static final double ROTARY_BASE = 10_000;

    private final DataType type;
    private final List<INDArray> arrays = new ArrayList<>();

    /** @param type {@link DataType#FLOAT} or {@link DataType#DOUBLE} */
    public Nd4jKernels(DataType type) {
        this.type = type;
    }

    @Override
    public String describe() {
        return "ND4J operations, " + type + ", " + Nd4j.getBackend().getClass().getSimpleName();
    }

    @Override
    public Span allocate(long length) {
        INDArray array = Nd4j.zeros(type, length);
        arrays.add(array);
        return new Nd4jSpan(array, 0, length);
    }

    @Override
    public Span wrap(INDArray array) {
        if (array.dataType() != type || !Kernels.gapless(array)) {
            throw new IllegalArgumentException("these portable kernels need " + type
                    + " without gaps, not " + array.dataType() + " of shape " + Arrays.toString(array.shape())
                    + " in steps of " + Arrays.toString(array.stride()));
        }
        // Offsets count from the buffer's start, also where the array is a view of it.
        DataBuffer original = array.data().originalDataBuffer();
        DataBuffer whole = original == null ? array.data() : original;
        INDArray flat = Nd4j.create(whole, new long[] {whole.length()}, new long[] {1}, 0, 'c', array.dataType());
        return new Nd4jSpan(flat, array.offset(), array.length());
    }

    @Override
    public void zero(Span x) {
        vector(x).assign(0);
    }

    @Override
    public void linear(Matrix x, Matrix w, Matrix y) {
        y.expect(x.rows(), w.columns());
        array(y).assign(array(x).mmul(array(w.expect(x.columns(), w.columns()))));
    }

    @Override
    public void weightGradient(Matrix x, Matrix dy, Matrix dw) {
        dw.expect(x.columns(), dy.columns());
        array(dw).addi(array(x).transpose().mmul(array(dy.expect(x.rows(), dy.columns()))));
    }

    @Override
    public void transpose(Matrix from, Matrix to) {
        array(to.expect(from.columns(), from.rows())).assign(array(from).transpose());
    }

    @Override
    public void embed(int[] tokens, int from, EmbeddingTables tables, Dropout dropout, Matrix out) {
        Matrix table = tables.tokens();
        array(out).assign(oneHot(tokens, from, out.rows(), table.rows()).mmul(array(table)));
        tables.positions().ifPresent(positions -> {
            for (int first = 0; first < out.rows(); first += positions.rows()) {
                rows(out, first, positions.rows()).addi(array(positions));
            }
        });
        if (dropout instanceof DropoutMask mask) {
            drop(out, mask, out);
        }
    }

    @Override
    public void embedBackward(int[] tokens, int from, Matrix dOut, Dropout dropout, EmbeddingTables gradients) {
        if (dropout instanceof DropoutMask mask) {
            drop(dOut, mask, dOut);
        }
        Matrix table = gradients.tokens();
        array(table)
                .addi(oneHot(tokens, from, dOut.rows(), table.rows())
                        .transpose()
                        .mmul(array(dOut)));
        gradients.positions().ifPresent(positions -> {
            for (int first = 0; first < dOut.rows(); first += positions.rows()) {
                array(positions).addi(rows(dOut, first, positions.rows()));
            }
        });
    }

    @Override
    public void addNormalise(
            Matrix x, Matrix branch, Dropout dropout, Matrix sum, Norm norm, Matrix out, Matrix statistics) {
        INDArray added = array(branch.expect(x.rows(), x.columns()));
        if (dropout instanceof DropoutMask mask) {
            added = added.mul(factors(mask, x.length()).reshape(x.rows(), x.columns()));
        }
        array(sum.expect(x.rows(), x.columns())).assign(array(x).add(added));
        normalise(sum, norm, out, statistics);
    }

    @Override
    public void normalise(Matrix x, Norm norm, Matrix out, Matrix statistics) {
        INDArray input = array(x);
        INDArray mean = norm.bias().isEmpty() ? Nd4j.zeros(type, x.rows(), 1) : input.mean(true, 1);
        INDArray centred = input.subColumnVector(mean);
        INDArray variance = centred.mul(centred).mean(true, 1);
        INDArray reciprocal = Transforms.pow(variance.add(Norm.EPSILON), -0.5);
        column(statistics.expect(x.rows(), 2), 0).assign(mean);
        column(statistics, 1).assign(reciprocal);
        INDArray normed = centred.muliColumnVector(reciprocal).muliRowVector(vector(norm.gain()));
        norm.bias().ifPresent(bias -> normed.addiRowVector(vector(bias)));
        array(out.expect(x.rows(), x.columns())).assign(normed);
    }

    @Override
    public void normaliseBackward(
            Matrix dOut, Matrix x, Matrix statistics, Norm norm, Norm gradients, Matrix dx, Write write) {
        INDArray mean = column(statistics.expect(x.rows(), 2), 0).dup();
        INDArray reciprocal = column(statistics, 1).dup();
        INDArray normed = array(x).subColumnVector(mean).muliColumnVector(reciprocal);
        INDArray dy = array(dOut.expect(x.rows(), x.columns()));
        vector(gradients.gain()).addi(dy.mul(normed).sum(0));
        INDArray scaled = dy.mulRowVector(vector(norm.gain()));
        INDArray gradient = scaled.sub(normed.mulColumnVector(scaled.mul(normed).mean(true, 1)));
        gradients.bias().ifPresent(dBias -> {
            vector(dBias).addi(dy.sum(0));
            gradient.subiColumnVector(scaled.mean(true, 1));
        });
        gradient.muliColumnVector(reciprocal);
        INDArray target = array(dx.expect(x.rows(), x.columns()));
        switch (write) {
            case REPLACE -> target.assign(gradient);
            case ADD -> target.addi(gradient);
        }
    }

    @Override
    public void drop(Matrix from, DropoutMask mask, Matrix to) {
        INDArray factors = factors(mask, from.length()).reshape(from.rows(), from.columns());
        array(to.expect(from.rows(), from.columns())).assign(array(from).mul(factors));
    }

    @Override
    public void rotate(Matrix qkv, AttentionShape shape, int direction) {
        int rows = qkv.rows();
        int pairs = shape.headWidth() / 2;
        int stride = qkv.expect(rows, 3 * shape.width()).columns();
        INDArray cosine = Nd4j.create(type, rows, pairs);
        INDArray sine = Nd4j.create(type, rows, pairs);
        for (int row = 0; row < rows; row++) {
            for (int pair = 0; pair < pairs; pair++) {
                double angle = row % shape.context() * Math.pow(ROTARY_BASE, -2.0 * pair / shape.headWidth());
                cosine.putScalar(row, pair, Math.cos(angle));
                sine.putScalar(row, pair, direction * Math.sin(angle));
            }
        }
        for (int part = 0; part < 2 * shape.heads(); part++) {
            long at = (long) part * shape.headWidth();
            INDArray first = Nd4jSpan.of(qkv.data()).view(at, rows, pairs, stride);
            INDArray second = Nd4jSpan.of(qkv.data()).view(at + pairs, rows, pairs, stride);
            INDArray turned = first.mul(cosine).sub(second.mul(sine));
            second.assign(first.mul(sine).add(second.mul(cosine)));
            first.assign(turned);
        }
    }

    @Override
    public void attention(Matrix qkv, Span probabilities, Matrix out, AttentionShape shape) {
        out.expect(qkv.expect(qkv.rows(), 3 * shape.width()).rows(), shape.width());
        INDArray future = future(shape.context());
        INDArray past = future.eq(0).castTo(type);
        for (int sequence = 0; sequence < shape.sequences(qkv.rows()); sequence++) {
            for (int head = 0; head < shape.heads(); head++) {
                Head h = new Head(shape, sequence, head);
                INDArray scores = h.queries(qkv)
                        .mmul(h.keys(qkv).transpose())
                        .muli(shape.scale())
                        .addi(future);
                INDArray e = exponentials(scores, scores.max(true, 1));
                // What lies in the future holds the least exponential, which is no probability.
                INDArray p = flush(e.muli(past).divColumnVector(e.sum(true, 1)), Flush.ACTIVATION);
                h.probabilities(probabilities).assign(p);
                h.output(out).assign(p.mmul(h.values(qkv)));
            }
        }
    }

    @Override
    public void attentionBackward(Matrix qkv, Span probabilities, Matrix dOut, Matrix dQkv, AttentionShape shape) {
        qkv.expect(dOut.expect(dOut.rows(), shape.width()).rows(), 3 * shape.width());
        dQkv.expect(dOut.rows(), 3 * shape.width());
        for (int sequence = 0; sequence < shape.sequences(qkv.rows()); sequence++) {
            for (int head = 0; head < shape.heads(); head++) {
                Head h = new Head(shape, sequence, head);
                INDArray p = h.probabilities(probabilities).dup();
                INDArray dy = h.output(dOut).dup();
                h.values(dQkv).assign(p.transpose().mmul(dy));
                INDArray dp = dy.mmul(h.values(qkv).transpose());
                INDArray ds = flush(p.mul(dp.subColumnVector(p.mul(dp).sum(true, 1))), Flush.GRADIENT)
                        .muli(shape.scale());
                h.queriesView(dQkv).assign(ds.mmul(h.keys(qkv)));
                h.keysView(dQkv).assign(ds.transpose().mmul(h.queries(qkv)));
            }
        }
    }

    @Override
    public void activate(Matrix x, Matrix derivative, Activation activation) {
        INDArray values = array(x);
        INDArray slopes = array(derivative.expect(x.rows(), x.columns()));
        switch (activation) {
            case GELU -> {
                INDArray square = values.mul(values);
                INDArray sigmoid =
                        Transforms.sigmoid(values.mul(square.mul(GELU_CUBIC).addi(GELU_LINEAR)));
                sigmoid = Transforms.max(sigmoid.subi(LEAST_SIGMOID), 0, false);
                INDArray y = values.mul(sigmoid);
                INDArray slope = y.mul(sigmoid.rsub(1))
                        .muli(square.mul(3 * GELU_CUBIC).addi(GELU_LINEAR))
                        .addi(sigmoid);
                slopes.assign(slope);
                values.assign(y);
            }
            case SQUARED_RELU -> {
                INDArray positive = flush(Transforms.max(values, 0), Flush.ACTIVATION);
                slopes.assign(positive.mul(2));
                values.assign(flush(positive.mul(positive), Flush.SQUARE));
            }
        }
    }

    @Override
    public void multiply(Matrix x, Matrix y) {
        flush(array(x).muli(array(y.expect(x.rows(), x.columns()))), Flush.GRADIENT);
    }

    @Override
    public void crossEntropy(
            Matrix logits, int[] targets, int from, float logitScale, float gradientWeight, double[] losses) {
        INDArray scores = array(logits).mul(logitScale);
        INDArray most = scores.max(true, 1);
        INDArray e = exponentials(scores, most);
        INDArray sums = e.sum(true, 1);
        INDArray chosen = oneHot(targets, from, logits.rows(), logits.columns());
        INDArray ofTargets = scores.mul(chosen).sum(true, 1);
        INDArray lost = Transforms.log(sums).addi(most).subi(ofTargets);
        for (int row = 0; row < logits.rows(); row++) {
            losses[from + row] = lost.getDouble(row, 0);
        }
        if (gradientWeight != 0) {
            INDArray probabilities = flush(e.divColumnVector(sums), Flush.ACTIVATION);
            array(logits).assign(probabilities.subi(chosen).muli((double) gradientWeight * logitScale));
        }
    }

    @Override
    public void accumulate(Span part, Span total, Write write, double[] squares) {
        if (write == Write.REPLACE) {
            vector(total).assign(vector(part));
        } else {
            vector(total).addi(vector(part));
        }
        squares[0] = sumOfSquares(part);
        squares[1] = sumOfSquares(total);
    }

    @Override
    public double sumOfSquares(Span x) {
        double norm = vector(x).norm2Number().doubleValue();
        return norm * norm;
    }

    @Override
    public void adamw(Span parameters, Span gradients, Span firstMoments, Span secondMoments, AdamStep step) {
        INDArray g = flush(vector(gradients).mul(step.gradientScale()), Flush.GRADIENT);
        INDArray m = vector(firstMoments);
        INDArray v = vector(secondMoments);
        flush(m.muli(step.beta1()).addi(g.mul(step.complement1())), Flush.GRADIENT);
        flush(v.muli(step.beta2()).addi(g.mul(step.complement2()).muli(g)), Flush.SECOND_MOMENT);
        INDArray denominator =
                Transforms.sqrt(v).muli(step.inverseSecondCorrection()).addi(step.epsilon());
        vector(parameters).muli(step.keep()).subi(m.mul(step.rate()).divi(denominator));
    }

    @Override
    public void close() {
        arrays.forEach(INDArray::close);
        arrays.clear();
    }

    /** See {@link Flush}; in place. */
    private static INDArray flush(INDArray x, double tiny) {
        return x.addi(tiny).subi(tiny);
    }

    /** e to the power of each row's difference to its largest. */
    private static INDArray exponentials(INDArray scores, INDArray most) {
        return Transforms.exp(Transforms.max(scores.subColumnVector(most), Flush.LEAST_EXPONENT, false), false);
    }

    private INDArray oneHot(int[] tokens, int from, int rows, int kinds) {
        INDArray matrix = Nd4j.zeros(type, rows, kinds);
        for (int row = 0; row < rows; row++) {
            matrix.putScalar(row, tokens[from + row], 1);
        }
        return matrix;
    }

    private INDArray factors(DropoutMask mask, int length) {
        float[] factors = new float[length];
        for (int i = 0; i < length; i++) {
            factors[i] = mask.factor(i);
        }
        return Nd4j.createFromArray(factors).castTo(type);
    }

    /** Rules out what a position may not see. */
    private INDArray future(int context) {
        INDArray mask = Nd4j.zeros(type, context, context);
        for (int row = 0; row < context; row++) {
            for (int column = row + 1; column < context; column++) {
                mask.putScalar(row, column, -1e30);
            }
        }
        return mask;
    }

    private static INDArray vector(Span x) {
        return Nd4jSpan.of(x).vector();
    }

    private static INDArray array(Matrix x) {
        return Nd4jSpan.of(x.data()).matrix(x.rows(), x.columns());
    }

    private static INDArray rows(Matrix x, int first, int count) {
        return Nd4jSpan.of(x.data()).view((long) first * x.columns(), count, x.columns(), x.columns());
    }

    /** As a matrix of one column. */
    private static INDArray column(Matrix x, int column) {
        return Nd4jSpan.of(x.data()).view(column, x.rows(), 1, x.columns());
    }

    /** Where one head of one sequence lies. */
    private record Head(AttentionShape shape, int sequence, int head) {

        INDArray queries(Matrix qkv) {
            return queriesView(qkv).dup();
        }

        INDArray keys(Matrix qkv) {
            return keysView(qkv).dup();
        }

        INDArray values(Matrix qkv) {
            return packed(qkv, 2);
        }

        INDArray queriesView(Matrix qkv) {
            return packed(qkv, 0);
        }

        INDArray keysView(Matrix qkv) {
            return packed(qkv, 1);
        }

        INDArray output(Matrix out) {
            long from = (long) sequence * shape.context() * shape.width() + (long) head * shape.headWidth();
            return Nd4jSpan.of(out.data()).view(from, shape.context(), shape.headWidth(), shape.width());
        }

        INDArray probabilities(Span probabilities) {
            long from = ((long) sequence * shape.heads() + head) * shape.context() * shape.probabilityStride();
            return Nd4jSpan.of(probabilities).view(from, shape.context(), shape.context(), shape.probabilityStride());
        }

        private INDArray packed(Matrix qkv, int part) {
            long stride = 3L * shape.width();
            long from =
                    sequence * shape.context() * stride + (long) part * shape.width() + (long) head * shape.headWidth();
            return Nd4jSpan.of(qkv.data()).view(from, shape.context(), shape.headWidth(), stride);
        }
    }
}
