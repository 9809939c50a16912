package dev.powersweep.fitting.optimise;

import java.util.Arrays;

/**
 * Minimises an objective by damped Newton steps whose model keeps Huber's function exact.
 *
 * <p>With a small δ Huber's function is nearly the absolute value: its second derivative jumps wherever a residual crosses
 * δ, and an ordinary quadratic model holds only until the next crossing. Here a step minimises {@code Σ w ρ(r + J·d) + ½ d'(K
 * + λ)d}: residuals linearised, ρ itself untouched, the law's own curvature {@code K = Σ w ρ'(r)·∇²r} beside it. That
 * subproblem is piecewise quadratic and needs no exponentials; it is solved by semi-smooth Newton with an exact line search. For
 * squared errors it is Newton's method. Near the minimum convergence is quadratic.
 *
 * <p>Not thread-safe: one instance a thread.
 */
public final class Newton {
    private static final int MAX_STEPS = 200;
    private static final int SUBPROBLEM_STEPS = 60;
    private static final int ROUGH_STEPS = 8;
    private static final int ROUGH_SUBPROBLEM_STEPS = 12;
    /** A rough descent ends when a step gains less than this share of the objective. */
    private static final double ROUGH_GAIN = 5e-3;

    private static final double GRADIENT_TOLERANCE = 1e-14;
    private static final double REFIT_TOLERANCE = 1e-8;

    /** When a descent ends. */
    public enum Effort {
        /** When the gradient vanishes to rounding. */
        TO_THE_END,
        /** When the gradient is a hundred-millionth of its natural scale: far below what resampling changes. */
        REFIT,
        /** When steps gain little: good enough to compare starts. */
        ROUGH
    }

    private final int p;
    private int subproblemSteps;
    private double subproblemTolerance;
    private State current;
    private State trial;
    private int[] rows = new int[0];
    private int used;
    private double[] weight = new double[0];
    private double[] target = new double[0];
    private double[] moved = new double[0];
    private double[] slopeAlong = new double[0];
    private final double[] rowHessian;
    private final double[] modelHessian;
    private final double[] modelGradient;
    private final double[] factor;
    private final double[] d;
    private final double[] direction;
    private final double[] curved;
    private final boolean[] fixed;
    /** Added to the diagonal of the subproblem so that it is convex. */
    private double convexity;
    /** How much of {@link #convexity} is in {@link #modelHessian}. */
    private double convexityOfHessian;

    /** Scratch space for problems of this many parameters. */
    public Newton(int dimension) {
        p = dimension;
        current = new State(p);
        trial = new State(p);
        rowHessian = new double[p * p];
        modelHessian = new double[p * p];
        modelGradient = new double[p];
        factor = new double[p * p];
        d = new double[p];
        direction = new double[p];
        curved = new double[p];
        fixed = new boolean[p];
    }

    /** A point with everything known of it. */
    private static final class State {
        final double[] theta;
        final double[] gradient;
        /** Lower triangle of Σ w ρ' ∇²r. */
        final double[] curvature;

        double[] residual = new double[0];
        double[] jacobian = new double[0];
        double value;

        State(int p) {
            theta = new double[p];
            gradient = new double[p];
            curvature = new double[p * p];
        }

        void fit(int rows, int p) {
            if (residual.length < rows) {
                residual = new double[rows];
                jacobian = new double[rows * p];
            }
        }
    }

    /** Descends from a start with every parameter free. */
    public Minimum minimise(Problem problem, double[] start, Box box) {
        return minimise(problem, start, box, new boolean[p], Effort.TO_THE_END);
    }

