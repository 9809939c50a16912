package dev.powersweep.worker.trainer;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Ends runs in order on SIGTERM: a run in progress finishes its step, writes its checkpoint and its last frame, and only
 * when all have done so may the JVM go.
 */
final class StopSignal {
    private final BooleanSupplier outer;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private int busy;
    private volatile boolean requested;
    private volatile boolean shuttingDown;

    private StopSignal(BooleanSupplier outer) {
        this.outer = outer;
    }

    /** A signal that SIGTERM, SIGINT and SIGHUP raise; the JVM then ends with 128 plus the signal's number. */
    static StopSignal ofProcess() {
        StopSignal signal = new StopSignal(() -> false);
        Runtime.getRuntime().addShutdownHook(new Thread(signal::requestAndAwait, "stop"));
        return signal;
    }

    /** A signal for one of several runs, which is raised with this one, too. */
    StopSignal ofOne() {
        return new StopSignal(this::requested);
    }

    boolean requested() {
        return requested || outer.getAsBoolean();
    }

    /** Whether the JVM is shutting down. */
    boolean shuttingDown() {
        return shuttingDown;
    }

    void request() {
        requested = true;
    }

    /** Between this and as many {@link #end()} a request waits. */
    void begin() {
        lock.lock();
        try {
            busy++;
        } finally {
            lock.unlock();
        }
    }

    void end() {
        lock.lock();
        try {
            busy--;
            idle.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void requestAndAwait() {
        shuttingDown = true;
        request();
        lock.lock();
        try {
            while (busy > 0) {
                idle.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }
}
