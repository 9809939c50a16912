package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.BatchSize;
import dev.powersweep.orchestrator.spec.GridSpec;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Branch;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/**
 * Makes the branches of a trunk: at each count of tokens one for each batch, all of them equally many tokens long, so that their
 * losses compare.
 *
 * <p>Counts are rounded to whole batches of the trunk. The length of a branch is rounded to a number of them that halves often, as
 * often as leaves eight steps of the largest batch that divides it so: a branch follows from its own entries, never
 * from the other batches, and batches of one, two, four … times the trunk's fit.
 */
final class BranchMaker {
    /** A branch of fewer steps says more about Adam's moments than about its batch. */
    private static final int FEWEST_STEPS = 8;

    private final GridSpec.Branches rule;
    private final ToIntFunction<BatchSize> sequences;
    private final Consumer<String> warnings;

    /** @param sequences of a batch */
    BranchMaker(GridSpec.Branches rule, ToIntFunction<BatchSize> sequences, Consumer<String> warnings) {
        this.rule = rule;
        this.sequences = sequences;
        this.warnings = warnings;
    }

    /**
     * One for each count of tokens that the trunk reaches and each batch.
     *
     * @param trunk the cell of most data
     * @throws UserError where a count, batch or length makes no branch
     */
    List<Cell> of(Cell trunk) {
        List<Integer> batches =
                rule.batchSizes().stream().map(sequences::applyAsInt).distinct().toList();
        if (batches.size() < 2) {
            throw new UserError("grid.branches.batchSizes comes to one batch of "
                    + CellMaker.count(tokens(trunk, batches.get(0)))
                    + " tokens in whole sequences, and branches compare at least two; take batches further apart");
        }
        List<Cell> branches = new ArrayList<>();
        for (long at : rule.at()) {
            long steps = Math.round((double) at / trunk.batchTokens());
            long warmup = Math.max(1, trunk.training().warmupSteps());
            if (steps < warmup) {
                throw new UserError("grid.branches.at = " + CellMaker.count(at) + " lies within the warm-up of "
                        + CellMaker.count(warmup * trunk.batchTokens()) + " tokens of a run with batches of "
                        + CellMaker.count(trunk.batchTokens())
                        + "; take a larger count, or a shorter training.warmup");
            }
            if (steps > trunk.trunkSteps()) {
                warnings.accept("no branch leaves at " + CellMaker.count(at) + " tokens where a run cools down from "
                        + CellMaker.count(trunk.tokensThrough(trunk.trunkSteps()))
                        + " on; take smaller grid.branches.at or larger grid.dataSizes");
                continue;
            }
            for (int batch : batches) {
                branches.add(branch(trunk, steps, batch));
            }
        }
        return branches;
    }

    private Cell branch(Cell trunk, long at, int batch) {
        DataRule data = trunk.data();
        long length = length(trunk, batch);
        double factor = factor((double) batch / data.batchSequences());
        return trunk.reading(new DataRule(
                data.corpusHash(),
                at + length / batch,
                batch,
                data.uniqueTokens(),
                Optional.empty(),
                Optional.of(new Branch(at, data.batchSequences(), factor))));
    }

    private double factor(double ratio) {
        return switch (rule.rateScaling()) {
            case NONE -> 1;
            case SQRT -> Math.sqrt(ratio);
            case LINEAR -> ratio;
        };
    }

    /** Sequences of a branch, the same for every batch that is not refused. */
    private long length(Cell trunk, int batch) {
        double asked = (double) rule.tokens() / trunk.model().context();
        long unit = trunk.data().batchSequences();
        while (2.0 * unit * FEWEST_STEPS <= asked) {
            unit *= 2;
        }
        long length = Math.max(1, Math.round(asked / unit)) * unit;
        if (length < (long) FEWEST_STEPS * batch) {
            throw new UserError("grid.branches.tokens = " + CellMaker.count(rule.tokens()) + " is fewer than "
                    + FEWEST_STEPS + " steps of a batch of " + CellMaker.count(tokens(trunk, batch))
                    + " tokens, too few to tell what the batch costs; take smaller grid.branches.batchSizes or at least "
                    + CellMaker.count(FEWEST_STEPS * tokens(trunk, batch)) + " tokens");
        }
        if (length % batch != 0) {
            throw new UserError("grid.branches.batchSizes has " + CellMaker.count(tokens(trunk, batch))
                    + " tokens, of which a branch of "
                    + CellMaker.count(length * trunk.model().context())
                    + " tokens is no whole number, so that losses would be compared after unequal data; take batches of"
                    + " 1, 2, 4 and so on times the trunk's " + CellMaker.count(trunk.batchTokens()));
        }
        return length;
    }

    private static long tokens(Cell trunk, int sequences) {
        return (long) sequences * trunk.model().context();
    }
}
