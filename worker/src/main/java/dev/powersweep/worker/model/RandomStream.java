package dev.powersweep.worker.model;

/**
 * Numbers that are functions of a key and a counter, so that no generator state needs saving.
 *
 * <p>The mixing function is SplitMix64's (Steele, Lea and Flood 2014). Normal numbers go through {@link StrictMath}, so
 * that they are the same on every machine.
 */
public final class RandomStream {

    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private RandomStream() {}

    /** A key for one use of one seed; different purposes and numbers give unrelated keys. */
    public static long key(long seed, String purpose, long first, long second) {
        long key = mix(seed + GOLDEN);
        for (int i = 0; i < purpose.length(); i++) {
            key = mix(key + GOLDEN * (purpose.charAt(i) + 1L));
        }
        key = mix(key + GOLDEN * (first + 1));
        return mix(key ^ mix(second + GOLDEN));
    }

    /** The counter's number under a key, any of the 2⁶⁴. */
    public static long bits(long key, long counter) {
        return mix(key + GOLDEN * (counter + 1));
    }

    /** The counter's number under a key, standard normal (Box and Muller 1958). */
    public static double normal(long key, long counter) {
        long pair = counter >> 1;
        double radius = StrictMath.sqrt(-2 * StrictMath.log(unit(bits(key, 2 * pair))));
        double angle = 2 * Math.PI * unit(bits(key, 2 * pair + 1));
        return radius * ((counter & 1) == 0 ? StrictMath.cos(angle) : StrictMath.sin(angle));
    }

    /** In (0, 1]. */
    private static double unit(long bits) {
        return ((bits >>> 11) + 1) * 0x1p-53;
    }

    private static long mix(long x) {
        long z = x;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
