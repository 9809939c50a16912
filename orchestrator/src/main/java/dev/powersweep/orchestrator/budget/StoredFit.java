package dev.powersweep.orchestrator.budget;

import dev.powersweep.fitting.Estimate;
import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.FitResult;
import dev.powersweep.fitting.Predictor;
import dev.powersweep.fitting.Replicas;
import dev.powersweep.fitting.Residual;
import dev.powersweep.fitting.allocation.DesignCell;
import dev.powersweep.fitting.runs.Column;
import dev.powersweep.fitting.runs.Point;
import java.util.List;
import java.util.Map;

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

    /** The fit as the planner takes it: parameters, refits, and the compute of the runs it rests on. */
    FitResult fit() {
        FitResult.Builder builder = FitResult.of(law, "")
                .options(FitOptions.defaults().confidence(confidence))
                .predictor(predictor)
                .replicas(new Replicas(List.copyOf(parameters.keySet()), replicas))
                .residuals(made.stream()
                        .map(cell ->
                                new Residual("", Point.nd(cell.n(), cell.d()).and(Column.C, cell.flops()), 0, 0, 0))
                        .toList());
        parameters.forEach((name, value) -> builder.parameter(name, Estimate.of(value, "")));
        return builder.build();
    }
}
