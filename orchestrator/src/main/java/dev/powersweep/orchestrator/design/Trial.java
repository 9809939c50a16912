package dev.powersweep.orchestrator.design;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.surface.RateRule;
import dev.powersweep.orchestrator.fits.BestRate;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.Selection;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * A design tried on one law: what the fits of its cells would have said, and what was true.
 *
 * @param exponent error of a, by approach 3; NaN where it could not be fitted, as for all
 * @param exponentByMinima error of a, by IsoFLOP minima
 * @param size error of ln N_opt at the largest budget
 * @param sizeBeyond error of ln N_opt at ten times the largest budget
 * @param criticalBatch error of ln B_crit where batches vary
 * @param rate error of ln of the best rate, root mean square over the cells where rates vary
 * @param inside budgets whose best size lies inside
 */
record Trial(
        double exponent,
        double exponentByMinima,
        double size,
        double sizeBeyond,
        double criticalBatch,
        double rate,
        int inside) {
    private static final double BEYOND = 10;
    private static final String SURFACE = "chinchilla";
    private static final String MINIMA = "isoflop";
    private static final String BATCH = "three-term-data";

    /**
     * @param cells with the losses that they would have under the law
     * @param largest budget, FLOPs
     * @param tokens of runs where batches vary
     */
    static Trial of(PriorLaw truth, List<CellResult> cells, double largest, double tokens) {
        SweepResults results = new SweepResults(
                "design", "design", Optional.empty(), cells, List.of(), List.of(), List.of(), Map.of());
        FitSet fits = SweepFitter.fit(
                results, List.of(SURFACE, MINIMA, BATCH), FitOptions.defaults().threads(1));
        return new Trial(
                error(fits, SURFACE, fit -> fit.value("a") - truth.exponent()),
                error(fits, MINIMA, fit -> fit.value("a") - truth.exponent()),
                error(fits, SURFACE, fit -> size(fit, largest) - Math.log(truth.bestSize(largest))),
                error(fits, SURFACE, fit -> size(fit, BEYOND * largest) - Math.log(truth.bestSize(BEYOND * largest))),
                error(
                        fits,
                        BATCH,
                        fit -> Math.log(fit.value("B_0"))
                                + fit.value("kappa") * Math.log(tokens)
                                - Math.log(truth.criticalBatch(tokens))),
                rate(truth, cells),
                fits.of(MINIMA).map(fit -> fit.residuals().size()).orElse(0));
    }

    private static double error(FitSet fits, String law, ToDoubleFunction<FitResult> of) {
        return fits.of(law).map(of::applyAsDouble).orElse(Double.NaN);
    }

    /** ln N_opt of an approach-3 fit. */
    private static double size(FitResult fit, double flops) {
        return Math.log(fit.value("G")) + fit.value("a") * Math.log(flops / 6);
    }

    private static double rate(PriorLaw truth, List<CellResult> cells) {
        return Math.sqrt(Selection.byScale(cells).values().stream()
                .flatMap(scale -> BestRate.optimum(scale).stream())
                .filter(found -> found.place() == RateRule.Place.INSIDE)
                .mapToDouble(found -> Math.log(found.rate() / truth.bestRate(found.n(), found.b(), found.d())))
                .map(error -> error * error)
                .average()
                .orElse(Double.NaN));
    }
}
