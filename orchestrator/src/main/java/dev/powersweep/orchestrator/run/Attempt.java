package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.ledger.AttemptReport;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.run.CellSupervisor.Surroundings;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** One attempt, from its order to its report. */
final class Attempt {
    private static final Logger LOG = LogManager.getLogger(Attempt.class);

    private static final long POLL_MILLIS = 200;
    /** For a trainer that was asked to stop to write its checkpoint. */
    private static final double STOP_GRACE_SECONDS = 20;
    /** For a trainer that writes other things than frames to die of what they tell about. */
    private static final double LAST_WORDS_SECONDS = 3;

    /** The line that a JVM's report of its own crash, or of a failed allocation, begins with. */
    private static final String CRASH_REPORT = "\n#\n# ";

    /** Below which no shard or checkpoint finds room. */
    private static final long LEAST_FREE_BYTES = 1 << 20;

    private static final int LOG_BYTES = 1 << 20;
    private static final int DETAIL_BYTES = 4096;

    /** How an attempt ended, before it is a report. */
    private record Ending(CellState state, Optional<FailureClass> failure, String message, Health health) {
        static Ending failed(FailureClass failure, String message, Health health) {
            return new Ending(CellState.FAILED, Optional.of(failure), message, health);
        }

        static Ending interrupted(String message) {
            return new Ending(CellState.INTERRUPTED, Optional.of(FailureClass.LOST_EXECUTOR), message, Health.SICK);
        }
    }

    /** Whether the trainer may serve the next cell. */
    private enum Health {
        WELL,
        SICK
    }

    private final Surroundings surroundings;
    private final RunPolicy policy;
    private final AttemptOrder order;
    private final Cell cell;
    private final String id;
    private final List<String> gpuAddresses;
    private final Stopping stopping;
    private final Instant startedAt = Instant.now();
    private final long started = System.nanoTime();

    private final List<StepRow> steps = new ArrayList<>();
    private final List<EvalRow> evals = new ArrayList<>();
    private Optional<Frame.Checkpoint> held = Optional.empty();
    private Optional<TrainerPool.Trainer> trainer = Optional.empty();
    private Optional<Frame.Finished> result = Optional.empty();
    private CellStore store;
    private long resumedFrom;
    private long lastStep;
    private int microBatch;
    private long errorsFrom;
    private long lastLive = started;
    private double lastLoss = Double.NaN;
    private double lastTokensPerSecond;
    private double trainerSeconds;
    private String detail = "";
    private String log = "";

    Attempt(Surroundings surroundings, AttemptOrder order, List<String> gpuAddresses, Stopping stopping) {
        this.surroundings = surroundings;
        this.policy = surroundings.policy();
        this.order = order;
        this.cell = order.gridCell().cell();
        this.id = cell.id();
        this.gpuAddresses = gpuAddresses;
        this.stopping = stopping;
    }

    AttemptReport run() {
        Path scratch = surroundings.scratch().resolve(id + "-" + order.attempt() + "-" + Long.toHexString(started));
        Ending ending;
        try {
            store = CellStore.open(
                    surroundings.storage(), surroundings.directory(), id, order.attempt(), order.generation());
            if (store.outcome().isPresent()) {
                return again(store.outcome().get());
            }
            ending = train(scratch);
        } catch (CellStore.FencedException e) {
            ending = Ending.interrupted(e.getMessage());
        } catch (InterruptedException e) {
            // The pool's thread belongs to Spark; the flag is its business, the report still has to get through.
            ending = Ending.interrupted("the task was killed");
        } catch (TrainerPool.StartException e) {
            ending = Ending.failed(e.failure(), e.getMessage(), Health.SICK);
        } catch (IOException e) {
            detail = stack(e);
            ending = fullDisk()
                    .map(full -> Ending.failed(FailureClass.BAD_NODE, full + "; " + sentence(e), Health.SICK))
                    .orElseGet(() -> Ending.failed(FailureClass.IO, sentence(e), Health.SICK));
        } catch (RuntimeException | Error e) {
            LOG.error("attempt {} of cell {} failed", order.attempt(), id, e);
            detail = stack(e);
            ending = Ending.failed(
                    e instanceof OutOfMemoryError ? FailureClass.HOST_MEMORY : FailureClass.BUG,
                    sentence(e),
                    Health.SICK);
        } finally {
            HostCache.deleteAll(scratch);
        }
        Health health = ending.health();
        if (log.isEmpty()) {
            uploadLog();
        }
        trainer.ifPresent(each -> {
            if (health == Health.WELL) {
                surroundings.pool().giveBack(each);
            } else {
                surroundings.pool().discard(each);
            }
        });
        return report(ending);
    }

