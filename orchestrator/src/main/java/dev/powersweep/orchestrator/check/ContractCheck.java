package dev.powersweep.orchestrator.check;

import dev.powersweep.orchestrator.check.Observer.Interference;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.executor.ProgramTrial;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.shipment.ProgramFiles;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;

/**
 * Trains one small cell of a specification: once let alone, once killed after its first checkpoint, asked to stop when it
 * has gone on, and brought to its end. What it found is said as soon as it is known.
 */
public final class ContractCheck {
    /** A run this long can be interrupted in the middle. */
    private static final double SECONDS_ENOUGH = 1;

    private static final long FIRST_STEPS = 200;
    private static final int LONGER = 10;
    private static final long MOST_STEPS = 100_000;
    private static final double MOST_SECONDS = 3600;
    private static final double CHECKPOINT_SECONDS = 0.2;
    private static final double REPORT_SECONDS = 0.05;

    private final Path folder;
    private final Configuration configuration;
    private final RunPolicy policy;
    private final ProgramFiles files;
    private final Consumer<ContractFinding> tell;

    /** One attempt and what was seen of it. */
    record Seen(AttemptReport report, Observer observer) {}

    /**
     * @param folder of the check's own, that stays until its caller removes it
     * @param policy of the specification
     * @param tell told of each finding
     */
    public ContractCheck(
            Path folder,
            Configuration configuration,
            RunPolicy policy,
            ProgramFiles files,
            Consumer<ContractFinding> tell) {
        this.folder = folder;
        this.configuration = configuration;
        this.policy = new RunPolicy(
                policy.threadsPerCell(),
                policy.trainerMemoryBytes(),
                policy.gpusPerCell(),
                CHECKPOINT_SECONDS,
                REPORT_SECONDS,
                policy.cellTimeoutSeconds(),
                policy.hangSeconds(),
                policy.maxAttempts(),
                policy.equalFailuresToStop(),
                policy.trainerJava());
        this.files = files;
        this.tell = tell;
    }

    /**
     * Checks the smallest cell of a specification.
     *
     * @param vocabulary token kinds of its tokenizer
     * @param steps of a run, if the user chose
     * @throws UserError when this machine lets nothing be written
     */
    public void check(SweepSpec spec, int vocabulary, Optional<Long> steps) {
        TrialCell smallest = TrialCell.of(spec, files.program(), vocabulary);
        try {
            run(smallest, steps.orElse(Math.min(smallest.cell().data().steps(), FIRST_STEPS)), steps.isEmpty());
        } catch (IOException e) {
            throw new UserError("the check cannot write to " + folder + ": " + e.getMessage(), e);
        }
    }

    /**
     * Carries it out.
     *
     * @param moreSteps whether to take more of them where a run is over too soon to be interrupted
     */
    private void run(TrialCell smallest, long steps, boolean moreSteps) throws IOException {
        TrialCell cell = smallest.with(steps);
        SweepDirectory alone = directory("alone-" + steps, cell);
        Seen whole = attempt(alone, cell, 1, Interference.NONE);
        if (moreSteps
                && whole.report().state() == CellState.FINISHED
                && whole.observer().secondsOfSteps() < SECONDS_ENOUGH
                && steps < MOST_STEPS) {
            run(smallest, Math.min(LONGER * steps, MOST_STEPS), true);
            return;
        }
        tell.accept(ContractFinding.right("cell " + cell.gridCell().name() + " with " + steps + " steps in place of "
                + smallest.cell().data().steps()
                + (cell.vocabulary() > 0 ? ", on tokens that are made up" : ", without a corpus")));
        new WholeRun(cell.cell(), whole, log(alone, whole.report())).findings().forEach(tell);
        if (whole.report().state() != CellState.FINISHED) {
            tell.accept(ContractFinding.note(
                    "not tried: stopping, killing and resuming, since a run that is let alone does not end" + " well"));
            return;
        }
        interrupt(cell, whole, alone);
    }

    private void interrupt(TrialCell cell, Seen whole, SweepDirectory alone) throws IOException {
        SweepDirectory broken = directory("interrupted", cell);
        int attempt = 1;
        if (whole.observer().checkpoints().isEmpty()) {
            tell.accept(ContractFinding.note(
                    "it names no checkpoint within " + cell.cell().data().steps()
                            + " steps: a cell that is interrupted begins at step 1 again, which costs what it had"
                            + " trained; give --steps if it makes them more rarely"));
        } else {
            Seen killed = attempt(broken, cell, attempt++, Interference.KILL_AFTER_A_CHECKPOINT);
            if (!killed.observer().killed()) {
                tell.accept(ContractFinding.note("it ended before it had named a checkpoint: " + end(killed.report())));
            }
        }
        Seen stopped = attempt(broken, cell, attempt++, Interference.STOP_AFTER_A_STEP);
        Interruptions says = new Interruptions(cell.cell());
        boolean goesOn = says.resumption(stopped, log(broken, stopped.report()), tell);
        if (!goesOn) {
            return;
        }
        says.stop(stopped, policy.gpusPerCell() > 0, tell);
        Seen last = stopped;
        if (stopped.report().state() != CellState.FINISHED) {
            last = attempt(broken, cell, attempt, Interference.NONE);
            if (last.report().state() != CellState.FINISHED) {
                tell.accept(ContractFinding.mend("after it was stopped it does not come to its end: "
                        + end(last.report()) + log(broken, last.report())));
                return;
            }
        }
        List<StepRow> undisturbed = rows(alone, cell);
        List<StepRow> resumed = rows(broken, cell);
        says.rows(undisturbed, resumed, tell);
    }

    private Seen attempt(SweepDirectory directory, TrialCell cell, int attempt, Interference interference)
            throws IOException {
        Observer observer = new Observer(interference);
        try (ProgramTrial trial = new ProgramTrial(directory, configuration, policy)) {
            double timeout = policy.cellTimeoutSeconds() > 0 ? policy.cellTimeoutSeconds() : MOST_SECONDS;
            return new Seen(trial.attempt(cell.gridCell(), attempt, timeout, observer, observer), observer);
        }
    }

    private SweepDirectory directory(String name, TrialCell cell) throws IOException {
        Path home = Files.createDirectories(folder.resolve(name));
        SweepDirectory directory = SweepDirectory.at(home.toUri().toString(), configuration);
        files.store(directory, configuration);
        cell.writeTokens(home.resolve("corpus"));
        return directory;
    }

    private List<StepRow> rows(SweepDirectory directory, TrialCell cell) {
        return new ResultTables(directory, configuration).steps(cell.cell().id());
    }

    static String end(AttemptReport report) {
        return report.message().isEmpty() ? report.state().name() : report.message();
    }

    /** The last lines that a program printed, each on a line of its own. */
    private static String log(SweepDirectory directory, AttemptReport report) throws IOException {
        if (report.log().isEmpty()) {
            return "";
        }
        Path file = Path.of(directory.root().toUri()).resolve(report.log());
        return LastLines.of(file);
    }
}
