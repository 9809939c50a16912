package dev.powersweep.fitting.isoflop;

/**
 * Akima's interpolating spline (Akima 1970, J. ACM 17(4)): a piecewise cubic whose slopes depend on the nearest five
 * points only, so that one outlier bends its neighbourhood and nothing else.
 *
 * <p>End slopes are extrapolated as in Akima's paper; where both weights vanish (locally straight data) the slope is the
 * mean of the outer neighbours, which keeps straight lines straight. Two points give their line.
 */
final class AkimaSpline {
    private static final double FLAT = 1e-9;

    private final double[] x;
    private final double[] y;
    private final double[] slope;

    /** Takes strictly increasing x, at least two. */
    AkimaSpline(double[] x, double[] y) {
        this.x = x;
        this.y = y;
        this.slope = slopes(x, y);
    }

    private static double[] slopes(double[] x, double[] y) {
        int n = x.length;
        double[] m = new double[n + 3];
        for (int i = 0; i < n - 1; i++) {
            m[i + 2] = (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
        }
        if (n == 2) {
            return new double[] {m[2], m[2]};
        }
        m[1] = 2 * m[2] - m[3];
        m[0] = 2 * m[1] - m[2];
        m[n + 1] = 2 * m[n] - m[n - 1];
        m[n + 2] = 2 * m[n + 1] - m[n];
        double largest = 0;
        for (int i = 0; i < n; i++) {
            largest = Math.max(largest, Math.abs(m[i + 3] - m[i + 2]) + Math.abs(m[i + 1] - m[i]));
        }
        double[] slope = new double[n];
        for (int i = 0; i < n; i++) {
            double left = Math.abs(m[i + 3] - m[i + 2]);
            double right = Math.abs(m[i + 1] - m[i]);
            slope[i] = left + right > FLAT * largest
                    ? (left * m[i + 1] + right * m[i + 2]) / (left + right)
                    : (m[i + 3] + m[i]) / 2;
        }
        return slope;
    }

    /** The value at a point inside the data's range. */
    double at(double point) {
        return inPiece(piece(point), point);
    }

    private int piece(double point) {
        int low = 0;
        int high = x.length - 2;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (x[middle] <= point) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    private double inPiece(int i, double point) {
        double h = x[i + 1] - x[i];
        double t = point - x[i];
        double secant = (y[i + 1] - y[i]) / h;
        double c = (3 * secant - 2 * slope[i] - slope[i + 1]) / h;
        double d = (slope[i] + slope[i + 1] - 2 * secant) / (h * h);
        return y[i] + t * (slope[i] + t * (c + t * d));
    }

    /** The place of the lowest value over the whole range, exactly: knots and stationary points of every piece. */
    double minimiser() {
        double best = x[0];
        double lowest = y[0];
        for (int i = 0; i < x.length - 1; i++) {
            if (y[i + 1] < lowest) {
                lowest = y[i + 1];
                best = x[i + 1];
            }
            double h = x[i + 1] - x[i];
            double secant = (y[i + 1] - y[i]) / h;
            double c = 2 * (3 * secant - 2 * slope[i] - slope[i + 1]) / h;
            double d = 3 * (slope[i] + slope[i + 1] - 2 * secant) / (h * h);
            double discriminant = c * c - 4 * d * slope[i];
            if (discriminant < 0) {
                continue;
            }
            double q = -(c + Math.copySign(Math.sqrt(discriminant), c)) / 2;
            double[] roots = {q / d, slope[i] / q};
            for (double t : roots) {
                if (t > 0 && t < h && inPiece(i, x[i] + t) < lowest) {
                    lowest = inPiece(i, x[i] + t);
                    best = x[i] + t;
                }
            }
        }
        return best;
    }
}
