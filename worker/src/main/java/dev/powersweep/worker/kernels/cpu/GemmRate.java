package dev.powersweep.worker.kernels.cpu;

import java.util.function.LongSupplier;

/** What one core gives in large single-precision products: the bound that a training step is held against. */
public final class GemmRate {

    private static final int SIZE = 512;
    private static final int ROUNDS = 8;
    private static final int CALLS = 20;

    private GemmRate() {}

    /**
     * GFLOP/s, the best of some short rounds.
     *
     * @param nanoseconds the clock
     */
    public static double gigaflops(LongSupplier nanoseconds) {
        Blas blas = new Blas();
        CpuSpan a = CpuSpan.allocate((long) SIZE * SIZE);
        CpuSpan b = CpuSpan.allocate((long) SIZE * SIZE);
        CpuSpan c = CpuSpan.allocate((long) SIZE * SIZE);
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long begin = nanoseconds.getAsLong();
            for (int call = 0; call < CALLS; call++) {
                blas.product(SIZE, SIZE, SIZE, 1, a.address, SIZE, b.address, SIZE, 0, c.address, SIZE);
            }
            double seconds = (nanoseconds.getAsLong() - begin) / 1e9;
            best = Math.max(best, 2.0 * SIZE * SIZE * SIZE * CALLS / seconds / 1e9);
        }
        a.array.close();
        b.array.close();
        c.array.close();
        return best;
    }
}
