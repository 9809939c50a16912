package dev.powersweep.worker.trainer;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Ends a run in order on SIGTERM: the run in progress finishes its step, writes its checkpoint and its last frame, and
 * only then may the JVM go.
 */
final class StopSignal {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private boolean busy;
    private volatile boolean requested;
    private volatile boolean shuttingDown;

    /** A signal that SIGTERM, SIGINT and SIGHUP raise; the JVM then ends with 128 plus the signal's number. */
    static StopSignal ofProcess() {
        StopSignal signal = new StopSignal();
        Runtime.getRuntime().addShutdownHook(new Thread(signal::requestAndAwait, "stop"));
        return signal;
    }

    boolean requested() {
        return requested;
    }

    /** Whether the JVM is shutting down. */
    boolean shuttingDown() {
        return shuttingDown;
    }

    void request() {
        requested = true;
    }

    /** Between this and {@link #end()} a request waits. */
    void begin() {
        lock.lock();
        try {
            busy = true;
        } finally {
            lock.unlock();
        }
    }

    void end() {
        lock.lock();
        try {
            busy = false;
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
            while (busy) {
                idle.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }
}
