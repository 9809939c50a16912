package dev.powersweep.fitting.law;

import dev.powersweep.fitting.optimise.Box;
import dev.powersweep.fitting.optimise.LossModel;
import dev.powersweep.fitting.optimise.NonNegative;
import dev.powersweep.fitting.optimise.ScheduleModel;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.FitRefusal.Reason;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.runs.RateHistory;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Luo et al. 2025, the multi-power law (arXiv 2503.12811): the loss at every step of a run under any learning rate
 * schedule, {@code L(t) = L0 + A·S(t)^(−alpha) − B·Σ_k (η_{k−1} − η_k)·(1 − (1 + C·η_k^(−gamma)·S_k(t))^(−beta))} with
 * S(t) the sum of the rates up to step t and S_k(t) that from step k on. One model and one batch size; rows are points
 * along runs, the learning rate is that of the row's step.
 *
 * <p>As in the authors' program, the warm-up is a change of the rate like any other. Where rows do not reach back to the first
 * step, it is taken as linear up to the first row; between rows the rate is a straight line ({@link RateHistory}).
 */
public final class MultiPower extends ParametricLaw {
    private static final List<Parameter> PARAMETERS = List.of(
            new Parameter("L0", "nats/token"),
            new Parameter("A", "nats/token·(rate·steps)^alpha"),
            new Parameter("B", "nats/token/rate"),
            new Parameter("alpha", "1"),
            new Parameter("C", "rate^gamma/(rate·steps)"),
            new Parameter("beta", "1"),
            new Parameter("gamma", "1"));

    private static final int FEWEST_STEPS = 8;
    private static final double[][] GRID = {
        {0.25, 0.45, 0.8}, {-1, 1, 3, 5, 7}, {0.1, 0.25, 0.6, 1.2, 2.5}, {0.1, 0.5, 1, 1.7, 2.6}
    };

    /** Rates that differ by less are one. */
    private static final double SAME_RATE = 1e-6;

    @Override
    public String name() {
        return "multi-power";
    }

    @Override
    public String title() {
        return "Luo et al. 2025, multi-power law (the whole curve, for any schedule)";
    }

    @Override
    public String formula() {
        return "L(t) = L0 + A*S(t)^-alpha - B*sum_k (lr_(k-1) - lr_k)*(1 - (1 + C*lr_k^-gamma*S_k(t))^-beta),"
                + " S(t) = sum of lr to t, S_k(t) = sum of lr from k to t";
    }

    @Override
    public String source() {
        return "Luo et al. 2025, arXiv 2503.12811";
    }

    @Override
    public Set<Quantity> needs() {
        return Set.of(Quantity.STEP, Quantity.LEARNING_RATE, Quantity.LOSS);
    }

    @Override
    public Quantity scale() {
        return Quantity.STEP;
    }

    @Override
    protected Map<Quantity, Integer> sizesNeeded() {
        return Map.of(Quantity.STEP, FEWEST_STEPS);
    }

    @Override
    public List<Parameter> parameters() {
        return PARAMETERS;
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        Optional<FitRefusal> general = super.refusal(runs);
        if (general.isPresent()) {
            return general;
        }
        for (Quantity fixed : List.of(Quantity.N, Quantity.B)) {
            if (runs.has(fixed) && runs.distinct(fixed) > 1) {
                return refuse(
                        Reason.TOO_FEW_SIZES,
                        name() + " describes one model trained at one batch size, and the runs have "
                                + runs.distinct(fixed) + " values of " + fixed.label()
                                + "; keep the rows of one, with --where.");
            }
        }
        double[] steps = runs.column(Quantity.STEP);
        for (int i = 0; i < steps.length; i++) {
            if (steps[i] == 0) {
                return refuse(
                        Reason.NOT_POSITIVE,
                        name() + " says nothing of step 0, and run " + runs.runName(runs.runOf(i))
                                + " has a row there; leave it out.");
            }
        }
        return changes(runs)
                ? Optional.empty()
                : refuse(
                        Reason.TOO_FEW_SIZES,
                        name() + " needs the learning rate of each row's step, and in no run does it change along the"
                                + " rows (a peak rate does not tell the schedule); give the rate of every step, and a"
                                + " run with a schedule.");
    }

