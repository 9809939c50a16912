package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.optimise.Minimum;
import dev.powersweep.fitting.optimise.Newton;
import dev.powersweep.fitting.optimise.Problem;
import dev.powersweep.fitting.optimise.TwoStageModel;
import dev.powersweep.fitting.optimise.VisitedPoint;
import dev.powersweep.fitting.optimise.Workers;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.runs.Observations;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Refits to data drawn anew. Every refit has its own generator, keyed by seed and number of the refit, so that refit 17 is the
 * same on one thread, on eight, and on another machine.
 */
public final class Bootstrap {
    private final Observations runs;
    private final BoundLaw law;
    private final Problem problem;
    private final List<double[]> starts;
    private final FitOptions options;
    private final double[] predicted;
    private final double[] residual;
    /**
     * Kernel width by which drawn residuals are smoothed. The error of a fit to nearly absolute values hangs on the density of
     * residuals at zero, and a sample drawn with replacement from a list has no density.
     */
    private final double smoothing;

    private final double shrink;

    /** Rows within Huber's threshold, and how often a draw of one of them is drawn again. */
    private final boolean[] within;

    private final double redraw;

    /**
     * @param starts internal parameters to descend from, the best fit first; more than one where other minima nearly match it
     */
    public Bootstrap(Observations runs, BoundLaw law, Problem problem, List<double[]> starts, FitOptions options) {
        this.runs = runs;
        this.law = law;
        this.problem = problem;
        this.starts = List.copyOf(starts);
        this.options = options;
        int rows = problem.logTarget().length;
        predicted = new double[rows];
        residual = new double[rows];
        within = new boolean[rows];
        int inside = 0;
        for (int i = 0; i < rows; i++) {
            predicted[i] = problem.model().value(starts.get(0), i);
            residual[i] = problem.residual(predicted[i], i);
            within[i] = !problem.objective().huber() || Math.abs(residual[i]) <= problem.delta();
            inside += within[i] ? 1 : 0;
        }
        // What p parameters take from the residuals depends on the objective. Squared errors shrink all residuals, by
        // (n − p)/n in the square. Absolute values leave their size alone but put p rows onto the curve, and the error
        // of the fit depends on the density of residuals there. Huber's function lies between by the share of rows
        // within its threshold, and so do the two corrections (Huber 1981, section 7.6: the same share in the
        // covariance).
        double share = inside / (double) rows;
        double spent = Math.min(problem.model().dimension(), rows / 2.0);
        double inflate = Math.sqrt(rows / (rows - spent * share));
        redraw = inside > 0 ? Math.min(0.9, spent * (1 - share) / inside) : 0;
        for (int i = 0; i < rows; i++) {
            residual[i] *= inflate;
        }
        double[] sorted = residual.clone();
        Arrays.sort(sorted);
        double variance = Arrays.stream(residual).map(r -> r * r).average().orElse(0);
        double spread = (Replicas.quantile(sorted, 0.75) - Replicas.quantile(sorted, 0.25)) / 1.349;
        double width = 0.9 * Math.min(Math.sqrt(variance), spread) * Math.pow(rows, -0.2);
        smoothing = Double.isFinite(width) ? width : 0;
        shrink = variance > 0 ? 1 / Math.sqrt(1 + smoothing * smoothing / variance) : 1;
    }

    /**
     * Refits {@code from … to − 1}.
     *
     * @return published parameters, one row a refit
     */
    public double[][] refits(int from, int to) {
        double[][] values = new double[to - from][];
        int p = problem.model().dimension();
        boolean[] free = new boolean[p];
        Workers.run(options.threads(), to - from, this::newton, (newton, i) -> {
            Problem drawn = draw(from + i);
            Minimum best = null;
            for (double[] start : starts) {
                Minimum end = newton.minimise(drawn, start, law.box(), free, Newton.Effort.REFIT);
                if (best == null || end.value() < best.value()) {
                    best = end;
                }
            }
            values[i] = law.published(best.theta());
        });
        return values;
    }

    private Newton newton() {
        Newton newton = new Newton(problem.model().dimension());
        return problem.model() instanceof TwoStageModel model
                ? newton.knowing(VisitedPoint.of(model, starts.get(0)))
                : newton;
    }

    private Problem draw(int replica) {
        SplittableRandom random = generator(options.seed(), replica);
        int rows = problem.logTarget().length;
        switch (options.resampling()) {
            case RUNS -> {
                int[] count = new int[runs.runs()];
                for (int r = 0; r < count.length; r++) {
                    count[random.nextInt(count.length)]++;
                }
                double[] weights = problem.weights().clone();
                for (int i = 0; i < rows; i++) {
                    weights[i] *= count[runs.runOf(i)];
                }
                return new Problem(problem.model(), problem.logTarget(), weights, problem.objective(), problem.delta());
            }
            case RESIDUAL -> {
                double[] target = new double[rows];
                for (int i = 0; i < rows; i++) {
                    target[i] =
                            shifted(predicted[i], shrink * (residual[row(random)] + smoothing * random.nextGaussian()));
                }
                return new Problem(problem.model(), target, problem.weights(), problem.objective(), problem.delta());
            }
            case PARAMETRIC -> {
                double sigma = Math.sqrt(
                        Arrays.stream(residual).map(r -> r * r).average().orElse(0));
                double[] target = new double[rows];
                for (int i = 0; i < rows; i++) {
                    target[i] = shifted(predicted[i], sigma * random.nextGaussian());
                }
                return new Problem(problem.model(), target, problem.weights(), problem.objective(), problem.delta());
            }
            default -> throw new AssertionError(options.resampling());
        }
    }

    /** A row to draw the residual of. */
    private int row(SplittableRandom random) {
        int row = random.nextInt(residual.length);
        while (redraw > 0 && within[row] && random.nextDouble() < redraw) {
            row = random.nextInt(residual.length);
        }
        return row;
    }

    private double shifted(double logPrediction, double r) {
        if (problem.objective().log()) {
            return logPrediction - r;
        }
        // A drawn loss that would fall to nothing is kept above a hundredth of the prediction.
        double value = Math.exp(logPrediction);
        return Math.log(Math.max(value - r, 0.01 * value));
    }

    /** The generator of one refit. */
    public static SplittableRandom generator(long seed, int replica) {
        long z = seed * 0x9E3779B97F4A7C15L + replica * 0xD1B54A32D192ED03L;
        z = (z ^ (z >>> 32)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 29)) * 0x94D049BB133111EBL;
        return new SplittableRandom(z ^ (z >>> 32));
    }
}
