package dev.powersweep.orchestrator.run;

import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.TrainerCommand;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The trainers of one executor. An idle one is handed out again to a cell that asks for the same process, so that
 * process start and library initialisation are paid once a slot.
 */
final class TrainerPool {
    private static final String INCUBATOR_WARNING = "WARNING: Using incubator modules";
    private static final int EXCERPT_BYTES = 4096;
    private static final String WARM = "warm";

    /** A process that has said that it is ready. */
    record Trainer(TrainerKey key, TrainerProcess process, Frame.Ready ready) {}

    /** A trainer that did not come up, with its class. */
    static final class StartException extends IOException {
        private static final long serialVersionUID = 1L;
        private final FailureClass failure;

        StartException(FailureClass failure, String message, Throwable cause) {
            super(message, cause);
            this.failure = failure;
        }

        FailureClass failure() {
            return failure;
        }
    }

    private record Idle(Trainer trainer, long sinceNanos) {}

    private final Path scratch;
    private final Duration startLimit;
    private final Deque<Idle> idle = new ArrayDeque<>();
    private final List<TrainerProcess> alive = new ArrayList<>();
    private final AtomicInteger started = new AtomicInteger();
    private boolean closed;

    TrainerPool(Path scratch, Duration startLimit) {
        this.scratch = scratch;
        this.startLimit = startLimit;
    }

    /** Trainers started so far. */
    int started() {
        return started.get();
    }

    /** An idle trainer of this kind, or a new one; throws {@link StartException} when none can be had. */
    Trainer take(TrainerKey key, Stopping stopping) throws IOException, InterruptedException {
        List<Trainer> others = new ArrayList<>();
        Trainer found = null;
        synchronized (this) {
            while (found == null && !idle.isEmpty()) {
                Trainer trainer = idle.pop().trainer();
                if (trainer.key().equals(key) && trainer.process().alive()) {
                    found = trainer;
                } else {
                    others.add(trainer);
                }
            }
        }
        // Idle trainers of another kind would hold memory that the new one was promised.
        others.forEach(this::discard);
        return found == null ? start(key, stopping) : found;
    }

    synchronized void giveBack(Trainer trainer) {
        if (closed) {
            discard(trainer);
        } else {
            idle.push(new Idle(trainer, System.nanoTime()));
        }
    }

    /** Ends a trainer that is sick or not needed any more; gives its exit status where it has one. */
    Optional<Integer> discard(Trainer trainer) {
        return discard(trainer.process());
    }

    private Optional<Integer> discard(TrainerProcess process) {
        Optional<Integer> status = process.kill();
        synchronized (this) {
            alive.remove(process);
        }
        process.abandon();
        return status;
    }

    /** Ends trainers that nobody has asked for since {@code limit}. */
    void reap(Duration limit) {
        List<Trainer> old = new ArrayList<>();
        synchronized (this) {
            long now = System.nanoTime();
            idle.removeIf(each -> {
                boolean tooOld = now - each.sinceNanos() > limit.toNanos();
                if (tooOld) {
                    old.add(each.trainer());
                }
                return tooOld;
            });
        }
        old.forEach(this::discard);
    }

    /** Kills every trainer, busy ones too. */
    void close() {
        List<TrainerProcess> all;
        synchronized (this) {
            closed = true;
            idle.clear();
            all = new ArrayList<>(alive);
            alive.clear();
        }
        // Whoever listens to one still hears its end, and lets go of it then.
        all.forEach(TrainerProcess::kill);
    }

    private Trainer start(TrainerKey key, Stopping stopping) throws IOException, InterruptedException {
        Path cache = Files.createDirectories(Path.of(key.nativeCache()));
        if (Files.exists(cache.resolve(WARM))) {
            return startUnlocked(key, stopping);
        }
        // Trainers that unpack native libraries into one place at the same time spoil it for each other.
        try (FileChannel channel = FileChannel.open(
                cache.resolveSibling(cache.getFileName() + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE)) {
            FileLock lock = HostLock.lock(channel);
            try {
                Trainer trainer = startUnlocked(key, stopping);
                Files.writeString(cache.resolve(WARM), "", StandardCharsets.UTF_8);
                return trainer;
            } finally {
                lock.release();
            }
        }
    }

    private Trainer startUnlocked(TrainerKey key, Stopping stopping) throws IOException, InterruptedException {
        TrainerProcess process;
        try {
            process = TrainerProcess.start(key, scratch.resolve("trainer-" + UUID.randomUUID() + ".err"));
        } catch (IOException e) {
            throw new StartException(FailureClass.BAD_NODE, "no trainer can be started here: " + e.getMessage(), e);
        }
        synchronized (this) {
            alive.add(process);
        }
        started.incrementAndGet();
        long end = System.nanoTime() + startLimit.toNanos();
        boolean ready = false;
        try {
            while (System.nanoTime() < end && !stopping.requested()) {
                Optional<TrainerProcess.Message> message = process.poll(200);
                if (message.isEmpty()) {
                    continue;
                }
                if (message.get() instanceof TrainerProcess.Message.Said said
                        && said.frame() instanceof Frame.Ready frame) {
                    ready = true;
                    return new Trainer(key, process, frame);
                }
                throw notReady(process, message.get());
            }
            if (stopping.requested()) {
                throw new InterruptedException("the task was asked to stop");
            }
            throw new StartException(
                    FailureClass.TIMEOUT,
                    "a trainer did not become ready within " + startLimit.toSeconds() + " s" + excerpt(process),
                    null);
        } finally {
            if (!ready) {
                discard(process);
            }
        }
    }

    private static StartException notReady(TrainerProcess process, TrainerProcess.Message message) {
        if (process.killedByUs()) {
            return new StartException(FailureClass.LOST_EXECUTOR, "the executor is shutting down", null);
        }
        if (message instanceof TrainerProcess.Message.Ended) {
            int status = process.exitStatus().orElse(-1);
            FailureClass failure =
                    switch (status) {
                        case TrainerCommand.EXIT_UNSUPPORTED_DEVICE -> FailureClass.UNSUPPORTED_DEVICE;
                        default -> beforeReady(ExitStatus.classify(status, process.memorySufficed()));
                    };
            return new StartException(
                    failure,
                    "a trainer ended with " + ExitStatus.text(status) + " before it was ready" + excerpt(process),
                    null);
        }
        return new StartException(
                FailureClass.BUG, "a trainer said something else before it was ready: " + message, null);
    }

    /** A trainer that has not seen a cell yet cannot have failed for its sake: Java, libraries or disk of this host. */
    private static FailureClass beforeReady(FailureClass failure) {
        return failure == FailureClass.BUG || failure == FailureClass.NATIVE_CRASH ? FailureClass.BAD_NODE : failure;
    }

    /** The last words of a trainer's standard error, for a message; what every JVM of ours says first explains nothing. */
    private static String excerpt(TrainerProcess process) {
        try {
            String text = new String(
                    process.errors(Math.max(0, process.errorBytes() - EXCERPT_BYTES), EXCERPT_BYTES),
                    StandardCharsets.UTF_8);
            return text.lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.contains(INCUBATOR_WARNING))
                    .reduce((earlier, later) -> later)
                    .map(last -> ": " + last)
                    .orElse("");
        } catch (IOException e) {
            return "";
        }
    }
}
