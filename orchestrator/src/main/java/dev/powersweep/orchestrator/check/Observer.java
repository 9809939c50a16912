package dev.powersweep.orchestrator.check;

import dev.powersweep.orchestrator.executor.ProgramWitness;
import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.program.ProgramFrames.Heard;
import dev.powersweep.worker.cell.Frame;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;

/** Watches one attempt, and interferes as it was told to. */
final class Observer implements ProgramWitness, Stopping {

    /** What befalls the program. */
    enum Interference {
        NONE,
        /** SIGKILL once it has named a checkpoint. */
        KILL_AFTER_A_CHECKPOINT,
        /** SIGTERM once it has reported a step. */
        STOP_AFTER_A_STEP
    }

    private final Interference interference;
    private final long began = System.nanoTime();
    private final Set<String> columns = new TreeSet<>();
    private final Set<String> notes = new LinkedHashSet<>();
    private final List<Long> checkpoints = new ArrayList<>();
    private final List<Frame.Evaluation> evaluations = new ArrayList<>();
    private OptionalDouble firstStepAt = OptionalDouble.empty();
    private OptionalDouble lastWordAt = OptionalDouble.empty();
    private OptionalDouble stoppedAt = OptionalDouble.empty();
    private OptionalDouble leftAt = OptionalDouble.empty();
    private Optional<Frame.Size> size = Optional.empty();
    private Optional<Instant> firstStep = Optional.empty();
    private Optional<Leave> leave = Optional.empty();
    private boolean saidInterrupted;
    private boolean killed;
    private long steps;

    Observer(Interference interference) {
        this.interference = interference;
    }

    @Override
    public boolean kills(Heard heard) {
        lastWordAt = OptionalDouble.of(now());
        if (heard instanceof Heard.Note note) {
            notes.add(note.sentence());
        } else if (heard instanceof Heard.Said said) {
            see(said.frame());
            killed |= interference == Interference.KILL_AFTER_A_CHECKPOINT && said.frame() instanceof Frame.Checkpoint;
        }
        return killed;
    }

    private void see(Frame frame) {
        if (frame instanceof Frame.Steps rows) {
            if (firstStepAt.isEmpty()) {
                firstStepAt = OptionalDouble.of(now());
                firstStep = Optional.of(Instant.now());
            }
            steps += rows.rows();
            see("learningRate", rows.learningRate());
            see("gradientNorm", rows.gradientNorm());
            see("gradientSquareSmall", rows.gradientSquareSmall());
            see("gradientSquareBig", rows.gradientSquareBig());
            see("seconds", rows.seconds());
        } else if (frame instanceof Frame.Checkpoint checkpoint) {
            checkpoints.add(checkpoint.step());
        } else if (frame instanceof Frame.Evaluation evaluation) {
            evaluations.add(evaluation);
        } else if (frame instanceof Frame.Size told) {
            size = Optional.of(told);
        } else if (frame instanceof Frame.Interrupted) {
            saidInterrupted = true;
        }
    }

    private void see(String column, double[] values) {
        for (double value : values) {
            if (!Double.isNaN(value)) {
                columns.add(column);
                return;
            }
        }
    }

    @Override
    public boolean requested() {
        boolean stop = interference == Interference.STOP_AFTER_A_STEP && firstStepAt.isPresent();
        if (stop && stoppedAt.isEmpty()) {
            stoppedAt = OptionalDouble.of(now());
        }
        return stop;
    }

    @Override
    public void left(Leave how) {
        leftAt = OptionalDouble.of(now());
        leave = Optional.of(how);
    }

    private double now() {
        return (System.nanoTime() - began) / 1e9;
    }

    /** Names of step values beside the loss that were there at least once. */
    Set<String> columns() {
        return columns;
    }

    /** What the supervisor would warn of. */
    Set<String> notes() {
        return notes;
    }

    /** Steps of the checkpoints that were named. */
    List<Long> checkpoints() {
        return checkpoints;
    }

    List<Frame.Evaluation> evaluations() {
        return evaluations;
    }

    /** Seconds from the attempt's begin to the first step's report. */
    OptionalDouble firstStepAt() {
        return firstStepAt;
    }

    /** Seconds from the attempt's begin to the newest word. */
    OptionalDouble lastWordAt() {
        return lastWordAt;
    }

    /** Seconds from the first step's report to the program's last line, however late that was read; 0 without steps. */
    double secondsOfSteps() {
        return firstStep.isEmpty() || leave.isEmpty()
                ? 0
                : Duration.between(firstStep.get(), leave.get().lastLine()).toMillis() / 1e3;
    }

    /** Whether it said that it ends because it was asked to. */
    boolean saidInterrupted() {
        return saidInterrupted;
    }

    /** Seconds from SIGTERM to the end; empty when no SIGTERM was sent. */
    OptionalDouble secondsToStop() {
        return stoppedAt.isPresent() && leftAt.isPresent()
                ? OptionalDouble.of(leftAt.getAsDouble() - stoppedAt.getAsDouble())
                : OptionalDouble.empty();
    }

    Optional<Frame.Size> size() {
        return size;
    }

    Optional<Leave> leave() {
        return leave;
    }

    /** Whether it was killed as it was to be. */
    boolean killed() {
        return killed;
    }

    /** Rows of steps that were reported. */
    long steps() {
        return steps;
    }
}
