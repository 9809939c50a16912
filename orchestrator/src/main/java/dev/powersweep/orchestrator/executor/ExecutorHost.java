package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.host.HostScratch;
import dev.powersweep.orchestrator.executor.trainer.TrainerPool;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The trainers and scratch of this JVM. Tasks come and go while trainers stay, so this one thing is static: there is no
 * other place in an executor that outlives a task.
 */
public final class ExecutorHost {
    private static final Logger LOG = LogManager.getLogger(ExecutorHost.class);
    static final Duration START_LIMIT = Duration.ofMinutes(3);
    private static final Duration IDLE_LIMIT = Duration.ofSeconds(60);

    private static ExecutorHost current;

    private final HostCache cache;
    private final HostScratch scratch;
    private final TrainerPool pool;
    private final ScheduledExecutorService reaper;
    private final Thread atExit = new Thread(this::release, "trainers-end");
    private volatile LiveUpdate.Sink live = LiveUpdate.Sink.NONE;

    private ExecutorHost() throws IOException {
        cache = HostCache.ofUser();
        scratch = cache.scratch();
        pool = new TrainerPool(scratch.folder(), START_LIMIT);
        reaper = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "trainers-reaper");
            thread.setDaemon(true);
            return thread;
        });
        reaper.scheduleWithFixedDelay(
                () -> pool.reap(IDLE_LIMIT), IDLE_LIMIT.toSeconds(), IDLE_LIMIT.toSeconds(), TimeUnit.SECONDS);
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    public static synchronized ExecutorHost get() throws IOException {
        if (current == null) {
            current = new ExecutorHost();
        }
        return current;
    }

    /** Ends the trainers of this JVM; a later task starts anew. */
    public static synchronized void shutDown() {
        if (current == null) {
            return;
        }
        ExecutorHost ending = current;
        current = null;
        try {
            Runtime.getRuntime().removeShutdownHook(ending.atExit);
        } catch (IllegalStateException e) {
            // The JVM is ending and runs the hook itself.
            return;
        }
        ending.release();
    }

    private void release() {
        reaper.shutdownNow();
        pool.close();
        try {
            scratch.close();
        } catch (IOException e) {
            LOG.warn("scratch files stay in {}: {}", scratch.folder(), e.toString());
        }
    }

    HostCache cache() {
        return cache;
    }

    Path scratch() {
        return scratch.folder();
    }

    TrainerPool pool() {
        return pool;
    }

    LiveUpdate.Sink live() {
        return live;
    }

    public void live(LiveUpdate.Sink sink) {
        live = sink;
    }
}
