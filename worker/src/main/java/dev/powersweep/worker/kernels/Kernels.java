package dev.powersweep.worker.kernels;

import dev.powersweep.worker.cell.ModelShape.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/**
 * The numeric operations of a Transformer's training step. {@code rows} are tokens, sequence after sequence. Spans come
 * from {@link #allocate(long)} or {@link #wrap} of the same set. Implementations serve one thread. Matrices of a
 * product, a sum, a norm or an attention whose shapes do not belong together are an {@link IllegalArgumentException}.
 */
public interface Kernels extends AutoCloseable {

    /** Zeros. */
    Span allocate(long length);

    /** Zeros. */
    default Matrix allocate(int rows, int columns) {
        return new Matrix(allocate((long) rows * columns), rows, columns);
    }

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
    void linear(Matrix x, Matrix w, Matrix y);

    /** {@code dw[inputs, outputs] += xᵀ · dy} for {@code x[rows, inputs]} and {@code dy[rows, outputs]}. */
    void weightGradient(Matrix x, Matrix dy, Matrix dw);

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
    void transpose(Matrix from, Matrix to);

    /**
     * {@code out[row] = tokenTable[token] + positionTable[row mod context]}, then dropped.
     *
     * @param from index in {@code tokens} of the first row's token
     * @param out [rows, width]
     */
    void embed(int[] tokens, int from, EmbeddingTables tables, Dropout dropout, Matrix out);

    /**
     * Adds the gradients of {@link #embed}.
     *
     * @param dOut [rows, width]; with dropout, it is replaced by what is left of it
     */
    void embedBackward(int[] tokens, int from, Matrix dOut, Dropout dropout, EmbeddingTables gradients);

    /**
     * {@code out = norm(x)·gain + bias}.
     *
     * @param out of the shape of {@code x}, [rows, width]
     * @param statistics [rows, 2]: mean (0 for RMSNorm) and reciprocal deviation of each row
     */
    void normalise(Matrix x, Norm norm, Matrix out, Matrix statistics);

    /**
     * {@code sum = x + dropout(branch)}, and {@link #normalise} of the sum.
     *
     * @param branch of the shape of {@code x}, as {@code sum} and {@code out} are
     */
    void addNormalise(Matrix x, Matrix branch, Dropout dropout, Matrix sum, Norm norm, Matrix out, Matrix statistics);

    /**
     * Writes the gradient of the normed input to {@code dx} and adds those of gain and bias.
     *
     * @param x what was normed, [rows, width]
     * @param statistics what {@link #normalise} left
     * @param gradients of the kind of {@code norm}
     */
    void normaliseBackward(Matrix dOut, Matrix x, Matrix statistics, Norm norm, Norm gradients, Matrix dx, Write write);

    /** {@code to = from ⊙ mask}. */
    void drop(Matrix from, DropoutMask mask, Matrix to);

    /**
     * Rotates queries and keys of {@code qkv[rows, 3·width]} in place by their position (Su et al. 2021; element i of a
     * head pairs with element i + headWidth/2, base 10,000).
     *
     * @param direction 1 forward, −1 to rotate gradients back
     */
    void rotate(Matrix qkv, AttentionShape shape, int direction);

    /**
     * Causal softmax attention.
     *
     * @param qkv [sequences·context, 3·width]: queries, keys, values of all heads
     * @param probabilities [sequences, heads, context, probabilityStride]
     * @param out [sequences·context, width]
     */
    void attention(Matrix qkv, Span probabilities, Matrix out, AttentionShape shape);

    /** Writes {@code dQkv} from {@code dOut}. */
    void attentionBackward(Matrix qkv, Span probabilities, Matrix dOut, Matrix dQkv, AttentionShape shape);

    /** {@code x = f(x)}, and {@code derivative = f'(x)} of the old x. */
    void activate(Matrix x, Matrix derivative, Activation activation);

    /** {@code x = x ⊙ y}. */
    void multiply(Matrix x, Matrix y);

    /**
     * Cross-entropy of softmax(logitScale·logits) in nats.
     *
     * @param logits [rows, vocabulary]; replaced by their gradient times {@code gradientWeight} unless that is 0
     * @param from index in {@code targets} and {@code losses} of the first row's
     * @param losses receives each row's loss
     */
    void crossEntropy(Matrix logits, int[] targets, int from, float logitScale, float gradientWeight, double[] losses);

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
