package dev.powersweep.worker.kernels;

/**
 * How kernels keep subnormal numbers out of memory: they add one of these and take it away again, which rounds what is
 * much smaller to a multiple of its last place, mostly 0, and leaves the rest as it is.
 *
 * <p>An operation on a subnormal number takes a processor a hundred cycles and more, and high learning rates make many of
 * them. Where a product is rounded, {@code fma(a, b, c) − c} never makes the subnormal number in the first place. A number
 * of at least c keeps all its bits but the last, one of at least 2²⁵·c keeps every bit; below c the error is at most
 * 2⁻²⁴·c.
 */
public final class Flush {

    /** For probabilities, which are of order 1, and squared ReLU's inputs: 2⁻⁴⁰, so that below 2⁻⁶⁴ nothing is left. */
    public static final float ACTIVATION = 0x1p-40f;

    /**
     * For squares of activations: 2⁻⁶⁴, so that below 2⁻⁸⁸ nothing is left. Units that have died have smaller ones, and
     * their products with gradients, all of them subnormal, are what a weight's gradient sums then.
     */
    public static final float SQUARE = 0x1p-64f;

    /** For gradients and first moments: 2⁻⁸⁰, so that below 2⁻¹⁰⁴ nothing is left. */
    public static final float GRADIENT = 0x1p-80f;

    /** For second moments: 2⁻⁹⁰, so that below 2⁻¹¹⁴ nothing is left. */
    public static final float SECOND_MOMENT = 0x1p-90f;

    /** Exponentials of less are this one's: e⁻⁶⁰, small enough to be rounded away as a probability. */
    public static final float LEAST_EXPONENT = -60f;

    /**
     * Sigmoids of more, or less than minus this, are those at ±40. From each the least one, e⁻⁴⁰, is taken away: what lies
     * beyond the bound becomes 0, for one subtraction, and the others lose less than their rounding.
     */
    public static final float SIGMOID_BOUND = 40f;

    private Flush() {}
}
