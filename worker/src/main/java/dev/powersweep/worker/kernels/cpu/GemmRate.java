package dev.powersweep.worker.kernels.cpu;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/** What one core gives in large single-precision products: the bounds that a training step is held against. */
public final class GemmRate {

    private static final int SIZE = 512;
    private static final int ROUNDS = 8;
    private static final int CALLS = 20;

    private GemmRate() {}

    /**
     * GFLOP/s of the BLAS that ND4J brings, the best of some short rounds.
     *
     * @param nanoseconds the clock
     */
    public static double openBlas(LongSupplier nanoseconds) {
        Blas blas = new Blas(Blas.Cut.WHOLE, Optional.empty());
        return best(
                nanoseconds,
                (a, b, c) -> blas.product(SIZE, SIZE, SIZE, 1, a.address, SIZE, b.address, SIZE, 0, c.address, SIZE));
    }

    /** As {@link #openBlas}, of oneDNN; empty where there is none. */
    public static OptionalDouble oneDnn(LongSupplier nanoseconds) {
        Optional<OneDnn> oneDnn = OneDnn.load();
        if (oneDnn.isEmpty()) {
            return OptionalDouble.empty();
        }
        Blas blas = new Blas(Blas.Cut.WHOLE, oneDnn);
        return OptionalDouble.of(
                best(nanoseconds, (a, b, c) -> blas.linear(a.address, b.address, c.address, SIZE, SIZE, SIZE)));
    }

    @FunctionalInterface
    private interface Product {
        void run(CpuSpan a, CpuSpan b, CpuSpan c);
    }

    private static double best(LongSupplier nanoseconds, Product product) {
        CpuSpan a = CpuSpan.allocate((long) SIZE * SIZE);
        CpuSpan b = CpuSpan.allocate((long) SIZE * SIZE);
        CpuSpan c = CpuSpan.allocate((long) SIZE * SIZE);
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long begin = nanoseconds.getAsLong();
            for (int call = 0; call < CALLS; call++) {
                product.run(a, b, c);
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
