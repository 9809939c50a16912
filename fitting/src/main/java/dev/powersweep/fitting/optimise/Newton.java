package dev.powersweep.fitting.optimise;

/**
 * Newton's method with exact second derivatives, Levenberg damping and box constraints by active sets.
 *
 * <p>Huber's function with a small δ is nearly the absolute value: its second derivative jumps wherever a residual crosses
 * δ, and most rows carry no curvature of their own. Damped semi-smooth Newton ends in finitely many steps there once the set
 * of small residuals has settled, where quasi-Newton methods crawl. Not thread-safe: one instance a thread.
 */
public final class Newton {
    private static final int MAX_STEPS = 300;
    private static final double GRADIENT_TOLERANCE = 1e-13;

    private final int p;
    private final double[] gradient;
    private final double[] hessian;
    private final double[] factor;
    private final double[] step;
    private final double[] trial;
    private final double[] trialGradient;
    private final double[] trialHessian;
    private final boolean[] fixed;
    private final Problem.RowWork work;

    /** Scratch space for problems of this many parameters. */
    public Newton(int dimension) {
        p = dimension;
        gradient = new double[p];
        hessian = new double[p * p];
        factor = new double[p * p];
        step = new double[p];
        trial = new double[p];
        trialGradient = new double[p];
        trialHessian = new double[p * p];
        fixed = new boolean[p];
        work = new Problem.RowWork(p);
    }

    /** Descends from a start with every parameter free. */
    public Minimum minimise(Problem problem, double[] start, Box box) {
        return minimise(problem, start, box, new boolean[p], MAX_STEPS);
    }

    /**
     * Descends from a start.
     *
     * @param frozen parameters that keep their starting value
     * @param maxSteps steps after which to give up
     */
    public Minimum minimise(Problem problem, double[] start, Box box, boolean[] frozen, int maxSteps) {
        double[] theta = start.clone();
        for (int j = 0; j < p; j++) {
            theta[j] = box.clamp(j, theta[j]);
        }
        double scale = problem.gradientScale();
        double[] g = gradient;
        double[] h = hessian;
        double[] otherG = trialGradient;
        double[] otherH = trialHessian;
        double value = problem.value(theta, g, h, work);
        double lambda = 0;
        markFixed(g, theta, box, frozen);
        double norm = freeNorm(g, theta, box, frozen) / scale;
        int steps = 0;
        int stalled = 0;
        while (steps < maxSteps && norm > GRADIENT_TOLERANCE && Double.isFinite(value)) {
            steps++;
            boolean accepted = false;
            for (int attempt = 0; attempt < 40 && !accepted; attempt++) {
                lambda = solveDamped(g, h, lambda);
                double predicted = 0;
                double moved = 0;
                for (int j = 0; j < p; j++) {
                    double target = fixed[j] ? theta[j] : box.clamp(j, theta[j] + step[j]);
                    step[j] = target - theta[j];
                    trial[j] = target;
                    moved = Math.max(moved, Math.abs(step[j]) / (1 + Math.abs(theta[j])));
                }
                for (int j = 0; j < p; j++) {
                    double hs = 0;
                    for (int k = 0; k < p; k++) {
                        hs += (k <= j ? h[j * p + k] : h[k * p + j]) * step[k];
                    }
                    predicted -= step[j] * (g[j] + 0.5 * hs);
                }
                if (moved < 1e-16) {
                    break;
                }
                double candidate = problem.value(trial, otherG, otherH, work);
                double gain = value - candidate;
                double rounding = 4e-16 * Math.abs(value) * Math.sqrt(problem.logTarget().length);
                boolean better = gain > 1e-4 * predicted && predicted > 0;
                boolean level = Math.abs(gain) <= rounding && freeNorm(otherG, trial, box, frozen) < norm * scale;
                if (Double.isFinite(candidate) && (gain > 0 && better || level)) {
                    accepted = true;
                    stalled = gain <= rounding ? stalled + 1 : 0;
                    lambda = gain > 0.5 * predicted
                            ? lambda * 0.1
                            : gain < 0.1 * predicted ? Math.max(lambda, floor(h)) * 3 : lambda;
                    if (lambda < floor(h)) {
                        lambda = 0;
                    }
                    System.arraycopy(trial, 0, theta, 0, p);
                    value = candidate;
                    double[] swap = g;
                    g = otherG;
                    otherG = swap;
                    swap = h;
                    h = otherH;
                    otherH = swap;
                } else {
                    lambda = lambda == 0 ? floor(h) * 10 : lambda * 8;
                }
            }
            markFixed(g, theta, box, frozen);
            norm = freeNorm(g, theta, box, frozen) / scale;
            if (!accepted || stalled > 5) {
                break;
            }
        }
        return new Minimum(theta, value, norm, steps);
    }

