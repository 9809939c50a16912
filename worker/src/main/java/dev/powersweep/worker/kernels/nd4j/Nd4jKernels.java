package dev.powersweep.worker.kernels.nd4j;

import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.Flush;
import dev.powersweep.worker.kernels.Kernels;
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
    public void linear(Span x, Span w, Span y, int rows, int inputs, int outputs) {
        matrix(y, rows, outputs).assign(matrix(x, rows, inputs).mmul(matrix(w, inputs, outputs)));
    }

    @Override
    public void weightGradient(Span x, Span dy, Span dw, int rows, int inputs, int outputs) {
        matrix(dw, inputs, outputs).addi(matrix(x, rows, inputs).transpose().mmul(matrix(dy, rows, outputs)));
    }

    @Override
    public void transpose(Span from, int rows, int columns, Span to) {
        matrix(to, columns, rows).assign(matrix(from, rows, columns).transpose());
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
        INDArray result = matrix(out, rows, width);
        result.assign(oneHot(tokens, from, rows, kinds(tokenEmbedding, width))
                .mmul(matrix(tokenEmbedding, kinds(tokenEmbedding, width), width)));
        if (positionEmbedding != null) {
            for (int first = 0; first < rows; first += context) {
                rows(out, first, context, width).addi(matrix(positionEmbedding, context, width));
            }
        }
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
        int kinds = kinds(dTokenEmbedding, width);
        matrix(dTokenEmbedding, kinds, width)
                .addi(oneHot(tokens, from, rows, kinds).transpose().mmul(matrix(dOut, rows, width)));
        if (dPositionEmbedding != null) {
            for (int first = 0; first < rows; first += context) {
                matrix(dPositionEmbedding, context, width).addi(rows(dOut, first, context, width));
            }
        }
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
        INDArray input = matrix(x, rows, width);
        if (branch != null) {
            INDArray added = matrix(branch, rows, width);
            if (mask != null) {
                added = added.mul(factors(mask, rows * width).reshape(rows, width));
            }
            INDArray total = matrix(sum, rows, width);
            total.assign(input.add(added));
            input = total;
        }
        INDArray mean = bias == null ? Nd4j.zeros(type, rows, 1) : input.mean(true, 1);
        INDArray centred = input.subColumnVector(mean);
        INDArray variance = centred.mul(centred).mean(true, 1);
        INDArray reciprocal = Transforms.pow(variance.add(NORM_EPSILON), -0.5);
        Nd4jSpan.of(statistics).view(0, rows, 1, 2).assign(mean);
        Nd4jSpan.of(statistics).view(1, rows, 1, 2).assign(reciprocal);
        INDArray normed = centred.muliColumnVector(reciprocal).muliRowVector(vector(gain));
        if (bias != null) {
            normed.addiRowVector(vector(bias));
        }
        matrix(out, rows, width).assign(normed);
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
        INDArray mean = Nd4jSpan.of(statistics).view(0, rows, 1, 2).dup();
        INDArray reciprocal = Nd4jSpan.of(statistics).view(1, rows, 1, 2).dup();
        INDArray normed = matrix(x, rows, width).subColumnVector(mean).muliColumnVector(reciprocal);
        INDArray dy = matrix(dOut, rows, width);
        vector(dGain).addi(dy.mul(normed).sum(0));
        INDArray scaled = dy.mulRowVector(vector(gain));
        INDArray gradient = scaled.sub(normed.mulColumnVector(scaled.mul(normed).mean(true, 1)));
        if (dBias != null) {
            vector(dBias).addi(dy.sum(0));
            gradient.subiColumnVector(scaled.mean(true, 1));
        }
        gradient.muliColumnVector(reciprocal);
        put(dx, gradient, write, rows, width);
    }

    @Override
    public void drop(Span from, DropoutMask mask, Span to, int length) {
        Nd4jSpan.of(to).vector(length).assign(Nd4jSpan.of(from).vector(length).mul(factors(mask, length)));
    }

    @Override
    public void rotate(Span qkv, int rows, AttentionShape shape, int direction) {
        int pairs = shape.headWidth() / 2;
        int stride = 3 * shape.width();
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
            INDArray first = Nd4jSpan.of(qkv).view(at, rows, pairs, stride);
            INDArray second = Nd4jSpan.of(qkv).view(at + pairs, rows, pairs, stride);
            INDArray turned = first.mul(cosine).sub(second.mul(sine));
            second.assign(first.mul(sine).add(second.mul(cosine)));
            first.assign(turned);
        }
    }

    @Override
    public void attention(Span qkv, Span probabilities, Span out, int sequences, AttentionShape shape) {
        INDArray future = future(shape.context());
        INDArray past = future.eq(0).castTo(type);
        for (int sequence = 0; sequence < sequences; sequence++) {
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
    public void attentionBackward(
            Span qkv, Span probabilities, Span dOut, Span dQkv, int sequences, AttentionShape shape) {
        for (int sequence = 0; sequence < sequences; sequence++) {
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
    public void activate(Span x, Span derivative, int length, Activation activation) {
        INDArray values = Nd4jSpan.of(x).vector(length);
        INDArray slopes = Nd4jSpan.of(derivative).vector(length);
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
    public void multiply(Span x, Span y, int length) {
        flush(Nd4jSpan.of(x).vector(length).muli(Nd4jSpan.of(y).vector(length)), Flush.GRADIENT);
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
        INDArray scores = matrix(logits, rows, vocabulary).mul(logitScale);
        INDArray most = scores.max(true, 1);
        INDArray e = exponentials(scores, most);
        INDArray sums = e.sum(true, 1);
        INDArray chosen = oneHot(targets, from, rows, vocabulary);
        INDArray ofTargets = scores.mul(chosen).sum(true, 1);
        INDArray lost = Transforms.log(sums).addi(most).subi(ofTargets);
        for (int row = 0; row < rows; row++) {
            losses[from + row] = lost.getDouble(row, 0);
        }
        if (gradientWeight != 0) {
            INDArray probabilities = flush(e.divColumnVector(sums), Flush.ACTIVATION);
            matrix(logits, rows, vocabulary)
                    .assign(probabilities.subi(chosen).muli((double) gradientWeight * logitScale));
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

    private void put(Span to, INDArray value, Write write, int rows, int width) {
        if (write == Write.REPLACE) {
            matrix(to, rows, width).assign(value);
        } else {
            matrix(to, rows, width).addi(value);
        }
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

    private static int kinds(Span embedding, int width) {
        return Math.toIntExact(embedding.length() / width);
    }

    private static INDArray vector(Span x) {
        return Nd4jSpan.of(x).vector();
    }

    private static INDArray matrix(Span x, int rows, int columns) {
        return Nd4jSpan.of(x).matrix(rows, columns);
    }

    private static INDArray rows(Span x, int first, int count, int columns) {
        return Nd4jSpan.of(x).view((long) first * columns, count, columns, columns);
    }

    /** Where one head of one sequence lies. */
    private record Head(AttentionShape shape, int sequence, int head) {

        INDArray queries(Span qkv) {
            return queriesView(qkv).dup();
        }

        INDArray keys(Span qkv) {
            return keysView(qkv).dup();
        }

        INDArray values(Span qkv) {
            return packed(qkv, 2);
        }

        INDArray queriesView(Span qkv) {
            return packed(qkv, 0);
        }

        INDArray keysView(Span qkv) {
            return packed(qkv, 1);
        }

        INDArray output(Span out) {
            long from = (long) sequence * shape.context() * shape.width() + (long) head * shape.headWidth();
            return Nd4jSpan.of(out).view(from, shape.context(), shape.headWidth(), shape.width());
        }

        INDArray probabilities(Span probabilities) {
            long from = ((long) sequence * shape.heads() + head) * shape.context() * shape.probabilityStride();
            return Nd4jSpan.of(probabilities).view(from, shape.context(), shape.context(), shape.probabilityStride());
        }

        private INDArray packed(Span qkv, int part) {
            long stride = 3L * shape.width();
            long from =
                    sequence * shape.context() * stride + (long) part * shape.width() + (long) head * shape.headWidth();
            return Nd4jSpan.of(qkv).view(from, shape.context(), shape.headWidth(), stride);
        }
    }
}
