package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.spec.ResourcesSpec;
import dev.powersweep.orchestrator.storage.UserError;
import java.math.BigDecimal;
import java.math.RoundingMode;
import org.apache.spark.SparkConf;

/**
 * What Spark sets aside for a cell.
 *
 * @param threads cores, ≥ 1
 * @param gpus of each cell, or one of as many cells as share it
 * @param cellsPerGpu cells that share a GPU, ≥ 1
 */
record CellNeeds(int threads, int gpus, int cellsPerGpu) {
    static final CellNeeds ONE_CORE = new CellNeeds(1, 0, 1);

    private static final String GPUS_OF_TASK = "spark.task.resource.gpu.amount";
    /** Spark takes the whole part of one over the share, so that this has to be rounded down. */
    private static final int DIGITS_OF_SHARE = 6;

    static CellNeeds of(ResourcesSpec resources) {
        return new CellNeeds(resources.threads(), resources.gpus(), resources.cellsPerGpu());
    }

    static CellNeeds of(RunPolicy policy) {
        return new CellNeeds(policy.threadsPerCell(), policy.gpusPerCell(), policy.cellsAtOnce());
    }

    /**
     * Sets what a user has not set.
     *
     * @throws UserError where the user's settings give a cell what it was to share with others
     */
    void ask(SparkConf conf) {
        conf.setIfMissing("spark.task.cpus", Integer.toString(threads));
        if (gpus > 0 && !conf.get("spark.master").startsWith("local")) {
            conf.setIfMissing(GPUS_OF_TASK, share());
            conf.setIfMissing("spark.executor.resource.gpu.amount", Integer.toString(gpus));
            requireShare(conf.get(GPUS_OF_TASK));
        }
    }

    private String share() {
        return BigDecimal.valueOf(gpus)
                .divide(BigDecimal.valueOf(cellsPerGpu), DIGITS_OF_SHARE, RoundingMode.DOWN)
                .stripTrailingZeros()
                .toPlainString();
    }

    private void requireShare(String given) {
        if (cellsPerGpu > 1 && cellsOf(given) != cellsPerGpu) {
            throw new UserError(
                    GPUS_OF_TASK + " = " + given + " does not go with resources.cellsPerGpu = " + cellsPerGpu
                            + ", which is a share of " + share() + "; give --conf " + GPUS_OF_TASK + "=" + share()
                            + ", or take the setting away");
        }
    }

    /** Tasks of a GPU as Spark counts them; 0 where the share is none. */
    private static int cellsOf(String share) {
        try {
            return (int) Math.floor(1 / Double.parseDouble(share) + 1e-9);
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
