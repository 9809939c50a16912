package dev.powersweep.fitting.optimise;

import java.util.ArrayList;
import java.util.List;
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

    /**
     * Runs tasks 0 … count − 1; returns when all are done or one has failed. The first failure of a task, error or exception,
     * is thrown again here.
     */
    public static <S> void run(int threads, int count, Supplier<S> scratch, Task<S> task) {
        AtomicInteger next = new AtomicInteger();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        int chunk = Math.max(1, Math.min(16, count / (threads * 8)));
        Runnable loop = () -> {
            try {
                S own = scratch.get();
                for (int from = next.getAndAdd(chunk); from < count; from = next.getAndAdd(chunk)) {
                    for (int i = from; i < Math.min(count, from + chunk); i++) {
                        task.run(own, i);
                    }
                }
            } catch (RuntimeException | Error failed) {
                failure.compareAndSet(null, failed);
                next.set(count);
            }
        };
        List<Thread> helpers = new ArrayList<>();
        try {
            for (int t = 1; t < Math.min(threads, Math.max(1, count)); t++) {
                Thread helper = new Thread(loop, "fitting-" + t);
                helper.setDaemon(true);
                helper.start();
                helpers.add(helper);
            }
        } catch (OutOfMemoryError noThread) {
            // The system grants no further thread: those there are do the work.
        }
        loop.run();
        helpers.forEach(Workers::join);
        if (failure.get() instanceof Error error) {
            throw error;
        }
        if (failure.get() instanceof RuntimeException exception) {
            throw exception;
        }
    }

    /** Waits to the end, and keeps an interruption for the caller. */
    private static void join(Thread helper) {
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
}
