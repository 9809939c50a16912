package dev.powersweep.worker.data;

/**
 * A pseudo-random permutation of [0, n) that any element can be asked of by itself: a balanced Feistel network over the
 * next even power of two, walked along its cycle until it falls below n (Black and Rogaway 2002, method 3: fewer than
 * four tries on average). No memory, whatever n.
 */
final class Permutation {
    private static final int ROUNDS = 8;

    private final long size;
    private final int halfBits;
    private final long halfMask;
    private final long[] roundKeys = new long[ROUNDS];

    /** @param size n, in [1, 2⁶²] */
    Permutation(long size, long key) {
        if (size < 1 || size > 1L << 62) {
            throw new IllegalArgumentException("a permutation of " + size + " elements");
        }
        this.size = size;
        int bits = Math.max(2, 64 - Long.numberOfLeadingZeros(size - 1));
        this.halfBits = (bits + 1) / 2;
        this.halfMask = (1L << halfBits) - 1;
        for (int round = 0; round < ROUNDS; round++) {
            roundKeys[round] = Mixing.mix(key, round);
        }
    }

    /** Where {@code index} goes. */
    long at(long index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException("element " + index + " of a permutation of " + size);
        }
        long value = index;
        do {
            value = encrypt(value);
        } while (value >= size);
        return value;
    }

    private long encrypt(long value) {
        long left = value >>> halfBits;
        long right = value & halfMask;
        for (long key : roundKeys) {
            long next = left ^ (Mixing.mix(key, right) & halfMask);
            left = right;
            right = next;
        }
        return left << halfBits | right;
    }
}
