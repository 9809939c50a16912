package dev.powersweep.worker.data;

/** A counter-based random function: SplitMix64's output function (Steele, Lea and Flood 2014) over a key and a counter. */
final class Mixing {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private Mixing() {}

    /** 64 bits that depend on every bit of both arguments. */
    static long mix(long key, long counter) {
        return finish(finish(key + GOLDEN_GAMMA) ^ finish(counter * GOLDEN_GAMMA + 0x632be59bd9b4e019L));
    }

    private static long finish(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
