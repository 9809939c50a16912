package dev.powersweep.orchestrator.corpus;

import java.util.Arrays;

/** Counters by number, zero until used. */
final class LongArray {
    private long[] values = new long[1 << 12];

    void increment(int index) {
        if (index >= values.length) {
            values = Arrays.copyOf(values, Math.max(index + 1, 2 * values.length));
        }
        values[index]++;
    }

    long get(int index) {
        return index < values.length ? values[index] : 0;
    }
}
