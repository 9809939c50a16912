package dev.powersweep.worker.kernels;

/**
 * Which elements of one site survive dropout at one step: a hash of (key, element), so that forward pass, backward pass
 * and both kernel sets see the same mask without storing it.
 *
 * <p>Elements are numbered across the whole batch, so that the mask does not depend on how a batch is cut.
 */
public final class DropoutMask implements Dropout {

    /** Multiplier that spreads consecutive element numbers (2³²/φ). */
    public static final int SPREAD = 0x9E3779B1;

    public static final int MIX_1 = 0x7FEB352D;
    public static final int MIX_2 = 0x846CA68B;

    private final int keepBelow;
    private final float scale;
    private int key;
    private int firstElement;

    /** @param rate share dropped, in [0, 1) */
    public DropoutMask(double rate) {
        keepBelow = (int) Math.round((1 - rate) * (1 << 24));
        scale = (float) (1 / (1 - rate));
    }

    @Override
    public DropoutMask at(long key, long firstElement) {
        this.key = (int) (key ^ (key >>> 32));
        this.firstElement = (int) firstElement;
        return this;
    }

    public int key() {
        return key;
    }

    /** Number of the first element of the chunk, modulo 2³². */
    public int firstElement() {
        return firstElement;
    }

    /** An element is kept when the upper 24 bits of its hash are below this. */
    public int keepBelow() {
        return keepBelow;
    }

    /** 1/(1 − rate), the factor of a kept element. */
    public float scale() {
        return scale;
    }

    /** The factor of an element of the chunk: 0 or {@link #scale()}. */
    public float factor(int index) {
        return (hash((firstElement + index) * SPREAD + key) >>> 8) < keepBelow ? scale : 0;
    }

    private static int hash(int x) {
        int h = x;
        h ^= h >>> 16;
        h *= MIX_1;
        h ^= h >>> 15;
        h *= MIX_2;
        h ^= h >>> 16;
        return h;
    }
}