    private static boolean changes(Observations runs) {
        double[] first = new double[runs.runs()];
        Arrays.fill(first, Double.NaN);
        for (int i = 0; i < runs.size(); i++) {
            int run = runs.runOf(i);
            double rate = runs.at(Quantity.LEARNING_RATE, i);
            if (Double.isNaN(first[run])) {
                first[run] = rate;
            } else if (Math.abs(rate - first[run]) > SAME_RATE * rate) {
                return true;
            }
        }
        return false;
    }

    /** The loss after the point's steps at its learning rate, unchanged from the first of them. */
    @Override
    public double predict(double[] published, Point at) {
        double sum = at.get(Quantity.LEARNING_RATE) * at.get(Quantity.STEP);
        return published[0] + published[1] * Math.pow(sum, -published[3]);
    }

    /** The loss of every row of runs with schedules of their own. */
    @Override
    public double[] predictions(double[] published, Observations runs) {
        BoundLaw bound = bind(runs);
        double[] theta = bound.internal(published);
        double[] losses = new double[runs.size()];
        Arrays.setAll(losses, row -> Math.exp(bound.model().value(theta, row)));
        return losses;
    }

    @Override
    public BoundLaw bind(Observations runs) {
        return new Bound(runs);
    }

    private static final class Bound implements BoundLaw {
        private final ScheduleModel model;
        /** Geometric mean of the sums of rates, and the largest rate: units of the model. */
        private final double sumUnit;

        private final double rateUnit;

        Bound(Observations runs) {
            List<RateHistory> histories = RateHistory.of(runs);
            sumUnit = Math.exp(histories.stream()
                    .flatMapToDouble(history -> Arrays.stream(history.sum()))
                    .map(Math::log)
                    .average()
                    .orElseThrow());
            rateUnit = Arrays.stream(runs.column(Quantity.LEARNING_RATE)).max().orElseThrow();
            model = new ScheduleModel(histories, runs.size(), sumUnit, rateUnit);
        }

        @Override
        public LossModel model() {
            return model;
        }

        @Override
        public Box box() {
            double infinite = Double.POSITIVE_INFINITY;
            return new Box(
                    new double[] {0, 0, 0, 0.01, -12, 0.01, 0},
                    new double[] {infinite, infinite, infinite, 4, 20, 10, 6});
        }

        @Override
        public int[] shape() {
            return new int[] {3, 4, 5, 6};
        }

        @Override
        public double[] grid(int shapeSlot) {
            return GRID[shapeSlot].clone();
        }

        @Override
        public double[] start(double[] shapeValues, double[] logTarget, double[] weights) {
            double[][] columns = new double[3][logTarget.length];
            boolean anneals = false;
            for (int i = 0; i < logTarget.length; i++) {
                double one = Math.exp(-logTarget[i]);
                columns[0][i] = one;
                columns[1][i] = model.decay(shapeValues[0], i) * one;
                if (weights[i] > 0) {
                    columns[2][i] = -model.annealed(shapeValues[1], shapeValues[2], shapeValues[3], i) * one;
                    anneals |= columns[2][i] != 0;
                }
            }
            double[] x = NonNegative.solveOnes(anneals ? columns : Arrays.copyOf(columns, 2), weights);
            double[] theta = new double[ScheduleModel.DIMENSION];
            System.arraycopy(x, 0, theta, 0, x.length);
            System.arraycopy(shapeValues, 0, theta, ScheduleModel.SHAPES, shapeValues.length);
            return theta;
        }

        @Override
        public double[] published(double[] theta) {
            double[] values = theta.clone();
            values[1] = theta[1] * Math.pow(sumUnit, theta[3]);
            values[2] = theta[2] / rateUnit;
            values[4] = Math.exp(theta[4] + theta[6] * Math.log(rateUnit)) / sumUnit;
            return values;
        }

        @Override
        public double[] internal(double[] published) {
            double[] theta = published.clone();
            theta[1] = published[1] / Math.pow(sumUnit, published[3]);
            theta[2] = published[2] * rateUnit;
            theta[4] = Math.log(published[4] * sumUnit) - published[6] * Math.log(rateUnit);
            return theta;
        }
    }
}
