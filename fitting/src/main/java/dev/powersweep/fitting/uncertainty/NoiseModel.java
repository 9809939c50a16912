package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.optimise.Objective;
import org.hipparchus.special.Erf;

/**
 * The density that an objective is the likelihood of: {@code f(r) = exp(−ρ(r)/τ)/Z(τ)}, normal for squared errors, and for
 * Huber's function normal within δ with exponential tails. τ is set at maximum likelihood.
 */
final class NoiseModel {
    private NoiseModel() {}

    /**
     * Minus twice the log likelihood at the best τ.
     *
     * @param sum weighted objective
     * @param weight total weight
     */
    static double minusTwoLogLikelihood(Objective objective, double delta, double sum, double weight) {
        double mean = Math.max(sum / weight, 1e-300);
        if (!objective.huber()) {
            // ρ = r²: normal with variance τ/2
            return weight * (Math.log(2 * Math.PI * mean) + 1);
        }
        // One-dimensional and unimodal in ln τ: golden section between the normal's and the exponential's answer,
        // widened.
        double low = Math.log(mean) - 12;
        double high = Math.log(mean) + 6;
        double ratio = (Math.sqrt(5) - 1) / 2;
        double a = high - ratio * (high - low);
        double b = low + ratio * (high - low);
        double fa = huber(Math.exp(a), delta, mean);
        double fb = huber(Math.exp(b), delta, mean);
        for (int i = 0; i < 100; i++) {
            if (fa < fb) {
                high = b;
                b = a;
                fb = fa;
                a = high - ratio * (high - low);
                fa = huber(Math.exp(a), delta, mean);
            } else {
                low = a;
                a = b;
                fa = fb;
                b = low + ratio * (high - low);
                fb = huber(Math.exp(b), delta, mean);
            }
        }
        return 2 * weight * Math.min(fa, fb);
    }

    private static double huber(double tau, double delta, double mean) {
        double inside = Math.sqrt(2 * Math.PI * tau) * Erf.erf(delta / Math.sqrt(2 * tau));
        double tails = 2 * tau / delta * Math.exp(-delta * delta / (2 * tau));
        return mean / tau + Math.log(inside + tails);
    }
}
