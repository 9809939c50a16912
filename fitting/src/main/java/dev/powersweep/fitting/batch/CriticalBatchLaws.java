package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.linear.Correlation;
import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.linear.PowerLaw;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * The critical batch size as a power of the loss (Kaplan et al. 2020, eq 1.4: B_crit = B_star/L^(1/α_B)), of the data and of
 * the size, and which of the last two the measurements support.
 *
 * <p>Data and size are compared by AICc of least squares in logarithms; both have two coefficients, so that the comparison
 * is one of residuals. Where ln N and ln D move together (every model trained to the same tokens per parameter) no
 * comparison can tell them apart, and {@link #verdict} says so instead of choosing.
 *
 * @param byLoss B_crit against L; its exponent is −1/α_B
 * @param byData B_crit against D = E_min
 * @param bySize B_crit against N; empty with one size
 * @param aiccData AICc of the law in D; NaN with fewer than four points
 * @param aiccSize AICc of the law in N
 * @param correlation of ln N and ln D over the points; NaN with one size
 */
public record CriticalBatchLaws(
        Optional<PowerLaw> byLoss,
        Optional<PowerLaw> byData,
        Optional<PowerLaw> bySize,
        double aiccData,
        double aiccSize,
        double correlation) {

    /** |correlation| above which size and data cannot be told apart. */
    private static final double COLLINEAR = 0.98;
    /** A difference in AICc that is usually called strong (Burnham & Anderson 2002: the worse model has 1/20 of the weight). */
    private static final double STRONG = 6;

    /** Fits the laws. */
    public static CriticalBatchLaws of(List<CriticalBatchPoint> points) {
        double[] batch = column(points, CriticalBatchPoint::criticalBatch);
        double[] n = column(points, CriticalBatchPoint::n);
        double[] d = column(points, CriticalBatchPoint::data);
        Optional<PowerLaw> byData = PowerLaw.fit(d, batch);
        Optional<PowerLaw> bySize = PowerLaw.fit(n, batch);
        return new CriticalBatchLaws(
                PowerLaw.fit(column(points, CriticalBatchPoint::loss), batch),
                byData,
                bySize,
                byData.map(CriticalBatchLaws::aicc).orElse(Double.NaN),
                bySize.map(CriticalBatchLaws::aicc).orElse(Double.NaN),
                bySize.isEmpty() ? Double.NaN : Correlation.ofLogs(n, d));
    }

    /** α_B of eq 1.4; empty when B_crit does not fall with the loss. */
    public Optional<Double> alphaB() {
        return byLoss.map(PowerLaw::exponent).filter(x -> x < 0).map(x -> -1 / x);
    }

    /** One sentence on whether data or size describes the critical batch better. */
    public String verdict() {
        if (byData.isEmpty() || bySize.isEmpty()) {
            return "One model size (or one data size) was measured, so a law in N cannot be compared with one in D.";
        }
        if (Math.abs(correlation) > COLLINEAR) {
            return String.format(
                    Locale.ROOT,
                    "N and D rise together in these runs (correlation of their logarithms %.3f), so they cannot tell"
                            + " whether the critical batch size follows N or D; vary one with the other fixed.",
                    correlation);
        }
        if (!Double.isFinite(aiccData) || !Double.isFinite(aiccSize)) {
            return "Fewer than five measured critical batch sizes cannot tell a law in N from one in D.";
        }
        double difference = aiccSize - aiccData;
        String better = difference > 0 ? "data D" : "model size N";
        return String.format(
                Locale.ROOT,
                "The critical batch size follows the %s better (AICc %.1f in D, %.1f in N)%s.",
                better,
                aiccData,
                aiccSize,
                Math.abs(difference) < STRONG ? ", but the difference is too small to be sure" : "");
    }

    /** A test of the power of one quantity with the other held fixed: ln B_crit on ln N and ln D together. */
    public static Optional<LeastSquares> jointly(List<CriticalBatchPoint> points) {
        double[][] design = new double[points.size()][];
        double[] response = new double[points.size()];
        for (int i = 0; i < points.size(); i++) {
            design[i] = new double[] {
                1, Math.log(points.get(i).n()), Math.log(points.get(i).data())
            };
            response[i] = Math.log(points.get(i).criticalBatch());
        }
        return LeastSquares.solve(design, response);
    }

    /** Three parameters: coefficient, exponent and the variance of the residuals. */
    private static double aicc(PowerLaw law) {
        int n = law.points();
        int k = 3;
        if (n < k + 2) {
            return Double.NaN;
        }
        double residualSum = law.logResidualDeviation() * law.logResidualDeviation() * (n - 2);
        return n * Math.log(residualSum / n) + 2.0 * k + 2.0 * k * (k + 1) / (n - k - 1);
    }

    private static double[] column(List<CriticalBatchPoint> points, ToDoubleFunction<CriticalBatchPoint> value) {
        return points.stream().mapToDouble(value).toArray();
    }
}
