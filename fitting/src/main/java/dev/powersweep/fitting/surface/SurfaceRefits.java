package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.optimise.Workers;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.surface.QuadraticOptimum.Minimum;
import dev.powersweep.fitting.uncertainty.Bootstrap;
import dev.powersweep.fitting.uncertainty.Scatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Optima of losses drawn anew, and the laws through them; what is amiss with them is told to the result. */
record SurfaceRefits(Observations runs, List<SweptOptimum> optima, FitOptions options, FitResult.Builder result) {

    /** One optimum of each sweep in each draw, empty where the drawn losses have none; no draws without noise. */
    List<List<Optional<Minimum>>> draws() {
        double[] pool = optima.stream()
                .filter(optimum -> optimum.minimum().degreesOfFreedom() > 0)
                .flatMapToDouble(optimum -> Arrays.stream(optimum.minimum().residuals())
                        .map(residual -> residual
                                * Math.sqrt(optimum.loss().length
                                        / (double) optimum.minimum().degreesOfFreedom())))
                .toArray();
        if (options.bootstrap() == 0) {
            return List.of();
        }
        if (pool.length == 0) {
            result.warn(
                    "No swept size has more runs than its quadratic has coefficients, so there is no telling the noise"
                            + " and no interval; add settings.");
            return List.of();
        }
        List<List<Optional<Minimum>>> draws = new ArrayList<>(Collections.nCopies(options.bootstrap(), List.of()));
        Workers.run(options.threads(), draws.size(), () -> this, (own, k) -> {
            SplittableRandom random = Bootstrap.generator(options.seed(), k);
            List<Optional<Minimum>> drawn = new ArrayList<>();
            for (SweptOptimum optimum : optima) {
                double[] loss = new double[optimum.loss().length];
                for (int i = 0; i < loss.length; i++) {
                    loss[i] = optimum.loss()[i] - optimum.minimum().residuals()[i] + pool[random.nextInt(pool.length)];
                }
                drawn.add(
                        optimum.sweep().quadratic(own.runs(), optimum.axes(), loss) instanceof Minimum found
                                ? Optional.of(found)
                                : Optional.empty());
            }
            draws.set(k, drawn);
        });
        return draws;
    }

    /** The law of each draw's optima; a sweep that has none in a draw is left out of it. */
    double[][] laws(SettingPower power, LeastSquares fitted) {
        List<List<Optional<Minimum>>> draws = draws();
        long missing = draws.stream()
                .filter(drawn -> drawn.stream().anyMatch(Optional::isEmpty))
                .count();
        if (10 * missing > draws.size()) {
            int worst = IntStream.range(0, optima.size())
                    .boxed()
                    .max(Comparator.comparingLong(i -> missing(draws, i)))
                    .orElseThrow();
            result.warn(String.format(
                    Locale.ROOT,
                    "In %d of %d bootstrap refits some size has no minimum inside the settings that were tried and is left"
                            + " out, most often %s (%d); add settings around its best.",
                    missing,
                    draws.size(),
                    optima.get(worst).sweep().place(),
                    missing(draws, worst)));
        }
        Scatter scatter = Scatter.of(
                fitted.residuals(),
                fitted.coefficients().length,
                optima.stream().mapToDouble(SweptOptimum::logSetting).toArray(),
                draws.stream()
                        .map(drawn -> drawn.stream()
                                .mapToDouble(found -> found.map(minimum -> minimum.logSetting()[0])
                                        .orElse(Double.NaN))
                                .toArray())
                        .toList());
        List<double[]> rows = new ArrayList<>();
        for (int k = 0; k < draws.size(); k++) {
            SplittableRandom random = Bootstrap.generator(options.seed(), draws.size() + k);
            double spread = scatter.draw(random);
            List<SettingSweep> sweeps = new ArrayList<>();
            List<Double> settings = new ArrayList<>();
            for (int i = 0; i < optima.size(); i++) {
                double moved = spread * random.nextGaussian();
                Optional<Minimum> found = draws.get(k).get(i);
                if (found.isPresent()) {
                    sweeps.add(optima.get(i).sweep());
                    settings.add(Math.exp(found.get().logSetting()[0] + moved));
                }
            }
            if (sweeps.size() > power.powers().size()) {
                power.regression(sweeps, settings)
                        .fit()
                        .map(SettingPower::published)
                        .ifPresent(rows::add);
            }
        }
        return rows.toArray(double[][]::new);
    }

    private static long missing(List<List<Optional<Minimum>>> draws, int sweep) {
        return draws.stream().filter(drawn -> drawn.get(sweep).isEmpty()).count();
    }
}
