package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.result.Predictor;
import dev.powersweep.fitting.runs.Point;

/** The model size of lowest loss for a budget C = 6·N·D, found numerically, for any law in N and D. */
public final class ComputeOptimum {
    private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;
    /** Half the width of the search in ln N around √C: twelve decades. */
    private static final double REACH = 14;

    private ComputeOptimum() {}

    /** N_opt, by golden section of ln N; laws are unimodal along a budget. */
    public static double size(Predictor law, double[] parameters, double compute) {
        double low = Math.log(compute) / 2 - REACH;
        double high = Math.log(compute) / 2 + REACH;
        double a = high - GOLDEN * (high - low);
        double b = low + GOLDEN * (high - low);
        double lossA = loss(law, parameters, compute, Math.exp(a));
        double lossB = loss(law, parameters, compute, Math.exp(b));
        while (high - low > 1e-7) {
            if (lossA < lossB) {
                high = b;
                b = a;
                lossB = lossA;
                a = high - GOLDEN * (high - low);
                lossA = loss(law, parameters, compute, Math.exp(a));
            } else {
                low = a;
                a = b;
                lossA = lossB;
                b = low + GOLDEN * (high - low);
                lossB = loss(law, parameters, compute, Math.exp(b));
            }
        }
        return Math.exp((low + high) / 2);
    }

    /** The loss of a model of {@code n} parameters that is given the whole budget. */
    public static double loss(Predictor law, double[] parameters, double compute, double n) {
        return law.at(parameters, Point.nd(n, compute / (6 * n)));
    }

    /** The lowest loss of a budget. */
    public static double loss(Predictor law, double[] parameters, double compute) {
        return loss(law, parameters, compute, size(law, parameters, compute));
    }
}