    /** Whether it is this host's own disk that is full, and not the storage; says so in words. */
    private Optional<String> fullDisk() {
        if ("file".equals(surroundings.directory().root().toUri().getScheme())) {
            return Optional.empty();
        }
        try {
            Path cache = surroundings.cache().root();
            return java.nio.file.Files.getFileStore(cache).getUsableSpace() < LEAST_FREE_BYTES
                    ? Optional.of("this host's disk is full at " + cache)
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private Ending train(Path scratch) throws IOException, InterruptedException {
        Path shard = surroundings
                .cache()
                .shard(
                        surroundings.storage(),
                        surroundings.directory(),
                        cell.data().corpusHash());
        Optional<Path> checkpoint = store.fetchCheckpoint(java.nio.file.Files.createDirectories(scratch));
        if (checkpoint.isEmpty() && !order.donors().isEmpty()) {
            checkpoint = fromTrunk(scratch);
        }
        store.keepTrunk(order.branchSteps());
        resumedFrom = store.step();
        lastStep = resumedFrom;
        TrainerPool.Trainer taken = surroundings.pool().take(CellSupervisor.key(surroundings, gpuAddresses), stopping);
        trainer = Optional.of(taken);
        if (policy.gpusPerCell() > 0 && !taken.ready().backend().equals("cuda")) {
            return Ending.failed(
                    FailureClass.UNSUPPORTED_DEVICE,
                    "the trainer fell back to backend " + taken.ready().backend() + " although the cell asks for "
                            + policy.gpusPerCell() + " GPU",
                    Health.SICK);
        }
        errorsFrom = taken.process().errorBytes();
        try {
            taken.process()
                    .send(new Assignment(
                            cell,
                            order.attempt(),
                            shard.toString(),
                            scratch.resolve("checkpoints").toString(),
                            checkpoint.map(Path::toString),
                            order.microBatchSequences(),
                            policy.checkpointSeconds(),
                            policy.reportSeconds(),
                            order.branchSteps()));
        } catch (IOException e) {
            // It died while idle; what it died of was another cell's, so this attempt is not to blame.
            return Ending.interrupted("an idle trainer had ended with "
                    + ExitStatus.text(taken.process().exitStatus().orElse(-1)));
        }
        return listen(taken.process());
    }

    /** Takes over what another cell has trained for this one too. */
    private Optional<Path> fromTrunk(Path scratch) throws IOException {
        Optional<TrunkDonor.Gift> found =
                new TrunkDonor(surroundings.storage(), surroundings.directory(), order).find(scratch);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        TrunkDonor.Gift gift = found.get();
        // A cell that trains the trunk on keeps what it took over, for those that follow.
        store.keepTrunk(order.branchSteps());
        store.adopt(gift.checkpoint(), gift.steps(), gift.evals(), gift.shared());
        return Optional.of(gift.checkpoint().path());
    }

    private Ending listen(TrainerProcess process) throws IOException, InterruptedException {
        long sent = System.nanoTime();
        long lastFrame = sent;
        long askedToStop = 0;
        Optional<String> garbage = Optional.empty();
        long garbageAt = 0;
        while (true) {
            if (stopping.requested() && askedToStop == 0) {
                process.askToStop();
                askedToStop = System.nanoTime();
            }
            Optional<TrainerProcess.Message> message = process.poll(POLL_MILLIS);
            if (message.isPresent() && message.get() instanceof TrainerProcess.Message.Said said) {
                lastFrame = System.nanoTime();
                Optional<Ending> ending = take(said.frame());
                if (ending.isPresent()) {
                    return ending.get();
                }
            } else if (message.isPresent() && message.get() instanceof TrainerProcess.Message.Garbage other) {
                if (garbage.isEmpty()) {
                    garbage = Optional.of("the trainer wrote a line that is no frame (" + other.reason() + "): "
                            + shortened(other.line()));
                    garbageAt = System.nanoTime();
                }
            } else if (message.isPresent()) {
                flush();
                if (askedToStop != 0) {
                    return Ending.interrupted("the task was killed");
                }
                return ended(process, garbage);
            }
            if (garbage.isPresent() && secondsSince(garbageAt) > LAST_WORDS_SECONDS) {
                flush();
                return Ending.failed(FailureClass.BUG, garbage.get(), Health.SICK);
            }
            if (askedToStop != 0 && secondsSince(askedToStop) > STOP_GRACE_SECONDS) {
                flush();
                return Ending.interrupted("the task was killed, and its trainer did not stop in time");
            }
            if (secondsSince(lastFrame) > policy.hangSeconds()) {
                flush();
                return Ending.failed(
                        FailureClass.TIMEOUT,
                        String.format(
                                Locale.ROOT,
                                "the trainer was stuck: no word for %.0f s after step %d",
                                policy.hangSeconds(),
                                lastStep),
                        Health.SICK);
            }
            if (secondsSince(sent) > order.timeoutSeconds()) {
                flush();
                return Ending.failed(
                        FailureClass.TIMEOUT,
                        String.format(
                                Locale.ROOT,
                                "not done after %.0f s, at step %d of %d",
                                order.timeoutSeconds(),
                                lastStep,
                                cell.data().steps()),
                        Health.SICK);
            }
        }
    }

    /** The trainer's output ended without an outcome. */
    private Ending ended(TrainerProcess process, Optional<String> garbage) {
        if (process.killedByUs()) {
            return Ending.interrupted("the executor is shutting down");
        }
        int status = process.exitStatus().orElse(-1);
        FailureClass failure = ExitStatus.classify(status, process.memorySufficed());
        String words = lastWords(process);
        if (words.contains("insufficient memory") || words.contains("java.lang.OutOfMemoryError")) {
            failure = FailureClass.HOST_MEMORY;
        }
        detail = words;
        if (ExitStatus.killed(status) && process.memorySufficed()) {
            return Ending.interrupted("the trainer was killed from outside, and not for want of memory");
        }
        if (failure == FailureClass.LOST_EXECUTOR) {
            return Ending.interrupted("the trainer was terminated from outside");
        }
        String message = "the trainer died of " + ExitStatus.text(status) + " after step " + lastStep;
        return Ending.failed(
                failure,
                failure == FailureClass.BUG && garbage.isPresent() ? message + "; " + garbage.get() : message,
                Health.SICK);
    }

    private Optional<Ending> take(Frame frame) throws IOException {
        if (!(frame instanceof Frame.Finished)) {
            flush();
        }
        if (frame instanceof Frame.Started begun) {
            microBatch = begun.microBatchSequences();
            if (begun.step() != resumedFrom) {
                return bug("the trainer began at step " + begun.step() + " instead of " + resumedFrom);
            }
            live(Double.NaN, 0);
        } else if (frame instanceof Frame.Steps rows) {
            if (rows.firstStep() != lastStep + 1) {
                return bug("the trainer reported step " + rows.firstStep() + " after step " + lastStep);
            }
            add(rows);
        } else if (frame instanceof Frame.Evaluation evaluation) {
            add(evaluation);
        } else if (frame instanceof Frame.Checkpoint checkpoint) {
            held = Optional.of(checkpoint);
            if (checkpoint.step() < cell.data().steps()) {
                flush();
            }
        } else if (frame instanceof Frame.Outcome outcome) {
            return Optional.of(conclude(outcome));
        } else {
            return bug("the trainer said " + frame.getClass().getSimpleName() + " in the middle of a cell");
        }
        return Optional.empty();
    }

    private Ending conclude(Frame.Outcome outcome) throws IOException {
        if (outcome instanceof Frame.Finished finished) {
            trainerSeconds = finished.seconds();
            result = Optional.of(finished);
            uploadLog();
            Ending ending = new Ending(CellState.FINISHED, Optional.empty(), "", Health.WELL);
            commit(Optional.of(ending));
            return ending;
        } else if (outcome instanceof Frame.Diverged diverged) {
            trainerSeconds = diverged.seconds();
            uploadLog();
            Ending ending = new Ending(
                    CellState.DIVERGED,
                    Optional.empty(),
                    "diverged at step " + diverged.step() + ": " + diverged.reason(),
                    Health.WELL);
            commit(Optional.of(ending));
            return ending;
        } else if (outcome instanceof Frame.Interrupted interrupted) {
            trainerSeconds = interrupted.seconds();
            return Ending.interrupted("the trainer was asked to stop at step " + interrupted.step());
        } else if (outcome instanceof Frame.Failed failed) {
            trainerSeconds = failed.seconds();
            detail = failed.detail();
            if (failed.failure() == FailureClass.IO) {
                surroundings
                        .cache()
                        .dropDamagedShard(surroundings.directory(), cell.data().corpusHash());
            }
            return Ending.failed(
                    failed.failure(),
                    failed.message(),
                    failed.failure() == FailureClass.BAD_INPUT ? Health.WELL : Health.SICK);
        }
        throw new IllegalStateException("no such outcome: " + outcome);
    }

    private Optional<Ending> bug(String message) {
        return Optional.of(Ending.failed(FailureClass.BUG, message, Health.SICK));
    }

    private void add(Frame.Steps rows) {
        double seconds = 0;
        for (int i = 0; i < rows.rows(); i++) {
            long step = rows.firstStep() + i;
            seconds += rows.seconds()[i];
            steps.add(new StepRow(
                    id,
                    order.attempt(),
                    step,
                    step * cell.batchTokens(),
                    rows.loss()[i],
                    rows.learningRate()[i],
                    rows.gradientNorm()[i],
                    present(rows.gradientSquareSmall()[i]),
                    present(rows.gradientSquareBig()[i]),
                    rows.seconds()[i]));
        }
        lastStep += rows.rows();
        if (rows.rows() > 0) {
            live(rows.loss()[rows.rows() - 1], rows.rows() * cell.batchTokens() / Math.max(seconds, 1e-9));
        }
    }

    private static OptionalDouble present(double value) {
        return Double.isNaN(value) ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    private void add(Frame.Evaluation evaluation) {
        evals.add(new EvalRow(
                id,
                order.attempt(),
                evaluation.step(),
                evaluation.step() * cell.batchTokens(),
                evaluation.set(),
                evaluation.loss(),
                evaluation.standardError(),
                evaluation.bitsPerByte(),
                evaluation.tokens(),
                evaluation.seconds()));
    }

    /** Stores a checkpoint that waited for the outcome that might have followed it. */
    private void flush() throws IOException {
        if (held.isPresent()) {
            commit(Optional.empty());
        }
    }

    private void commit(Optional<Ending> ending) throws IOException {
        Optional<CellStore.LocalCheckpoint> checkpoint =
                held.map(frame -> new CellStore.LocalCheckpoint(Path.of(frame.file()), frame.bytes(), frame.sha256()));
        held = Optional.empty();
        try {
            store.commit(checkpoint, lastStep, steps, evals, ending.map(this::report));
        } catch (NoSuchFileException e) {
            if (ending.isPresent()
                    || checkpoint.isEmpty()
                    || java.nio.file.Files.exists(checkpoint.get().path())) {
                throw e;
            }
            // The trainer has replaced it by a newer one, which it will tell of next.
            return;
        }
        steps.clear();
        evals.clear();
        if (ending.isPresent()) {
            store.shared()
                    .ifPresent(shared -> TrunkDonor.release(surroundings.storage(), surroundings.directory(), shared));
        } else {
            tell();
        }
    }

    private void live(double loss, double tokensPerSecond) {
        long now = System.nanoTime();
        lastLoss = loss;
        lastTokensPerSecond = tokensPerSecond;
        boolean due = (now - lastLive) / 1e9 >= policy.reportSeconds() / 2 || lastStep == resumedFrom;
        if (due) {
            lastLive = now;
            tell();
        }
    }

    private void tell() {
        surroundings
                .live()
                .get()
                .send(new LiveUpdate(
                        id,
                        order.gridCell().name(),
                        order.attempt(),
                        lastStep,
                        cell.data().steps(),
                        lastLoss,
                        lastTokensPerSecond,
                        storedStep(),
                        surroundings.host(),
                        surroundings.executor()));
    }

    /** The cell had ended before; its outcome is this attempt's too. */
    private AttemptReport again(AttemptReport stored) {
        return new AttemptReport(
                id,
                order.attempt(),
                stored.state(),
                stored.failure(),
                stored.message(),
                stored.detail(),
                stored.step(),
                stored.resumedFromStep(),
                stored.result(),
                stored.seconds(),
                stored.overheadSeconds(),
                stored.microBatchSequences(),
                stored.startedAt(),
                stored.endedAt(),
                stored.host(),
                stored.executor(),
                stored.trainer(),
                stored.log(),
                stored.shared());
    }

    private AttemptReport report(Ending ending) {
        double seconds = trainerSeconds > 0 || trainer.isEmpty() ? trainerSeconds : secondsSince(started);
        return new AttemptReport(
                id,
                order.attempt(),
                ending.state(),
                ending.failure(),
                ending.message(),
                detail,
                ending.state().terminal() && ending.failure().isEmpty() ? lastStep : storedStep(),
                resumedFrom,
                result,
                seconds,
                Math.max(0, secondsSince(started) - seconds),
                microBatch,
                startedAt,
                Instant.now(),
                surroundings.host(),
                surroundings.executor(),
                trainer.map(TrainerPool.Trainer::ready),
                log,
                store == null ? Optional.empty() : store.shared());
    }

    private long storedStep() {
        return store == null ? 0 : store.step();
    }

    private void uploadLog() {
        if (trainer.isEmpty() || trainer.get().process().errorBytes() <= errorsFrom) {
            return;
        }
        String name = "attempt-" + order.attempt() + ".log";
        org.apache.hadoop.fs.Path file =
                new org.apache.hadoop.fs.Path(surroundings.directory().logs(id), name);
        try {
            byte[] text = trainer.get().process().errors(errorsFrom, LOG_BYTES);
            surroundings.storage().write(file, text);
            log = "logs/" + id + "/" + name;
        } catch (IOException e) {
            LOG.warn("the log of cell {} could not be kept: {}", id, e.toString());
        }
    }

    private String lastWords(TrainerProcess process) {
        try {
            String text = new String(process.errors(errorsFrom, LOG_BYTES), StandardCharsets.UTF_8);
            // What a crashing JVM begins with says more than the hundred kilobytes that follow.
            int crash = text.indexOf(CRASH_REPORT);
            int from = crash >= 0 ? crash : Math.max(0, text.length() - DETAIL_BYTES);
            return text.substring(from, Math.min(text.length(), from + DETAIL_BYTES));
        } catch (IOException e) {
            return "";
        }
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    private static String shortened(String line) {
        int limit = 200;
        return line.length() <= limit ? line : line.substring(0, limit) + "…";
    }

    private static String sentence(Throwable failure) {
        String message = failure.getMessage();
        String type = failure.getClass().getSimpleName();
        return message == null || message.isBlank()
                ? type
                : type + ": " + message.lines().findFirst().orElse("");
    }

    private static String stack(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text, true));
        return text.getBuffer().substring(0, Math.min(text.getBuffer().length(), DETAIL_BYTES));
    }
}