    /**
     * Descends from a start.
     *
     * @param frozen parameters that keep their starting value
     * @param effort when to stop
     */
    public Minimum minimise(Problem problem, double[] start, Box box, boolean[] frozen, Effort effort) {
        int maxSteps = effort == Effort.ROUGH ? ROUGH_STEPS : MAX_STEPS;
        double tolerance = effort == Effort.REFIT ? REFIT_TOLERANCE : GRADIENT_TOLERANCE;
        subproblemTolerance = effort == Effort.TO_THE_END ? 1e-17 : 1e-11;
        subproblemSteps = effort == Effort.ROUGH ? ROUGH_SUBPROBLEM_STEPS : SUBPROBLEM_STEPS;
        select(problem);
        for (int j = 0; j < p; j++) {
            current.theta[j] = box.clamp(j, start[j]);
        }
        double scale = problem.gradientScale();
        evaluate(problem, current);
        double rounding = 1e-15 * Math.sqrt(used);
        double lambda = 0;
        double norm = markFixed(current, box, frozen) / scale;
        int steps = 0;
        int level = 0;
        boolean enough = false;
        while (steps < maxSteps && norm > tolerance && Double.isFinite(current.value)) {
            steps++;
            boolean accepted = false;
            for (int attempt = 0; attempt < 30 && !accepted; attempt++) {
                convexity = lambda;
                solveSubproblem(problem);
                lambda = convexity;
                double length = 0;
                for (int j = 0; j < p; j++) {
                    double to = fixed[j] ? current.theta[j] : box.clamp(j, current.theta[j] + d[j]);
                    d[j] = to - current.theta[j];
                    trial.theta[j] = to;
                    length = Math.max(length, Math.abs(d[j]) / (1 + Math.abs(to)));
                }
                if (length < 1e-17) {
                    break;
                }
                double predicted = current.value - modelAt(problem);
                evaluate(problem, trial);
                double gain = current.value - trial.value;
                double noise = rounding * Math.abs(current.value);
                boolean lower = gain > 1e-4 * predicted && gain > 0;
                boolean same = !lower
                        && Math.abs(gain) <= noise
                        && freeNorm(trial, box, frozen) < freeNorm(current, box, frozen);
                if (Double.isFinite(trial.value) && (lower || same)) {
                    accepted = true;
                    enough = effort == Effort.ROUGH && gain < ROUGH_GAIN * current.value;
                    level = gain <= noise ? level + 1 : 0;
                    if (gain > 0.7 * predicted) {
                        lambda = lambda * 0.15;
                    } else if (gain < 0.2 * predicted) {
                        lambda = Math.max(lambda * 3, floor());
                    }
                    if (lambda < floor()) {
                        lambda = 0;
                    }
                    State swap = current;
                    current = trial;
                    trial = swap;
                } else {
                    lambda = lambda == 0 ? 10 * floor() : lambda * 8;
                }
            }
            norm = markFixed(current, box, frozen) / scale;
            if (!accepted || enough || level > 4) {
                break;
            }
        }
        return new Minimum(current.theta.clone(), current.value, norm, steps);
    }

    /** The second derivative of the objective at a point, full symmetric row-major. */
    public double[] hessianAt(Problem problem, double[] theta) {
        select(problem);
        System.arraycopy(theta, 0, current.theta, 0, p);
        evaluate(problem, current);
        Arrays.fill(d, 0);
        convexity = 0;
        modelDerivatives(problem, false);
        double[] full = new double[p * p];
        for (int j = 0; j < p; j++) {
            for (int k = 0; k <= j; k++) {
                full[j * p + k] = modelHessian[j * p + k];
                full[k * p + j] = modelHessian[j * p + k];
            }
        }
        return full;
    }

