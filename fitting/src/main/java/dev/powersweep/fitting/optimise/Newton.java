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

    /** Share of the slope that a line search may leave. */
    private static final double LEFT_SLOPE = 0.1;

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
    private byte[] side = new byte[0];
    private double[] rowSum = new double[0];
    /** Whether {@link #moved} are the linearised residuals at {@link #d}. */
    private boolean movedByD;

    private VisitedPoint visited;
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
        /** Each row's w·ρ'. */
        double[] pull = new double[0];
        /** Whether {@link #curvature} has been summed. */
        boolean curved;

        double value;

        State(int p) {
            theta = new double[p];
            gradient = new double[p];
            curvature = new double[p * p];
        }

        void fit(int rows, int p) {
            if (residual.length < rows) {
                residual = new double[rows];
                pull = new double[rows];
                jacobian = new double[rows * p];
            }
        }
    }

    /** Takes predictions at a point from here where a descent needs them: the first step of many fits from one start. */
    public Newton knowing(VisitedPoint point) {
        visited = point;
        return this;
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
            curve(problem);
            boolean accepted = false;
            for (int attempt = 0; attempt < 30 && !accepted; attempt++) {
                convexity = lambda;
                solveSubproblem(problem);
                lambda = convexity;
                double length = 0;
                for (int j = 0; j < p; j++) {
                    double to = fixed[j] ? current.theta[j] : box.clamp(j, current.theta[j] + d[j]);
                    movedByD &= to == current.theta[j] + d[j] || d[j] == 0;
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
        curve(problem);
        Arrays.fill(d, 0);
        convexity = 0;
        beginModel(problem);
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
            side = new byte[weights.length];
            rowSum = new double[weights.length];
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
        Arrays.fill(at.gradient, 0);
        Arrays.fill(at.curvature, 0);
        at.value = 0;
        if (problem.model() instanceof TwoStageModel model) {
            evaluate(problem, model, at);
        } else {
            evaluate(problem, problem.model(), at);
            at.curved = true;
        }
        RowSums.add(p, at.jacobian, at.pull, used, at.gradient);
    }

    /** Predictions and first derivatives; of log residuals the second ones are left until a step begins here. */
    private void evaluate(Problem problem, TwoStageModel model, State at) {
        double[] jacobian = at.jacobian;
        boolean log = problem.objective().log();
        if (visited != null && visited.model() == model && Arrays.equals(visited.theta(), at.theta)) {
            for (int i = 0; i < used; i++) {
                rowSum[i] = visited.value()[rows[i]];
                System.arraycopy(visited.gradient(), rows[i] * p, jacobian, i * p, p);
            }
        } else {
            model.values(at.theta, rows, used, rowSum, jacobian);
        }
        at.curved = !log;
        for (int i = 0; i < used; i++) {
            double m = rowSum[i];
            if (log) {
                take(problem, at, i, m - target[i]);
            } else {
                double predicted = Math.exp(m);
                take(problem, at, i, predicted - target[i]);
                double factor = at.pull[i] * predicted;
                model.addCurvature(at.theta, rows[i], factor, jacobian, i * p, at.curvature);
                toNats(factor, predicted, jacobian, i * p, at.curvature);
            }
        }
    }

    /** Sums the second derivatives of the current point where that is still to be done. */
    private void curve(Problem problem) {
        if (!current.curved && problem.model() instanceof TwoStageModel model) {
            model.addCurvature(current.theta, rows, used, current.pull, current.jacobian, current.curvature);
            current.curved = true;
        }
    }

    /** The chain rule from ln of a prediction to the prediction. */
    private void toNats(double pull, double predicted, double[] jacobian, int offset, double[] curvature) {
        for (int j = 0; j < p; j++) {
            double gj = pull * jacobian[offset + j];
            for (int k = 0; k <= j; k++) {
                curvature[j * p + k] += gj * jacobian[offset + k];
            }
        }
        for (int j = 0; j < p; j++) {
            jacobian[offset + j] *= predicted;
        }
    }

    private void evaluate(Problem problem, LossModel model, State at) {
        double[] jacobian = at.jacobian;
        double[] curvature = at.curvature;
        boolean log = problem.objective().log();
        for (int i = 0, offset = 0; i < used; i++, offset += p) {
            double m = model.value(at.theta, rows[i], jacobian, offset, rowHessian);
            double predicted = log ? 1 : Math.exp(m);
            double r = log ? m - target[i] : predicted - target[i];
            take(problem, at, i, r);
            double pull = at.pull[i] * predicted;
            for (int j = 0; j < p; j++) {
                int line = j * p;
                for (int k = 0; k <= j; k++) {
                    curvature[line + k] += pull * rowHessian[line + k];
                }
            }
            if (!log) {
                toNats(pull, predicted, jacobian, offset, curvature);
            }
        }
    }

    /** Books a row's residual, its part of the value, and how hard it pulls. */
    private void take(Problem problem, State at, int i, double r) {
        double delta = problem.delta();
        double w = weight[i];
        at.residual[i] = r;
        if (!problem.objective().huber()) {
            at.value += w * r * r;
            at.pull[i] = 2 * w * r;
        } else if (r > delta) {
            at.value += w * delta * (r - 0.5 * delta);
            at.pull[i] = w * delta;
        } else if (r < -delta) {
            at.value -= w * delta * (r + 0.5 * delta);
            at.pull[i] = -w * delta;
        } else {
            at.value += w * 0.5 * r * r;
            at.pull[i] = w * r;
        }
    }

    /** The step that minimises the model, left in {@link #d}. */
    private void solveSubproblem(Problem problem) {
        boolean huber = problem.objective().huber();
        Arrays.fill(d, 0);
        movedByD = false;
        beginModel(problem);
        for (int step = 0; step < subproblemSteps; step++) {
            while (!factorise()) {
                if (!Double.isFinite(convexity)) {
                    // No multiple of the identity makes a second derivative that is not finite positive definite.
                    Arrays.fill(d, 0);
                    return;
                }
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
            double t = huber ? lineSearch(problem, decrease) : 1;
            for (int j = 0; j < p; j++) {
                d[j] += t * direction[j];
            }
            if (!huber) {
                return;
            }
            advanceModel(problem.delta(), t);
            movedByD = true;
        }
    }

    /** Gradient and second derivative of the model where it begins: at the current point, with convexity on the diagonal. */
    private void beginModel(Problem problem) {
        boolean huber = problem.objective().huber();
        double delta = problem.delta();
        System.arraycopy(current.residual, 0, moved, 0, used);
        System.arraycopy(current.gradient, 0, modelGradient, 0, p);
        System.arraycopy(current.curvature, 0, modelHessian, 0, p * p);
        for (int j = 0; j < p; j++) {
            modelHessian[j * p + j] += convexity;
        }
        convexityOfHessian = convexity;
        for (int i = 0; i < used; i++) {
            side[i] = huber ? side(moved[i], delta) : 0;
            rowSum[i] = side[i] != 0 ? 0 : huber ? weight[i] : 2 * weight[i];
        }
        RowSums.addSquares(p, current.jacobian, rowSum, used, modelHessian);
    }

    /**
     * Moves the model's derivatives along with {@link #d}, which has gone {@code t} times {@link #direction}: they are linear
     * but for the rows whose residual has crossed Huber's threshold, few of them and fewer with every step.
     */
    private void advanceModel(double delta, double t) {
        double grown = convexity - convexityOfHessian;
        for (int j = 0; j < p; j++) {
            double sum = 0;
            for (int k = 0; k < p; k++) {
                sum += (k <= j ? modelHessian[j * p + k] : modelHessian[k * p + j]) * direction[k];
            }
            modelGradient[j] += t * sum + grown * d[j];
        }
        for (int j = 0; j < p; j++) {
            modelHessian[j * p + j] += grown;
        }
        convexityOfHessian = convexity;
        double[] jacobian = current.jacobian;
        for (int i = 0; i < used; i++) {
            double r = moved[i] + t * slopeAlong[i];
            moved[i] = r;
            byte now = side(r, delta);
            byte before = side[i];
            if (now != before) {
                double change = weight[i] * ((now == 0 ? r : now * delta) - (before == 0 ? r : before * delta));
                for (int j = 0, offset = i * p; j < p; j++) {
                    modelGradient[j] += change * jacobian[offset + j];
                }
                if (now == 0 || before == 0) {
                    addSquare(now == 0 ? weight[i] : -weight[i], i * p);
                }
                side[i] = now;
            }
        }
    }

    /** Whether a residual is within Huber's threshold: 0, or beyond it: its sign. */
    private static byte side(double r, double delta) {
        return (byte) (r > delta ? 1 : r < -delta ? -1 : 0);
    }

    /** Adds a multiple of a row's gradient times itself to the model's second derivative. */
    private void addSquare(double factor, int offset) {
        double[] jacobian = current.jacobian;
        for (int j = 0; j < p; j++) {
            double gj = factor * jacobian[offset + j];
            int at = j * p;
            for (int k = 0; k <= j; k++) {
                modelHessian[at + k] += gj * jacobian[offset + k];
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
        if (!movedByD) {
            RowSums.products(p, current.jacobian, d, used, rowSum);
        }
        Objective objective = problem.objective();
        double delta = problem.delta();
        for (int i = 0; i < used; i++) {
            sum += weight[i] * objective.of(movedByD ? moved[i] : current.residual[i] + rowSum[i], delta);
        }
        return sum;
    }

    /**
     * How far to go along {@link #direction} from {@link #d}: near the zero of the model's derivative, which is piecewise
     * linear. A whole step is taken where it leaves little of the slope it started with.
     *
     * @param steepness minus the derivative at the start, positive
     */
    private double lineSearch(Problem problem, double steepness) {
        double delta = problem.delta();
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
        RowSums.products(p, current.jacobian, direction, used, slopeAlong);
        double low = 0;
        double high = Double.POSITIVE_INFINITY;
        double t = 1;
        for (int attempt = 0; attempt < 40; attempt++) {
            double left = linear + t * quadratic;
            double second = quadratic;
            double size = Math.abs(linear) + Math.abs(t * quadratic);
            for (int i = 0; i < used; i++) {
                double s = weight[i] * slopeAlong[i];
                double r = moved[i] + t * slopeAlong[i];
                double part;
                if (r > delta) {
                    part = delta * s;
                } else if (r < -delta) {
                    part = -delta * s;
                } else {
                    part = r * s;
                    second += s * slopeAlong[i];
                }
                left += part;
                size += Math.abs(part);
            }
            if (Math.abs(left) <= Math.max(LEFT_SLOPE * steepness, 1e-15 * size)) {
                return t;
            }
            if (left > 0) {
                high = t;
            } else {
                low = t;
            }
            double next = second > 0 ? t - left / second : Double.NaN;
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
