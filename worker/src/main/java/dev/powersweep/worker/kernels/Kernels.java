package dev.powersweep.worker.kernels;

import dev.powersweep.worker.cell.ModelShape.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/**
 * The numeric operations of a Transformer's training step. All matrices are row-major; {@code rows} are tokens, sequence
 * after sequence. Spans come from {@link #allocate} of the same set. Implementations serve one thread.
 */
public interface Kernels extends AutoCloseable {

    /** Added to a variance under a norm's root. */
    double NORM_EPSILON = 1e-5;

    /** Zeros. */
    Span allocate(long length);

    /**
     * A view of an array's own memory, which the caller keeps alive and frees.
     *
     * @param array of the set's precision, whose elements follow each other without gaps, row after row
     * @throws IllegalArgumentException when it is not such an array
     */
    Span wrap(INDArray array);

    /** Whether an array's elements follow each other in memory, row after row. */
    static boolean gapless(INDArray array) {
        return array.isVectorOrScalar()
                ? array.elementWiseStride() == 1 || array.length() == 1
                : array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array);
    }

    /** Name of the set and of what it found on this machine, for provenance. */
    String describe();

    void zero(Span x);

    /** {@code y[rows, outputs] = x[rows, inputs] · w[inputs, outputs]}. */
    void linear(Span x, Span w, Span y, int rows, int inputs, int outputs);

    /** {@code dw[inputs, outputs] += xᵀ · dy} for {@code x[rows, inputs]} and {@code dy[rows, outputs]}. */
    void weightGradient(Span x, Span dy, Span dw, int rows, int inputs, int outputs);

    /**
     * A map on weights in memory, to be {@linkplain LinearMap#refresh refreshed} before its first use. It lives as long as
     * the set.
     *
     * @param weights laid out as {@code shape} says
     * @param gradient of the same layout; backward passes add to it
     */
    default LinearMap linearMap(Span weights, Span gradient, LinearMap.Shape shape) {
        return new TransposedCopyMap(this, weights, gradient, shape);
    }

    /** {@code to[columns, rows] = from[rows, columns]ᵀ}. */
    void transpose(Span from, int rows, int columns, Span to);

    /**
     * {@code out[row] = tokenEmbedding[token] + positionEmbedding[row mod context]}.
     *
     * @param from index in {@code tokens} of the first row's token
     * @param positionEmbedding {@code null} for none
     * @param mask {@code null} for no dropout
     */
    void embed(
            int[] tokens,
            int from,
            Span tokenEmbedding,
            Span positionEmbedding,
            DropoutMask mask,
            Span out,
            int rows,
            int context,
            int width);

    /** Adds the gradients of {@link #embed}. */
    void embedBackward(
            int[] tokens,
            int from,
            Span dOut,
            DropoutMask mask,
            Span dTokenEmbedding,
            Span dPositionEmbedding,
            int rows,
            int context,
            int width);

    /**
     * {@code sum = x + branch} and {@code out = norm(sum)·gain + bias}.
     *
     * @param branch {@code null} to norm x itself; {@code sum} is then not written
     * @param mask dropout of the branch; {@code null} for none
     * @param bias {@code null} for RMSNorm (Zhang and Sennrich 2019), else LayerNorm (Ba et al. 2016)
     * @param statistics [rows, 2]: mean (0 for RMSNorm) and reciprocal deviation of each row
     */
    void addNormalise(
            Span x,
            Span branch,
            DropoutMask mask,
            Span sum,
            Span gain,
            Span bias,
            Span out,
            Span statistics,
            int rows,
            int width);

    /**
     * Writes the gradient of the normed input to {@code dx} and adds those of gain and bias.
     *
     * @param x what was normed
     * @param bias gradient of the bias; {@code null} for RMSNorm
     */
    void normaliseBackward(
            Span dOut,
            Span x,
            Span statistics,
            Span gain,
            Span dGain,
            Span dBias,
            Span dx,
            Write write,
            int rows,
            int width);

    /** {@code to = from ⊙ mask}. */
    void drop(Span from, DropoutMask mask, Span to, int length);

    /**
     * Rotates queries and keys of {@code qkv[rows, 3·width]} in place by their position (Su et al. 2021; element i of a
     * head pairs with element i + headWidth/2, base 10,000).
     *
     * @param direction 1 forward, −1 to rotate gradients back
     */
    void rotate(Span qkv, int rows, AttentionShape shape, int direction);

    /**
     * Causal softmax attention.
     *
     * @param qkv [sequences·context, 3·width]: queries, keys, values of all heads
     * @param probabilities [sequences, heads, context, probabilityStride]
     * @param out [sequences·context, width]
     */
    void attention(Span qkv, Span probabilities, Span out, int sequences, AttentionShape shape);

    /** Writes {@code dQkv} from {@code dOut}. */
    void attentionBackward(Span qkv, Span probabilities, Span dOut, Span dQkv, int sequences, AttentionShape shape);

    /** {@code x = f(x)}, and {@code derivative = f'(x)} of the old x. */
    void activate(Span x, Span derivative, int length, Activation activation);

    /** {@code x = x ⊙ y}. */
    void multiply(Span x, Span y, int length);

    /**
     * Cross-entropy of softmax(logitScale·logits) in nats.
     *
     * @param logits [rows, vocabulary]; replaced by their gradient times {@code gradientWeight} unless that is 0
     * @param losses receives each row's loss from index {@code from} on
     */
    void crossEntropy(
            Span logits,
            int[] targets,
            int from,
            int rows,
            int vocabulary,
            float logitScale,
            float gradientWeight,
            double[] losses);

    /**
     * Writes or adds {@code part} to {@code total}.
     *
     * @param squares receives the sums of squares of {@code part} [0] and of the new {@code total} [1]
     */
    void accumulate(Span part, Span total, Write write, double[] squares);

    double sumOfSquares(Span x);

    /** One AdamW update (Loshchilov and Hutter 2019) of one tensor and its moments. */
    void adamw(Span parameters, Span gradients, Span firstMoments, Span secondMoments, AdamStep step);

    /** Frees all memory. */
    @Override
    void close();
}
