package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.checkpoint.CheckpointDirectory;
import dev.powersweep.worker.checkpoint.CheckpointFile;
import dev.powersweep.worker.checkpoint.LayoutHash;
import dev.powersweep.worker.checkpoint.Progress;
import dev.powersweep.worker.checkpoint.Section;
import dev.powersweep.worker.data.EvaluationWindows;
import dev.powersweep.worker.data.Shard;
import dev.powersweep.worker.data.ShardStore;
import dev.powersweep.worker.data.TrainingWindows;
import dev.powersweep.worker.train.Engine;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.EvaluationSource;
import dev.powersweep.worker.train.StepRecord;
import dev.powersweep.worker.train.TrainingState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * One assignment, from its shard to its outcome.
 *
 * <p>Guarantees: whatever happens, {@link #run} gives exactly one outcome and has written every completed step before
 * it; steps and evaluations of one (cell, step) are the same bits in every attempt on the same machine type. An attempt
 * that is killed has lost the steps since its last frame, and the next one makes them again.
 */
final class CellRun {
    private static final Logger LOG = LogManager.getLogger(CellRun.class);

    private final Assignment assignment;
    private final Cell cell;
    private final String id;
    private final Set<Long> branchSteps;
    private final ShardStore shards;
    private final TrainingPlace place;
    private final FrameWriter out;
    private final StopSignal stop;

    private final long started = System.nanoTime();
    private final StepBuffer steps = new StepBuffer();
    private long lastReport = started;
    private long lastCheckpoint = started;
    private long lastCheckpointStep;
    private long step;
    private double trainingSeconds;

    private OptionalDouble bestLoss = OptionalDouble.empty();
    private int evaluationsWithoutImprovement;
    private OptionalDouble trainingLoss = OptionalDouble.empty();
    private List<Frame.Evaluation> evaluations = List.of();

    CellRun(Assignment assignment, ShardStore shards, TrainingPlace place, FrameWriter out, StopSignal stop) {
        this.assignment = assignment;
        this.cell = assignment.cell();
        this.id = cell.id();
        this.branchSteps = Set.copyOf(assignment.branchSteps());
        this.shards = shards;
        this.place = place;
        this.out = out;
        this.stop = stop;
    }

    /** Trains the cell and gives its outcome, which is left to the caller to write. */
    Frame.Outcome run() {
        try {
            return train();
        } catch (FrameWriter.ReaderGoneException e) {
            throw e;
        } catch (Throwable e) {
            // Errors too: an OutOfMemoryError is a result of this cell, and the supervisor then replaces the process.
            LOG.error("cell {} failed at step {}", id, step, e);
            report();
            return new Frame.Failed(
                    id, step, Failures.classify(e), Failures.message(e), Failures.stack(e), seconds(started));
        }
    }

    private Frame.Outcome train() {
        Shard shard = shards.open(Path.of(assignment.shardDirectory()));
        TrainingWindows windows = TrainingWindows.of(cell, shard);
        List<EvaluationWindows> sets = cell.evaluation().sets().stream()
                .map(set -> EvaluationWindows.of(cell, shard, set))
                .toList();
        CheckpointDirectory checkpoints =
                CheckpointDirectory.open(Path.of(assignment.checkpointDirectory()), cell, branchSteps);
        try (CellTraining training = create(windows)) {
            training.listen(assignment.listeners());
            assignment.resumeFrom().ifPresent(file -> resume(training, Path.of(file)));
            out.write(new Frame.Started(id, assignment.attempt(), step, training.microBatchSequences()));
            LOG.info("cell {}: step {} of {}, kernels {}", id, step, cell.data().steps(), training.describe());
            return loop(training, sets, checkpoints);
        }
    }

    private CellTraining create(TrainingWindows windows) {
        try {
            return place.create(cell, windows, assignment.microBatchSequences());
        } catch (IllegalArgumentException e) {
            throw new BadInputException(Failures.message(e), e);
        }
    }

    private void resume(CellTraining training, Path file) {
        CheckpointFile checkpoint = CheckpointFile.open(file);
        TrainingState state = training.state();
        checkpoint.restore(cell, training.layout(), sections(state));
        step = checkpoint.header().step();
        lastCheckpointStep = step;
        Progress progress = checkpoint.header().progress();
        bestLoss = progress.bestLoss();
        evaluationsWithoutImprovement = progress.evaluationsWithoutImprovement();
        trainingLoss = progress.trainingLoss();
        evaluations = progress.evaluations();
        training.restore(new TrainingState(
                step, progress.stepsAboveBound(), state.parameters(), state.firstMoments(), state.secondMoments()));
    }

    private Frame.Outcome loop(CellTraining training, List<EvaluationWindows> sets, CheckpointDirectory checkpoints) {
        while (true) {
            if (evaluationDue()) {
                evaluate(training, sets);
            }
            if (stop.requested()) {
                report();
                checkpoint(training, checkpoints);
                return new Frame.Interrupted(id, step, seconds(started));
            }
            if (!evaluations.isEmpty()
                    && evaluations.get(0).step() == step
                    && !Double.isFinite(evaluations.get(0).loss())) {
                report();
                return new Frame.Diverged(
                        id, step, "evaluation loss is " + evaluations.get(0).loss(), seconds(started));
            }
            if (stoppedEarly() || step == cell.data().steps()) {
                report();
                Optional<String> diverged =
                        training.divergedAtEnd(evaluations.get(0).loss());
                if (diverged.isPresent()) {
                    return new Frame.Diverged(id, step, diverged.get(), seconds(started));
                }
                checkpoint(training, checkpoints);
                return new Frame.Finished(
                        id,
                        step,
                        step < cell.data().steps(),
                        trainingLoss.orElse(Double.NaN),
                        evaluations,
                        seconds(started),
                        trainingSeconds,
                        Memory.peakBytes());
            }
            if (branchSteps.contains(step)
                    || (assignment.checkpointSeconds() > 0
                            && seconds(lastCheckpoint) >= assignment.checkpointSeconds())) {
                report();
                checkpoint(training, checkpoints);
            }
            Optional<String> diverged = train(training);
            if (diverged.isPresent()) {
                report();
                return new Frame.Diverged(id, step, diverged.get(), seconds(started));
            }
        }
    }

    /** Makes some steps; why the cell has diverged, if it has. */
    private Optional<String> train(CellTraining training) {
        long begin = System.nanoTime();
        Engine.Progress progress = training.train(stepsAhead());
        long end = System.nanoTime();
        int updates = progress.records().size() - (progress.diverged().isPresent() ? 1 : 0);
        double taken = (end - begin) / 1e9;
        for (int i = 0; i < progress.records().size(); i++) {
            StepRecord record = progress.records().get(i);
            boolean made = i < updates;
            step = record.step();
            if (made) {
                trainingLoss = OptionalDouble.of(record.loss());
            }
            steps.add(record, made ? taken / updates : 0);
            if (steps.isFull()) {
                report();
            }
        }
        if (updates > 0) {
            trainingSeconds += taken;
        }
        if ((end - lastReport) / 1e9 >= assignment.reportSeconds()) {
            report();
        }
        return progress.diverged();
    }

    /** Steps until something else than a step is to be done. */
    private int stepsAhead() {
        long every = cell.evaluation().everySteps();
        long next = Math.min(cell.data().steps(), (step / every + 1) * every);
        for (long branch : branchSteps) {
            next = branch > step ? Math.min(next, branch) : next;
        }
        return (int) Math.min(Integer.MAX_VALUE, next - step);
    }

    /** Writes the steps not yet written. */
    private void report() {
        if (!steps.isEmpty()) {
            out.write(steps.drain(id));
        }
        lastReport = System.nanoTime();
    }

    private boolean evaluationDue() {
        boolean atThisStep = step > 0
                && (step % cell.evaluation().everySteps() == 0
                        || step == cell.data().steps());
        return atThisStep && doneHere() < cell.evaluation().sets().size();
    }

    /** Sets evaluated at this step; a run that was stopped among them goes on with the next one. */
    private int doneHere() {
        return evaluations.isEmpty() || evaluations.get(0).step() != step ? 0 : evaluations.size();
    }

    private void evaluate(CellTraining training, List<EvaluationWindows> sets) {
        report();
        List<Frame.Evaluation> done = new ArrayList<>(doneHere() == 0 ? List.of() : evaluations);
        while (done.size() < sets.size()) {
            EvaluationWindows windows = sets.get(done.size());
            long begin = System.nanoTime();
            EvaluationResult result;
            try {
                result = training.evaluate(stoppable(windows), windows.tokens());
            } catch (StoppedException e) {
                break;
            }
            Frame.Evaluation evaluation = new Frame.Evaluation(
                    id,
                    step,
                    windows.set(),
                    result.loss(),
                    result.standardError(),
                    result.tokens(),
                    windows.bitsPerByte(result.loss()),
                    seconds(begin));
            out.write(evaluation);
            if (done.isEmpty()) {
                if (bestLoss.isEmpty() || result.loss() < bestLoss.getAsDouble()) {
                    bestLoss = OptionalDouble.of(result.loss());
                    evaluationsWithoutImprovement = 0;
                } else {
                    evaluationsWithoutImprovement++;
                }
            }
            done.add(evaluation);
        }
        evaluations = List.copyOf(done);
        lastReport = System.nanoTime();
    }

    /** An evaluation may take longer than a stopping process is given. */
    private EvaluationSource stoppable(EvaluationWindows windows) {
        return new EvaluationSource() {
            @Override
            public int sequences() {
                return windows.sequences();
            }

            @Override
            public void sequence(int index, int[] inputs, int[] targets, int offset) {
                if (stop.requested()) {
                    throw new StoppedException();
                }
                windows.sequence(index, inputs, targets, offset);
            }
        };
    }

    private boolean stoppedEarly() {
        return doneHere() == cell.evaluation().sets().size()
                && cell.training().earlyStopping().isPresent()
                && evaluationsWithoutImprovement
                        >= cell.training().earlyStopping().getAsInt();
    }

    private void checkpoint(CellTraining training, CheckpointDirectory checkpoints) {
        if (step > lastCheckpointStep) {
            TrainingState state = training.state();
            CheckpointFile.Written written = checkpoints.write(
                    step,
                    LayoutHash.of(training.layout()),
                    new Progress(
                            bestLoss,
                            evaluationsWithoutImprovement,
                            state.stepsAboveBound(),
                            trainingLoss,
                            evaluations),
                    sections(state));
            lastCheckpointStep = step;
            out.write(new Frame.Checkpoint(id, step, written.file().toString(), written.bytes(), written.sha256()));
            LOG.info("cell {}: checkpoint of step {} written, {} bytes", id, step, written.bytes());
        }
        lastCheckpoint = System.nanoTime();
    }

    private static List<Section> sections(TrainingState state) {
        return List.of(
                new Section(Section.PARAMETERS, state.parameters()),
                new Section(Section.FIRST_MOMENT, state.firstMoments()),
                new Section(Section.SECOND_MOMENT, state.secondMoments()));
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    private static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        StoppedException() {
            super("asked to stop", null, false, false);
        }
    }
}
