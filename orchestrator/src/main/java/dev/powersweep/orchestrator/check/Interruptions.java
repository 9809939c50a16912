package dev.powersweep.orchestrator.check;

import dev.powersweep.orchestrator.check.ContractCheck.Seen;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;

/** What runs show that were killed, gone on with, and asked to stop. */
final class Interruptions {
    private final Cell cell;

    Interruptions(Cell cell) {
        this.cell = cell;
    }

    /**
     * Whether it goes on from a checkpoint.
     *
     * @return whether it did anything that is worth looking at further
     */
    boolean resumption(Seen seen, String log, Consumer<ContractFinding> tell) {
        boolean failed = seen.report().state() == CellState.FAILED
                || seen.observer().firstStepAt().isEmpty() && seen.report().state() != CellState.FINISHED;
        long from = seen.report().resumedFromStep();
        if (failed) {
            tell.accept(ContractFinding.mend((from > 0
                            ? "killed after the checkpoint of step " + from + ", it does not go on: "
                            : "begun anew: ")
                    + ContractCheck.end(seen.report())
                    + log));
            return false;
        }
        if (from > 0) {
            tell.accept(ContractFinding.right(
                    "killed after its checkpoint of step " + from + ", it goes on with step " + (from + 1)));
        }
        return true;
    }

    /** How it took SIGTERM. */
    void stop(Seen seen, boolean gpus, Consumer<ContractFinding> tell) {
        OptionalDouble seconds = seen.observer().secondsToStop();
        if (seconds.isEmpty() || seen.report().state() == CellState.FINISHED) {
            tell.accept(ContractFinding.note(
                    "it had ended before SIGTERM could be tried: give --steps more to see how it stops"));
            return;
        }
        boolean killed =
                seen.observer().leave().map(leave -> leave.status() < 0).orElse(true);
        if (killed) {
            tell.accept(ContractFinding.mend(String.format(
                    Locale.ROOT,
                    "asked to stop by SIGTERM it goes on, and is killed after %.0f s: do not ignore the signal%s",
                    seconds.getAsDouble(),
                    gpus ? "; a GPU that is killed in the middle may be lost" : "")));
            return;
        }
        long kept = seen.report().step() - seen.report().resumedFromStep();
        tell.accept(ContractFinding.right(
                String.format(Locale.ROOT, "asked to stop by SIGTERM, it ends after %.2f s", seconds.getAsDouble())));
        tell.accept(
                kept > 0
                        ? ContractFinding.right(
                                "its checkpoint of step " + seen.report().step() + " is kept then")
                        : ContractFinding.note(
                                "it keeps no checkpoint when it is asked to stop, so what it has trained since"
                                        + " the last one is trained again"));
    }

    /** The rows of the interrupted run beside those of the one that was let alone. */
    void rows(List<StepRow> alone, List<StepRow> resumed, Consumer<ContractFinding> tell) {
        Set<Long> once = new HashSet<>();
        boolean doubled = resumed.stream().anyMatch(row -> !once.add(row.step()));
        if (doubled
                || resumed.size() != alone.size() && alone.size() == cell.data().steps()) {
            tell.accept(ContractFinding.mend("the interrupted run has " + resumed.size() + " rows of steps, and "
                    + alone.size()
                    + " when it is let alone: let it report each step once, the first after it goes on being"
                    + " one more than POWERSWEEP_RESUME_STEP"));
        }
        int firstAttempt = resumed.stream().mapToInt(StepRow::attempt).min().orElse(1);
        OptionalLong from = resumed.stream()
                .filter(row -> row.attempt() == firstAttempt)
                .mapToLong(StepRow::step)
                .max();
        boolean wentOn = resumed.stream().anyMatch(row -> row.attempt() != firstAttempt);
        ResumedLosses losses = ResumedLosses.of(alone, resumed, wentOn ? from.orElse(0) : 0);
        String where = wentOn ? "after going on from step " + from.orElse(0) : "begun a second time,";
        if (losses.same()) {
            tell.accept(ContractFinding.right(where + " its losses are those of the run that was let alone"));
        } else if (wentOn && losses.beginsAnew()) {
            tell.accept(ContractFinding.mend(where + " its losses are like those of the beginning again (at step "
                    + losses.step() + " off by " + percent(losses.largestDifference())
                    + "): it seems not to load what POWERSWEEP_RESUME_FROM names"));
        } else {
            tell.accept(
                    ContractFinding.note(where + " its losses differ by up to " + percent(losses.largestDifference())
                            + " (step " + losses.step() + "): "
                            + (wentOn
                                    ? "where nothing but POWERSWEEP_RANDOM_SEED decides what it draws, its checkpoint"
                                            + " leaves something out, such as the optimiser's state or its place in the"
                                            + " data"
                                    : "something beside POWERSWEEP_RANDOM_SEED decides what it draws")));
        }
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2g %%", 100 * share);
    }
}
