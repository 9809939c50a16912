package dev.powersweep.orchestrator.executor.trainer;

import dev.powersweep.orchestrator.dispatch.Endings;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.TrainerExit;
import dev.powersweep.orchestrator.executor.host.RunnableFolder;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * The trainers of one executor. An idle one is handed out again to a cell that asks for the same process, so that
 * process start and library initialisation are paid once a slot.
 */
public final class TrainerPool {
    /** How a JVM with the Vector API begins its standard error. */
    public static final String INCUBATOR_WARNING = "WARNING: Using incubator modules";

    private static final int EXCERPT_BYTES = 4096;

    /** A process that has said that it is ready. */
    public record Trainer(TrainerKey key, TrainerProcess process, Frame.Ready ready) {}

    /** A trainer that did not come up. */
    public static final class StartException extends IOException {
        private static final long serialVersionUID = 1L;
        private final transient Function<String, Outcome> outcome;

        /** @param outcome of the attempt that asked for it, by the name of this host */
        StartException(Function<String, Outcome> outcome) {
            super(outcome.apply("here").message());
            this.outcome = outcome;
        }

        public Outcome outcome(String host) {
            return outcome.apply(host);
        }
    }

    private record Idle(Trainer trainer, long sinceNanos) {}

    private final Path scratch;
    private final Duration startLimit;
    private final Deque<Idle> idle = new ArrayDeque<>();
    private final List<TrainerProcess> alive = new ArrayList<>();
    private final AtomicInteger started = new AtomicInteger();
    private final SharedTrainers shared = new SharedTrainers(this);
    private boolean closed;

    public TrainerPool(Path scratch, Duration startLimit) {
        this.scratch = scratch;
        this.startLimit = startLimit;
    }

    /** Those that serve several attempts at once. */
    public SharedTrainers shared() {
        return shared;
    }

    /** Trainers started so far. */
    public int started() {
        return started.get();
    }

    /** An idle trainer of this kind, or a new one; throws {@link StartException} when none can be had. */
    public Trainer take(TrainerKey key, Stopping stopping) throws IOException, InterruptedException {
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

    public synchronized void giveBack(Trainer trainer) {
        if (closed) {
            discard(trainer);
        } else {
            idle.push(new Idle(trainer, System.nanoTime()));
        }
    }

    /** Ends a trainer that is sick or not needed any more; gives its exit status where it has one. */
    public Optional<Integer> discard(Trainer trainer) {
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

    /** Ends trainers that have been idle for longer than {@code limit}. */
    public void reap(Duration limit) {
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
    public void close() {
        List<TrainerProcess> all;
        synchronized (this) {
            closed = true;
            idle.clear();
            all = new ArrayList<>(alive);
            alive.clear();
        }
        // An attempt that reads from one still receives its end and releases it then.
        all.forEach(TrainerProcess::kill);
    }

    private Trainer start(TrainerKey key, Stopping stopping) throws IOException, InterruptedException {
        LibraryFolder libraries = new LibraryFolder(Path.of(key.nativeCache()));
        if (libraries.unpacked()) {
            return startUnlocked(key, ClassArchive.lineWithArchive(key, startLimit, stopping), stopping);
        }
        try (LibraryFolder.Turn turn = libraries.turn()) {
            Trainer trainer = startUnlocked(key, key.commandLine(), stopping);
            libraries.markUnpacked();
            return trainer;
        }
    }

    private Trainer startUnlocked(TrainerKey key, List<String> line, Stopping stopping)
            throws IOException, InterruptedException {
        TrainerProcess process;
        try {
            process = TrainerProcess.start(
                    line, key.environment(), scratch.resolve("trainer-" + UUID.randomUUID() + ".err"));
        } catch (IOException e) {
            throw new StartException(host -> Endings.notStarted(host, e.getMessage()));
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
                throw notReady(key, process, message.get());
            }
            if (stopping.requested()) {
                throw new InterruptedException("the task was asked to stop");
            }
            String words = excerpt(process);
            throw new StartException(host -> Endings.notReadyInTime(startLimit.toSeconds(), words));
        } finally {
            if (!ready) {
                discard(process);
            }
        }
    }

    private static StartException notReady(TrainerKey key, TrainerProcess process, TrainerProcess.Message message) {
        if (message instanceof TrainerProcess.Message.Ended || process.killedByUs()) {
            TrainerExit exit = new TrainerExit(
                    process.exitStatus().orElse(-1), process.killedByUs(), process.memorySufficed(), "");
            Optional<String> folder =
                    process.killedByUs() ? Optional.empty() : RunnableFolder.trouble(Path.of(key.nativeCache()));
            if (folder.isPresent()) {
                return new StartException(host -> Endings.notStarted(host, folder.get()));
            }
            String words = excerpt(process);
            return new StartException(host -> Endings.neverReady(exit, host, words));
        }
        return new StartException(host -> Endings.notReadyButSaid(message.toString()));
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
