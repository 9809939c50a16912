package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.FitResult;
import dev.powersweep.fitting.Predictor;
import dev.powersweep.fitting.Replicas;
import dev.powersweep.fitting.runs.Point;

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
    private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

    static Frontier of(FitResult fit, double[] compute) {
        int points = compute.length;
        Frontier frontier = new Frontier(compute, new double[3][points], new double[3][points], new double[3][points]);
        int stride = Math.max(1, fit.replicas().size() / REFITS);
        int refits = fit.replicas().size() / stride;
        for (int i = 0; i < points; i++) {
            double c = compute[i];
            double best = size(fit.predictor(), fit.values(), c);
            double[] sizes = new double[refits];
            double[] losses = new double[refits];
            double[] data = new double[refits];
            for (int k = 0; k < refits; k++) {
                double[] parameters = fit.replicas().values()[k * stride];
                sizes[k] = size(fit.predictor(), parameters, c);
                data[k] = c / (6 * sizes[k]);
                losses[k] = fit.predictor().at(parameters, Point.nd(sizes[k], data[k]));
            }
            put(frontier.n, i, best, sizes, fit.options().confidence());
            put(frontier.d, i, c / (6 * best), data, fit.options().confidence());
            put(
                    frontier.loss,
                    i,
                    fit.predictor().at(fit.values(), Point.nd(best, c / (6 * best))),
                    losses,
                    fit.options().confidence());
        }
        return frontier;
    }

    private static void put(double[][] target, int at, double value, double[] refits, double confidence) {
        double[] interval = Replicas.interval(refits, confidence);
        target[0][at] = value;
        target[1][at] = interval[0];
        target[2][at] = interval[1];
    }

    /** The N of lowest loss for C = 6·N·D, by golden section of ln N; laws are unimodal along a budget. */
    static double size(Predictor law, double[] parameters, double compute) {
        double low = Math.log(compute) / 2 - 14;
        double high = Math.log(compute) / 2 + 14;
        double a = high - GOLDEN * (high - low);
        double b = low + GOLDEN * (high - low);
        double lossA = at(law, parameters, compute, a);
        double lossB = at(law, parameters, compute, b);
        while (high - low > 1e-6) {
            if (lossA < lossB) {
                high = b;
                b = a;
                lossB = lossA;
                a = high - GOLDEN * (high - low);
                lossA = at(law, parameters, compute, a);
            } else {
                low = a;
                a = b;
                lossA = lossB;
                b = low + GOLDEN * (high - low);
                lossB = at(law, parameters, compute, b);
            }
        }
        return Math.exp((low + high) / 2);
    }

    private static double at(Predictor law, double[] parameters, double compute, double logN) {
        double n = Math.exp(logN);
        return law.at(parameters, Point.nd(n, compute / (6 * n)));
    }
}
