package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.batch.BatchTradeOff.Determined;
import dev.powersweep.fitting.batch.BatchTradeOff.Reason;
import dev.powersweep.fitting.batch.BatchTradeOff.Undetermined;
import java.util.Arrays;
import org.hipparchus.distribution.continuous.TDistribution;

/** The residual sum of squares of S = S_min·(1 + r/B) in logarithms as a function of u = ln r, S_min at its best. */
final class TradeOffProfile {
    /** The search goes this far, in ln B, beyond the smallest and the largest batch. */
    private static final double MARGIN = 12;

    private static final int SCAN = 400;
    private static final double LEVEL = 0.95;

    private final double[] batch;
    private final double[] logSteps;
    private final double low;
    private final double high;

    TradeOffProfile(double[] batch, double[] steps) {
        this.batch = batch;
        this.logSteps = Arrays.stream(steps).map(Math::log).toArray();
        this.low = Math.log(Arrays.stream(batch).min().orElseThrow()) - MARGIN;
        this.high = Math.log(Arrays.stream(batch).max().orElseThrow()) + MARGIN;
    }

    BatchTradeOff solve() {
        double step = (high - low) / SCAN;
        int best = 0;
        double lowest = Double.POSITIVE_INFINITY;
        for (int i = 0; i <= SCAN; i++) {
            double value = sumOfSquares(low + i * step);
            if (value < lowest) {
                lowest = value;
                best = i;
            }
        }
        double u = low + best * step;
        u = rootOfGradient(Math.max(low, u - step), Math.min(high, u + step));
        // Beyond a factor of 1000 outside the measured batches the profile is flat to rounding.
        double slack = MARGIN - Math.log(1000);
        if (u > high - slack) {
            return new Undetermined(Reason.ALL_BELOW_CRITICAL);
        }
        if (u < low + slack) {
            return new Undetermined(Reason.ALL_ABOVE_CRITICAL);
        }
        double sum = sumOfSquares(u);
        int degrees = batch.length - 2;
        double r = Math.exp(u);
        double minimalSteps = Math.exp(meanOffset(u));
        double t = degrees > 0 ? new TDistribution(degrees).inverseCumulativeProbability((1 + LEVEL) / 2) : Double.NaN;
        double limit = sum * (1 + t * t / degrees);
        return new Determined(
                minimalSteps,
                minimalSteps * r,
                r,
                Math.sqrt(sum / degrees),
                degrees > 0 ? Math.exp(crossing(u, low, limit, Double.NEGATIVE_INFINITY)) : 0,
                degrees > 0 ? Math.exp(crossing(u, high, limit, Double.POSITIVE_INFINITY)) : Double.POSITIVE_INFINITY);
    }

    private double meanOffset(double u) {
        double r = Math.exp(u);
        double mean = 0;
        for (int i = 0; i < batch.length; i++) {
            mean += (logSteps[i] - Math.log1p(r / batch[i])) / batch.length;
        }
        return mean;
    }

    private double sumOfSquares(double u) {
        double r = Math.exp(u);
        double mean = meanOffset(u);
        double sum = 0;
        for (int i = 0; i < batch.length; i++) {
            double residual = logSteps[i] - Math.log1p(r / batch[i]) - mean;
            sum += residual * residual;
        }
        return sum;
    }

    /** Half the derivative, up to sign: Σ residual · ∂ln(1 + r/B)/∂u. */
    private double gradient(double u) {
        double r = Math.exp(u);
        double mean = meanOffset(u);
        double sum = 0;
        for (int i = 0; i < batch.length; i++) {
            sum -= (logSteps[i] - Math.log1p(r / batch[i]) - mean) * (r / (batch[i] + r));
        }
        return sum;
    }

    /** Bisection on the derivative finds the place to full precision where comparing values would stop at half of it. */
    private double rootOfGradient(double from, double to) {
        double a = from;
        double b = to;
        if (gradient(a) > 0) {
            return a;
        }
        if (gradient(b) < 0) {
            return b;
        }
        for (int i = 0; i < 100; i++) {
            double middle = (a + b) / 2;
            if (gradient(middle) > 0) {
                b = middle;
            } else {
                a = middle;
            }
        }
        return (a + b) / 2;
    }

    private double crossing(double from, double to, double limit, double unbounded) {
        if (!(sumOfSquares(to) > limit)) {
            return unbounded;
        }
        double inside = from;
        double outside = to;
        // The profile may wobble; the first crossing met from the optimum is the one that bounds its interval.
        double step = (to - from) / SCAN;
        for (int i = 1; i <= SCAN; i++) {
            double at = from + i * step;
            if (sumOfSquares(at) > limit) {
                outside = at;
                break;
            }
            inside = at;
        }
        for (int i = 0; i < 60; i++) {
            double middle = (inside + outside) / 2;
            if (sumOfSquares(middle) > limit) {
                outside = middle;
            } else {
                inside = middle;
            }
        }
        return outside;
    }
}
