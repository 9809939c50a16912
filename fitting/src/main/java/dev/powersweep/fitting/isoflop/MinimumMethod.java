package dev.powersweep.fitting.isoflop;

import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Found;
import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Reason;
import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Rejected;
import dev.powersweep.fitting.linear.LeastSquares;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How the minimum of an IsoFLOP curve is found. */
public enum MinimumMethod {
    /**
     * Akima spline of ln L on ln N, lowest of 25·(sizes − 1) points spaced evenly in ln N from the smallest to the
     * largest size; the first and the last point are edges. After Porian et al. 2024 (their analysis code), whose numbers
     * depend on this grid in the fourth digit.
     */
    SPLINE_GRID,
    /** The same spline, its minimum to machine precision; equals the limit of ever finer grids. */
    SPLINE,
    /**
     * A parabola of L on ln N through all sizes, by their weights, its vertex (Hoffmann et al. 2022, section 3.2).
     * Biased: see {@link MinimumBias}.
     */
    PARABOLA;

    private static final int GRID_POINTS_PER_INTERVAL = 25;
    private static final int FEWEST_SIZES = 3;

    /** Finds the minimum of one budget. */
    public IsoFlopMinimum minimum(IsoFlopCurve curve) {
        if (curve.sizes() < FEWEST_SIZES) {
            return new Rejected(
                    curve.flops(),
                    Reason.TOO_FEW_SIZES,
                    String.format(
                            Locale.ROOT,
                            "The budget of %.4g FLOPs has %d model size(s); a minimum needs at least %d.",
                            curve.flops(),
                            curve.sizes(),
                            FEWEST_SIZES));
        }
        double[] x = Arrays.stream(curve.n()).map(Math::log).toArray();
        return this == PARABOLA ? vertex(curve, x) : lowest(curve, x);
    }

    private IsoFlopMinimum lowest(IsoFlopCurve curve, double[] x) {
        AkimaSpline spline = new AkimaSpline(x, logs(curve.loss()));
        double first = x[0];
        double last = x[x.length - 1];
        double best = this == SPLINE ? spline.minimiser() : lowestOfGrid(spline, first, last, x.length);
        if (best <= first || best >= last) {
            return edge(curve, best <= first ? Reason.LOWER_EDGE : Reason.UPPER_EDGE);
        }
        return found(curve, x, best, Math.exp(spline.at(best)));
    }

    private static double lowestOfGrid(AkimaSpline spline, double first, double last, int sizes) {
        int points = GRID_POINTS_PER_INTERVAL * (sizes - 1);
        double best = first;
        double lowest = Double.POSITIVE_INFINITY;
        for (int i = 0; i < points; i++) {
            double at = i == points - 1 ? last : first + (last - first) * i / (points - 1);
            double value = spline.at(at);
            if (value < lowest) {
                lowest = value;
                best = at;
            }
        }
        return best;
    }

    private static IsoFlopMinimum vertex(IsoFlopCurve curve, double[] x) {
        double centre = (x[0] + x[x.length - 1]) / 2;
        double[][] design = new double[x.length][];
        for (int i = 0; i < x.length; i++) {
            double t = x[i] - centre;
            design[i] = new double[] {1, t, t * t};
        }
        Optional<LeastSquares> fit = LeastSquares.solve(design, curve.loss(), curve.weight());
        double[] b = fit.map(LeastSquares::coefficients).orElse(new double[3]);
        if (!(b[2] > 0)) {
            return new Rejected(
                    curve.flops(),
                    Reason.NOT_CONVEX,
                    String.format(
                            Locale.ROOT,
                            "At %.4g FLOPs the parabola of loss on ln N does not open upwards; add sizes around the"
                                    + " lowest loss.",
                            curve.flops()));
        }
        double best = centre - b[1] / (2 * b[2]);
        if (best <= x[0] || best >= x[x.length - 1]) {
            return edge(curve, best <= x[0] ? Reason.LOWER_EDGE : Reason.UPPER_EDGE);
        }
        return found(curve, x, best, b[0] - b[1] * b[1] / (4 * b[2]));
    }

    private static Found found(IsoFlopCurve curve, double[] x, double best, double loss) {
        double tokens = Math.exp(new AkimaSpline(x, logs(curve.d())).at(best));
        return new Found(curve.flops(), Math.exp(best), tokens, loss, curve.meanWeight());
    }

    private static Rejected edge(IsoFlopCurve curve, Reason reason) {
        boolean lower = reason == Reason.LOWER_EDGE;
        return new Rejected(
                curve.flops(),
                reason,
                String.format(
                        Locale.ROOT,
                        "At %.4g FLOPs the lowest loss lies at the %s size (N = %.4g); add %s models at this budget.",
                        curve.flops(),
                        lower ? "smallest" : "largest",
                        lower ? curve.n()[0] : curve.n()[curve.sizes() - 1],
                        lower ? "smaller" : "larger"));
    }

    private static double[] logs(double[] values) {
        return Arrays.stream(values).map(Math::log).toArray();
    }
}
