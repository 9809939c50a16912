package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.TrainingSpec;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.BatchWarmup;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The steps of a run whose batch doubles at given token counts. The counts are rounded to whole batches of the cell's own size,
 * so that D is what it is without a warm-up, and each stage has a whole number of steps.
 */
final class BatchStages {
    private final TrainingSpec.BatchWarmup rule;
    private final int sequences;
    private final long batchTokens;
    /** D in batches of the cell's own size. */
    private final long batches;

    /** Where the batch doubles, in batches of the cell's own size. */
    private final long[] borders;

    /**
     * @param sequences of the cell's own batch
     * @param batchTokens of the same
     * @param batches D in such batches
     */
    BatchStages(TrainingSpec.BatchWarmup rule, int sequences, long batchTokens, long batches) {
        this.rule = rule;
        this.sequences = sequences;
        this.batchTokens = batchTokens;
        this.batches = batches;
        this.borders = rule.doubleAt().stream()
                .mapToLong(tokens -> Math.round((double) tokens / batchTokens))
                .toArray();
    }

    /** S of the whole run; where {@link #warmup} refuses, what comes next to it. */
    long steps() {
        long steps = batches;
        long before = 0;
        for (int stage = 0; stage < borders.length; stage++) {
            long border = Math.min(batches, borders[stage]);
            steps += (border - before) * (parts(stage) - 1);
            before = border;
        }
        return steps;
    }

    /**
     * The stages as steps.
     *
     * @throws UserError where the batch cannot be cut so often, or the run is too short
     */
    Optional<BatchWarmup> warmup() {
        if (sequences % parts(0) != 0) {
            throw new UserError("training.batchWarmup.doubleAt has " + borders.length
                    + (borders.length == 1 ? " entry" : " entries") + ", so a run begins with 1/" + parts(0)
                    + " of its batch, and a batch of grid.batchSizes has " + CellMaker.count(sequences)
                    + " sequences; take batches of a multiple of " + parts(0)
                    + " sequences, or give fewer entries");
        }
        List<BatchWarmup.Stage> stages = new ArrayList<>();
        long before = 0;
        for (int stage = 0; stage < borders.length; stage++) {
            if (borders[stage] <= before) {
                throw new UserError("training.batchWarmup.doubleAt = "
                        + CellMaker.count(rule.doubleAt().get(stage)) + " is less than one batch of "
                        + CellMaker.count(batchTokens) + " tokens after "
                        + (stage == 0
                                ? "the beginning"
                                : CellMaker.count(rule.doubleAt().get(stage - 1)))
                        + "; take counts that are a batch of grid.batchSizes apart");
            }
            double factor = rule.rateScaling() == TrainingSpec.RateScaling.SQRT ? Math.sqrt(1.0 / parts(stage)) : 1;
            stages.add(new BatchWarmup.Stage(
                    (borders[stage] - before) * parts(stage), Math.toIntExact(sequences / parts(stage)), factor));
            before = borders[stage];
        }
        if (before >= batches) {
            throw new UserError("training.batchWarmup.doubleAt = "
                    + CellMaker.count(rule.doubleAt().get(borders.length - 1)) + " is not before the end of a run of "
                    + CellMaker.count(batches * batchTokens)
                    + " tokens, which would never have its own batch; take smaller counts, larger grid.dataSizes,"
                    + " or leave such runs out by grid.where");
        }
        return Optional.of(new BatchWarmup(stages));
    }

    /** How many batches of a stage make one of the cell's own. */
    private long parts(int stage) {
        return 1L << (borders.length - stage);
    }
}
