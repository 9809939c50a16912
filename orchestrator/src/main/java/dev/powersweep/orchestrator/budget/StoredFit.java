package dev.powersweep.orchestrator.budget;

import dev.powersweep.fitting.Predictor;
import dev.powersweep.fitting.Replicas;
import dev.powersweep.fitting.allocation.DesignCell;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * A fit as {@code fits.json} keeps it.
 *
 * @param law the name scripts use
 * @param parameters in the law's order
 * @param replicas parameters of bootstrap refits, [refit][parameter]; none where they were not kept
 * @param confidence level of intervals
 * @param noise of one run: standard deviation of ln L; NaN when unknown
 * @param made the runs that were fitted; those without N and D left out
 */
public record StoredFit(
        String law,
        Predictor predictor,
        Map<String, Double> parameters,
        double[][] replicas,
        double confidence,
        double noise,
        List<DesignCell> made) {

    public double[] values() {
        return parameters.values().stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** A quantity that follows from the parameters, with its interval over the refits. */
    Ranged of(ToDoubleFunction<double[]> quantity) {
        double[] refits = new double[replicas.length];
        for (int i = 0; i < refits.length; i++) {
            refits[i] = quantity.applyAsDouble(replicas[i]);
        }
        double[] interval = Replicas.interval(refits, confidence);
        return new Ranged(quantity.applyAsDouble(values()), interval[0], interval[1]);
    }
}