    /** The Hessian at a point, full symmetric row-major. */
    public double[] hessianAt(Problem problem, double[] theta) {
        problem.value(theta, gradient, hessian, work);
        double[] full = new double[p * p];
        for (int j = 0; j < p; j++) {
            for (int k = 0; k <= j; k++) {
                full[j * p + k] = hessian[j * p + k];
                full[k * p + j] = hessian[j * p + k];
            }
        }
        return full;
    }

    private double floor(double[] h) {
        double largest = 0;
        for (int j = 0; j < p; j++) {
            largest = Math.max(largest, Math.abs(h[j * p + j]));
        }
        return 1e-8 * largest + Double.MIN_NORMAL;
    }

    private static boolean held(int j, double[] g, double[] theta, Box box, boolean[] frozen) {
        return frozen[j] || (theta[j] <= box.low()[j] && g[j] > 0) || (theta[j] >= box.high()[j] && g[j] < 0);
    }

    private void markFixed(double[] g, double[] theta, Box box, boolean[] frozen) {
        for (int j = 0; j < p; j++) {
            fixed[j] = held(j, g, theta, box, frozen);
        }
    }

    /** Largest gradient component over what is neither frozen nor held by a bound. */
    private double freeNorm(double[] g, double[] theta, Box box, boolean[] frozen) {
        double largest = 0;
        for (int j = 0; j < p; j++) {
            if (!held(j, g, theta, box, frozen)) {
                largest = Math.max(largest, Math.abs(g[j]));
            }
        }
        return largest;
    }

    /** Solves (H + λI) step = −g over what is not fixed, raising λ until the matrix is positive definite; returns it. */
    private double solveDamped(double[] g, double[] h, double lambdaAtLeast) {
        double lambda = lambdaAtLeast;
        for (int attempt = 0; attempt < 60; attempt++) {
            if (factorise(h, lambda)) {
                break;
            }
            lambda = lambda == 0 ? floor(h) : lambda * 8;
        }
        for (int j = 0; j < p; j++) {
            double sum = fixed[j] ? 0 : -g[j];
            for (int k = 0; k < j; k++) {
                sum -= factor[j * p + k] * step[k];
            }
            step[j] = sum / factor[j * p + j];
        }
        for (int j = p - 1; j >= 0; j--) {
            double sum = step[j];
            for (int k = j + 1; k < p; k++) {
                sum -= factor[k * p + j] * step[k];
            }
            step[j] = sum / factor[j * p + j];
        }
        return lambda;
    }

    private boolean factorise(double[] h, double lambda) {
        for (int j = 0; j < p; j++) {
            for (int k = 0; k <= j; k++) {
                double sum;
                if (fixed[j] || fixed[k]) {
                    sum = j == k ? 1 : 0;
                } else {
                    sum = h[j * p + k];
                    if (j == k) {
                        sum += lambda;
                    }
                }
                double diagonal = sum;
                for (int l = 0; l < k; l++) {
                    sum -= factor[j * p + l] * factor[k * p + l];
                }
                if (j == k) {
                    if (!(sum > 1e-14 * Math.abs(diagonal))) {
                        return false;
                    }
                    factor[j * p + j] = Math.sqrt(sum);
                } else {
                    factor[j * p + k] = sum / factor[k * p + k];
                }
            }
        }
        return true;
    }
}