    /** Rows that weigh anything. */
    private void select(Problem problem) {
        double[] weights = problem.weights();
        if (rows.length < weights.length) {
            rows = new int[weights.length];
            weight = new double[weights.length];
            target = new double[weights.length];
            moved = new double[weights.length];
            slopeAlong = new double[weights.length];
        }
        used = 0;
        boolean log = problem.objective().log();
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] != 0) {
                rows[used] = i;
                weight[used] = weights[i];
                target[used] = log ? problem.logTarget()[i] : Math.exp(problem.logTarget()[i]);
                used++;
            }
        }
        current.fit(used, p);
        trial.fit(used, p);
    }

    private void evaluate(Problem problem, State at) {
        LossModel model = problem.model();
        boolean log = problem.objective().log();
        boolean huber = problem.objective().huber();
        double delta = problem.delta();
        double[] gradient = at.gradient;
        double[] curvature = at.curvature;
        double[] jacobian = at.jacobian;
        Arrays.fill(gradient, 0);
        Arrays.fill(curvature, 0);
        double sum = 0;
        for (int i = 0; i < used; i++) {
            int offset = i * p;
            double m = model.value(at.theta, rows[i], jacobian, offset, rowHessian);
            double r;
            if (log) {
                r = m - target[i];
            } else {
                double predicted = Math.exp(m);
                r = predicted - target[i];
                for (int j = 0; j < p; j++) {
                    double mj = jacobian[offset + j];
                    for (int k = 0; k <= j; k++) {
                        rowHessian[j * p + k] = predicted * (rowHessian[j * p + k] + mj * jacobian[offset + k]);
                    }
                }
                for (int j = 0; j < p; j++) {
                    jacobian[offset + j] *= predicted;
                }
            }
            at.residual[i] = r;
            double w = weight[i];
            double slope;
            if (!huber) {
                sum += w * r * r;
                slope = 2 * w * r;
            } else if (Math.abs(r) <= delta) {
                sum += w * 0.5 * r * r;
                slope = w * r;
            } else {
                sum += w * delta * (Math.abs(r) - 0.5 * delta);
                slope = r > 0 ? w * delta : -w * delta;
            }
            for (int j = 0; j < p; j++) {
                gradient[j] += slope * jacobian[offset + j];
                int at0 = j * p;
                for (int k = 0; k <= j; k++) {
                    curvature[at0 + k] += slope * rowHessian[at0 + k];
                }
            }
        }
        at.value = sum;
    }

    /** The step that minimises the model, left in {@link #d}. */
    private void solveSubproblem(Problem problem) {
        boolean huber = problem.objective().huber();
        Arrays.fill(d, 0);
        for (int step = 0; step < subproblemSteps; step++) {
            modelDerivatives(problem, true);
            while (!factorise()) {
                convexity = convexity == 0 ? floor() : convexity * 6;
            }
            solveFactored();
            double decrease = 0;
            for (int j = 0; j < p; j++) {
                decrease -= direction[j] * modelGradient[j];
            }
            if (!(decrease > subproblemTolerance * current.value)) {
                if (step == 0) {
                    System.arraycopy(direction, 0, d, 0, p);
                }
                return;
            }
            double t = huber ? lineSearch(problem) : 1;
            for (int j = 0; j < p; j++) {
                d[j] += t * direction[j];
            }
            if (!huber) {
                return;
            }
        }
    }

    /** Gradient and second derivative of the model at {@link #d}; without convexity on the diagonal if asked so. */
    private void modelDerivatives(Problem problem, boolean damped) {
        boolean huber = problem.objective().huber();
        double delta = problem.delta();
        double[] jacobian = current.jacobian;
        double[] residual = current.residual;
        System.arraycopy(current.curvature, 0, modelHessian, 0, p * p);
        for (int j = 0; j < p; j++) {
            modelHessian[j * p + j] += damped ? convexity : 0;
        }
        convexityOfHessian = damped ? convexity : 0;
        for (int j = 0; j < p; j++) {
            double sum = 0;
            for (int k = 0; k < p; k++) {
                sum += (k <= j ? modelHessian[j * p + k] : modelHessian[k * p + j]) * d[k];
            }
            modelGradient[j] = sum;
        }
        for (int i = 0; i < used; i++) {
            int offset = i * p;
            double r = residual[i];
            for (int j = 0; j < p; j++) {
                r += jacobian[offset + j] * d[j];
            }
            moved[i] = r;
            double slope;
            double second = 0;
            if (!huber) {
                slope = 2 * weight[i] * r;
                second = 2 * weight[i];
            } else if (r > delta) {
                slope = weight[i] * delta;
            } else if (r < -delta) {
                slope = -weight[i] * delta;
            } else {
                slope = weight[i] * r;
                second = weight[i];
            }
            for (int j = 0; j < p; j++) {
                modelGradient[j] += slope * jacobian[offset + j];
            }
            if (second != 0) {
                for (int j = 0; j < p; j++) {
                    double gj = second * jacobian[offset + j];
                    int at = j * p;
                    for (int k = 0; k <= j; k++) {
                        modelHessian[at + k] += gj * jacobian[offset + k];
                    }
                }
            }
        }
    }

    /** The model's value at {@link #d}, without damping. */
    private double modelAt(Problem problem) {
        double sum = 0;
        for (int j = 0; j < p; j++) {
            for (int k = 0; k <= j; k++) {
                sum += (k == j ? 0.5 : 1) * current.curvature[j * p + k] * d[j] * d[k];
            }
        }
        for (int i = 0; i < used; i++) {
            int offset = i * p;
            double r = current.residual[i];
            for (int j = 0; j < p; j++) {
                r += current.jacobian[offset + j] * d[j];
            }
            sum += weight[i] * problem.objective().of(r, problem.delta());
        }
        return sum;
    }

    /** How far to go along {@link #direction} from {@link #d}: the zero of the model's derivative, which is piecewise linear. */
    private double lineSearch(Problem problem) {
        double delta = problem.delta();
        double[] jacobian = current.jacobian;
        for (int i = 0; i < used; i++) {
            int offset = i * p;
            double along = 0;
            for (int j = 0; j < p; j++) {
                along += jacobian[offset + j] * direction[j];
            }
            slopeAlong[i] = along;
        }
        double quadratic = 0;
        double linear = 0;
        for (int j = 0; j < p; j++) {
            double sum = convexity * direction[j];
            for (int k = 0; k < p; k++) {
                sum += (k <= j ? current.curvature[j * p + k] : current.curvature[k * p + j]) * direction[k];
            }
            curved[j] = sum;
            quadratic += sum * direction[j];
            linear += sum * d[j];
        }
        double low = 0;
        double high = Double.POSITIVE_INFINITY;
        double t = 1;
        for (int attempt = 0; attempt < 40; attempt++) {
            double slope = linear + t * quadratic;
            double second = quadratic;
            double size = Math.abs(linear) + Math.abs(t * quadratic);
            for (int i = 0; i < used; i++) {
                double s = slopeAlong[i];
                double r = moved[i] + t * s;
                double psi;
                if (r > delta) {
                    psi = delta;
                } else if (r < -delta) {
                    psi = -delta;
                } else {
                    psi = r;
                    second += weight[i] * s * s;
                }
                double part = weight[i] * psi * s;
                slope += part;
                size += Math.abs(part);
            }
            if (Math.abs(slope) <= 1e-15 * size) {
                return t;
            }
            if (slope > 0) {
                high = t;
            } else {
                low = t;
            }
            double next = second > 0 ? t - slope / second : Double.NaN;
            if (!(next > low && next < high)) {
                next = high == Double.POSITIVE_INFINITY ? 2 * t + 1 : 0.5 * (low + high);
            }
            if (next > 1e6 || Math.abs(next - t) <= 1e-15 * t) {
                return Math.min(next, 1e6);
            }
            t = next;
        }
        return t;
    }

    private double floor() {
        double largest = 0;
        for (int j = 0; j < p; j++) {
            largest = Math.max(largest, Math.abs(current.curvature[j * p + j]));
        }
        double inertia = 0;
        for (int i = 0; i < used; i++) {
            inertia += weight[i];
        }
        return 1e-7 * (largest + 0.01 * inertia) + Double.MIN_NORMAL;
    }

    private static boolean held(int j, State at, Box box, boolean[] frozen) {
        return frozen[j]
                || (at.theta[j] <= box.low()[j] && at.gradient[j] > 0)
                || (at.theta[j] >= box.high()[j] && at.gradient[j] < 0);
    }

    private double markFixed(State at, Box box, boolean[] frozen) {
        for (int j = 0; j < p; j++) {
            fixed[j] = held(j, at, box, frozen);
        }
        return freeNorm(at, box, frozen);
    }

    /** Largest gradient component over what is neither frozen nor held by a bound. */
    private double freeNorm(State at, Box box, boolean[] frozen) {
        double largest = 0;
        for (int j = 0; j < p; j++) {
            if (!held(j, at, box, frozen)) {
                largest = Math.max(largest, Math.abs(at.gradient[j]));
            }
        }
        return largest;
    }

    private boolean factorise() {
        for (int j = 0; j < p; j++) {
            for (int k = 0; k <= j; k++) {
                double sum;
                if (fixed[j] || fixed[k]) {
                    sum = j == k ? 1 : 0;
                } else {
                    // What has been added to convexity since the derivatives were taken is added here.
                    sum = modelHessian[j * p + k] + (j == k ? convexity - convexityOfHessian : 0);
                }
                double diagonal = sum;
                for (int l = 0; l < k; l++) {
                    sum -= factor[j * p + l] * factor[k * p + l];
                }
                if (j == k) {
                    if (!(sum > 1e-13 * Math.abs(diagonal))) {
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

    private void solveFactored() {
        for (int j = 0; j < p; j++) {
            double sum = fixed[j] ? 0 : -modelGradient[j];
            for (int k = 0; k < j; k++) {
                sum -= factor[j * p + k] * direction[k];
            }
            direction[j] = sum / factor[j * p + j];
        }
        for (int j = p - 1; j >= 0; j--) {
            double sum = direction[j];
            for (int k = j + 1; k < p; k++) {
                sum -= factor[k * p + j] * direction[k];
            }
            direction[j] = sum / factor[j * p + j];
        }
    }
}
