package dev.powersweep.fitting.optimise;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * Numbered tasks on a fixed number of threads. A task must depend on its number alone, never on the thread or the order, so
 * that results do not depend on how many threads there are.
 */
public final class Workers {
    private Workers() {}

    /**
     * One numbered task with the thread's own scratch space.
     *
     * @param <S> scratch space
     */
    @FunctionalInterface
    public interface Task<S> {
        /** Does task {@code index}. */
        void run(S scratch, int index);
    }

    /** Runs tasks 0 … count − 1; returns when all are done. The first exception of a task is thrown again here. */
    public static <S> void run(int threads, int count, Supplier<S> scratch, Task<S> task) {
        AtomicInteger next = new AtomicInteger();
        AtomicReference<RuntimeException> failure = new AtomicReference<>();
        int chunk = Math.max(1, Math.min(16, count / (threads * 8)));
        Runnable loop = () -> {
            try {
                S own = scratch.get();
                for (int from = next.getAndAdd(chunk); from < count; from = next.getAndAdd(chunk)) {
                    for (int i = from; i < Math.min(count, from + chunk); i++) {
                        task.run(own, i);
                    }
                }
            } catch (RuntimeException e) {
                failure.compareAndSet(null, e);
                next.set(count);
            }
        };
        Thread[] helpers = new Thread[Math.min(threads, Math.max(1, count)) - 1];
        for (int t = 0; t < helpers.length; t++) {
            helpers[t] = new Thread(loop, "fitting-" + (t + 1));
            helpers[t].setDaemon(true);
            helpers[t].start();
        }
        loop.run();
        for (Thread helper : helpers) {
            boolean interrupted = false;
            while (true) {
                try {
                    helper.join();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        if (failure.get() != null) {
            throw failure.get();
        }
    }
}
