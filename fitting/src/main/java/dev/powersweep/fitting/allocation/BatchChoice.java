package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.batch.ThreeTerm;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Point;
import java.util.Arrays;

/**
 * How a plan chooses the batch size: at most so large that the data needed exceed those of a tiny batch by a share, B =
 * overhead·B_crit (D = E_min·(1 + B/B_crit)).
 *
 * @param criticalBatch a fit of critical-batch or of a three-term law
 * @param overhead share of further data that is accepted for fewer steps, e.g. 0.2; 1 is Kaplan et al.'s balance
 */
public record BatchChoice(FitResult criticalBatch, double overhead) {
    /** Zhang et al.'s share. */
    public static final double DEFAULT_OVERHEAD = 0.2;

    /** Checks that the fitted law has the batch size in it. */
    public BatchChoice {
        if (!criticalBatch.law().equals("critical-batch")
                && ThreeTerm.byName(criticalBatch.law()).isEmpty()) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    criticalBatch.law() + " does not give a critical batch size; use critical-batch or three-term.");
        }
        if (!(overhead > 0)) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION, "A batch overhead of " + overhead + " is impossible; give 0.2, say.");
        }
    }

    /** The chosen batch in tokens at a run, by the fit itself and by each of its refits. */
    double[] batches(double n, double d, double loss) {
        Replicas replicas = criticalBatch.replicas();
        double[] batches = new double[1 + replicas.size()];
        batches[0] = batch(criticalBatch.values(), n, d, loss);
        for (int k = 0; k < replicas.size(); k++) {
            batches[1 + k] = batch(replicas.values()[k], n, d, loss);
        }
        return Arrays.stream(batches).map(b -> overhead * b).toArray();
    }

    private double batch(double[] values, double n, double d, double loss) {
        return ThreeTerm.byName(criticalBatch.law())
                .map(law -> law.criticalBatch(values, n, d, loss))
                .orElseGet(() -> criticalBatch.predictor().at(values, Point.nd(n, d)));
    }
}
