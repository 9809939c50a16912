package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.orchestrator.fits.ComputeOptimum;

/**
 * The compute-optimal size at each budget, C = 6·N·D, for any law in N and D, found numerically; with the interval over
 * the refits.
 *
 * @param compute budgets in FLOPs
 * @param n compute-optimal parameters: estimate, low, high
 * @param d compute-optimal tokens: estimate, low, high
 * @param loss at the optimum: estimate, low, high
 */
record Frontier(double[] compute, double[][] n, double[][] d, double[][] loss) {
    private static final int REFITS = 200;

    static Frontier of(FitResult fit, double[] compute) {
        int points = compute.length;
        Frontier frontier = new Frontier(compute, new double[3][points], new double[3][points], new double[3][points]);
        int stride = Math.max(1, fit.replicas().size() / REFITS);
        int refits = fit.replicas().size() / stride;
        for (int i = 0; i < points; i++) {
            double c = compute[i];
            double best = ComputeOptimum.size(fit.predictor(), fit.values(), c);
            double[] sizes = new double[refits];
            double[] losses = new double[refits];
            double[] data = new double[refits];
            for (int k = 0; k < refits; k++) {
                double[] parameters = fit.replicas().values()[k * stride];
                sizes[k] = ComputeOptimum.size(fit.predictor(), parameters, c);
                data[k] = c / (6 * sizes[k]);
                losses[k] = fit.predictor().at(parameters, Point.nd(sizes[k], data[k]));
            }
            put(frontier.n, i, best, sizes, fit.options());
            put(frontier.d, i, c / (6 * best), data, fit.options());
            put(
                    frontier.loss,
                    i,
                    fit.predictor().at(fit.values(), Point.nd(best, c / (6 * best))),
                    losses,
                    fit.options());
        }
        return frontier;
    }

    private static void put(double[][] target, int at, double value, double[] refits, FitOptions options) {
        double[] interval = options.interval(refits, value);
        target[0][at] = value;
        target[1][at] = interval[0];
        target[2][at] = interval[1];
    }
}
