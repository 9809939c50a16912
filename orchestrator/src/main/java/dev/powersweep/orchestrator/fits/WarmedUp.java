package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.results.CellResult;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Cells that began with smaller batches. A law that knows the batch, the steps or the learning rate holds for runs of one
 * batch size, so it leaves them out; laws in N, D and C count them, since D is D.
 */
final class WarmedUp {
    private static final Set<Quantity> OF_ONE_BATCH = Set.of(Quantity.B, Quantity.S, Quantity.LEARNING_RATE);

    /** These reach the batch by another way than their columns. */
    private static final Set<String> BY_NAME =
            Set.of("critical-batch", "kaplan-cmin", "kaplan-cmin-irreducible", "kaplan-ns", "multi-power");

    private WarmedUp() {}

    /** The cells that a law may be fitted to. */
    static List<CellResult> without(Law law, List<CellResult> cells) {
        return holdsForOneBatch(law)
                ? cells.stream().filter(CellResult::constantBatch).toList()
                : cells;
    }

    /** Whether a law is one of runs of one batch size. */
    static boolean holdsForOneBatch(Law law) {
        return BY_NAME.contains(law.name()) || law.needs().stream().anyMatch(OF_ONE_BATCH::contains);
    }

    /** Why a law that leaves them out has nothing to be fitted to. */
    static FitRefusal nothingLeft(Law law) {
        return new FitRefusal(
                FitRefusal.Reason.TOO_FEW_POINTS,
                law.name() + " holds for runs of one batch size, and every finished cell began with smaller batches"
                        + " (training.batchWarmup); train cells with training.batchWarmup: none.");
    }

    /** What is said of such cells. */
    static Optional<String> note(List<CellResult> cells) {
        long warmed = cells.stream().filter(cell -> !cell.constantBatch()).count();
        return warmed == 0
                ? Optional.empty()
                : Optional.of(warmed + " of " + cells.size()
                        + " cells began with smaller batches (training.batchWarmup); laws that know the batch, the steps or"
                        + " the learning rate leave them out, since they are no runs of one batch size.");
    }
}
