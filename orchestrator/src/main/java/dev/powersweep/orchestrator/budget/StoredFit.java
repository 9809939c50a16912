package dev.powersweep.orchestrator.budget;

import dev.powersweep.fitting.allocation.DesignCell;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Predictor;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
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
 * @param warnings of the fit, such as units that were assumed
 * @param aicc Akaike's criterion, comparable between laws fitted to the same rows; NaN when unknown
 */
public record StoredFit(
        String law,
        Predictor predictor,
        Map<String, Double> parameters,
        double[][] replicas,
        double confidence,
        double noise,
        List<DesignCell> made,
        List<String> warnings,
        double aicc) {

    /** A fit of unknown support. */
    public StoredFit(
            String law,
            Predictor predictor,
            Map<String, Double> parameters,
            double[][] replicas,
            double confidence,
            double noise,
            List<DesignCell> made,
            List<String> warnings) {
        this(law, predictor, parameters, replicas, confidence, noise, made, warnings, Double.NaN);
    }

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
                                new Residual("", Point.nd(cell.n(), cell.d()).and(Quantity.C, cell.flops()), 0, 0, 0))
                        .toList());
        parameters.forEach((name, value) -> builder.parameter(name, Estimate.of(value, "")));
        return builder.build();
    }
}
