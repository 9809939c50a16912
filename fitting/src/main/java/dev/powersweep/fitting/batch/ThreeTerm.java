package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.law.Parameter;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.optimise.Box;
import dev.powersweep.fitting.optimise.LossModel;
import dev.powersweep.fitting.optimise.NonNegative;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Loss over model size, data and batch size together, for grids that vary all three and whose runs each have a schedule of
 * their own: L(N, D, B) = E + A/N^α + B/D_eff^β with D_eff = D/(1 + B/B_crit), the data that count once a batch beyond the
 * critical one wastes some (Kaplan et al. 2020, eq 5.5, C/C_min = D/D_min at equal N). In the variant over steps
 * S_min = S/(1 + B_crit/B) takes the place of D_eff (their eq 5.4 in eq 1.6, with irreducible loss).
 *
 * <p>Loss in nats per token, N in parameters, D and batch in tokens. B_crit is constant or follows D, N or L, see {@link
 * CriticalBatchDriver}; D_eff always stays below D. Published parameters in order: E, A, B, alpha, beta, then B_crit, or B_0
 * and kappa, or B_star and alpha_B.
 */
public final class ThreeTerm extends ParametricLaw {
    private final CriticalBatchDriver driver;
    private final Quantity amount;
    private final String name;

    private ThreeTerm(String name, CriticalBatchDriver driver, Quantity amount) {
        this.name = name;
        this.driver = driver;
        this.amount = amount;
    }

    /** {@code three-term}: one critical batch size. */
    public static ThreeTerm constant() {
        return new ThreeTerm("three-term", CriticalBatchDriver.NONE, Quantity.D);
    }

    /** {@code three-term-data}: B_crit = B_0·D^κ. */
    public static ThreeTerm byData() {
        return new ThreeTerm("three-term-data", CriticalBatchDriver.DATA, Quantity.D);
    }

    /** {@code three-term-size}: B_crit = B_0·N^κ. */
    public static ThreeTerm bySize() {
        return new ThreeTerm("three-term-size", CriticalBatchDriver.SIZE, Quantity.D);
    }

    /** {@code three-term-loss}: B_crit = B_star/L^(1/α_B). */
    public static ThreeTerm byLoss() {
        return new ThreeTerm("three-term-loss", CriticalBatchDriver.LOSS, Quantity.D);
    }

    /** {@code three-term-steps}: over S_min, with B_crit = B_star/L^(1/α_B). */
    public static ThreeTerm overSteps() {
        return new ThreeTerm("three-term-steps", CriticalBatchDriver.LOSS, Quantity.S);
    }

    /** The variant of a scripted name, if it is one. */
    public static Optional<ThreeTerm> byName(String name) {
        return Stream.of(constant(), byData(), bySize(), byLoss(), overSteps())
                .filter(law -> law.name.equals(name))
                .findFirst();
    }

    /** What the critical batch size depends on. */
    public CriticalBatchDriver driver() {
        return driver;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String title() {
        return "Loss over size, data and batch, "
                + switch (driver) {
                    case NONE -> "one critical batch size";
                    case DATA -> "critical batch size a power of the data";
                    case SIZE -> "critical batch size a power of the model size";
                    case LOSS -> "critical batch size a power of the loss";
                };
    }

    @Override
    public String formula() {
        String effective = amount == Quantity.D ? "(D/(1 + b/B_crit))" : "(S/(1 + B_crit/b))";
        return "L(N," + (amount == Quantity.D ? "D" : "S") + ",b) = E + A/N^alpha + B/" + effective + "^beta, B_crit"
                + switch (driver) {
                    case NONE -> " constant";
                    case DATA -> " = B_0*D^kappa";
                    case SIZE -> " = B_0*N^kappa";
                    case LOSS -> " = B_star/L^(1/alpha_B)";
                };
    }

    @Override
    public String source() {
        return "Kaplan et al. 2020, arXiv 2001.08361, eqs 1.4, 5.4 and 5.5, in the form of Hoffmann et al. 2022"
                + (driver == CriticalBatchDriver.DATA ? "; Zhang et al. 2024, arXiv 2410.21676" : "");
    }

    @Override
    public Set<Quantity> needs() {
        return Set.of(Quantity.N, amount, Quantity.B, Quantity.LOSS);
    }

    @Override
    public List<Parameter> parameters() {
        String unit = amount == Quantity.D ? "tokens" : "steps";
        List<Parameter> all = new ArrayList<>(List.of(
                new Parameter("E", "nats/token"),
                new Parameter("A", "nats/token·parameters^alpha"),
                new Parameter("B", "nats/token·" + unit + "^beta"),
                new Parameter("alpha", "1"),
                new Parameter("beta", "1")));
        switch (driver) {
            case NONE -> all.add(new Parameter("B_crit", "tokens"));
            case DATA -> all.addAll(List.of(new Parameter("B_0", "tokens/tokens^kappa"), new Parameter("kappa", "1")));
            case SIZE ->
                all.addAll(List.of(new Parameter("B_0", "tokens/parameters^kappa"), new Parameter("kappa", "1")));
            case LOSS ->
                all.addAll(List.of(new Parameter("B_star", "tokens·nats^(1/alpha_B)"), new Parameter("alpha_B", "1")));
        }
        return all;
    }

    @Override
    public Quantity scale() {
        return Quantity.C;
    }

    @Override
    protected Map<Quantity, Integer> sizesNeeded() {
        Map<Quantity, Integer> sizes = new LinkedHashMap<>();
        sizes.put(Quantity.N, 3);
        sizes.put(amount, 3);
        sizes.put(Quantity.B, 3);
        return sizes;
    }

    @Override
    public Map<String, Estimate> derived(double[] published) {
        Map<String, Estimate> derived = new LinkedHashMap<>();
        if (amount == Quantity.D) {
            double alpha = published[BatchCorrectedModel.ALPHA];
            double beta = published[BatchCorrectedModel.BETA];
            derived.put("a", Estimate.of(beta / (alpha + beta), "1"));
            derived.put("b", Estimate.of(alpha / (alpha + beta), "1"));
        }
        return derived;
    }

    /**
     * The critical batch size in tokens.
     *
     * @param n parameters
     * @param d tokens
     * @param loss nats per token
     */
    public double criticalBatch(double[] published, double n, double d, double loss) {
        double coefficient = published[BatchCorrectedModel.CRITICAL];
        return switch (driver) {
            case NONE -> coefficient;
            case DATA -> coefficient * Math.pow(d, published[BatchCorrectedModel.KAPPA]);
            case SIZE -> coefficient * Math.pow(n, published[BatchCorrectedModel.KAPPA]);
            case LOSS -> coefficient * Math.pow(loss, -1 / published[BatchCorrectedModel.KAPPA]);
        };
    }

    /** Without a batch size the point is read as trained far below the critical one (data form only). */
    @Override
    public double predict(double[] published, Point at) {
        double logN = Math.log(at.get(Quantity.N));
        double logAmount = Math.log(at.get(amount));
        double logBatch = at.has(Quantity.B) || amount == Quantity.S ? Math.log(at.get(Quantity.B)) : -700;
        double[] z =
                switch (driver) {
                    case NONE, LOSS -> new double[0];
                    case DATA -> new double[] {Math.log(at.get(Quantity.D))};
                    case SIZE -> new double[] {logN};
                };
        BatchCorrectedModel model = new BatchCorrectedModel(
                new double[] {-logN},
                new double[] {-logAmount},
                new double[] {logBatch},
                z,
                amount == Quantity.D ? 1 : -1,
                0,
                driver);
        return Math.exp(model.value(uncentred(published), 0));
    }

    private double[] uncentred(double[] published) {
        double[] theta = published.clone();
        for (int j : new int[] {
            BatchCorrectedModel.E, BatchCorrectedModel.A, BatchCorrectedModel.B, BatchCorrectedModel.CRITICAL
        }) {
            theta[j] = Math.log(published[j]);
        }
        if (driver == CriticalBatchDriver.LOSS) {
            theta[BatchCorrectedModel.KAPPA] = 1 / published[BatchCorrectedModel.KAPPA];
        }
        return theta;
    }

    @Override
    public BoundLaw bind(Observations runs) {
        return new Bound(runs);
    }

    private final class Bound implements BoundLaw {
        /** Coefficients below this share of the middle loss are zero for all purposes. */
        private static final double NOTHING = 1e-13;

        private final BatchCorrectedModel model;
        private final Box box;
        private final double centreN;
        private final double centreAmount;
        private final double centreBatch;
        private final double centreDriver;
        private final double[] size;
        private final double[] less;
        private final double[] batch;
        private final double[] z;

        Bound(Observations runs) {
            double[] logN = runs.log(Quantity.N);
            double[] logAmount = runs.log(amount);
            double[] logBatch = runs.log(Quantity.B);
            double middle = mean(runs.log(Quantity.LOSS));
            centreN = mean(logN);
            centreAmount = mean(logAmount);
            centreBatch = mean(logBatch);
            size = Arrays.stream(logN).map(x -> centreN - x).toArray();
            less = Arrays.stream(logAmount).map(x -> centreAmount - x).toArray();
            batch = Arrays.stream(logBatch).map(x -> x - centreBatch).toArray();
            switch (driver) {
                case DATA -> {
                    double[] logD = runs.log(Quantity.D);
                    centreDriver = mean(logD);
                    z = Arrays.stream(logD).map(x -> x - centreDriver).toArray();
                }
                case SIZE -> {
                    centreDriver = centreN;
                    z = Arrays.stream(logN).map(x -> x - centreDriver).toArray();
                }
                case LOSS -> {
                    centreDriver = -middle;
                    z = new double[0];
                }
                default -> {
                    centreDriver = 0;
                    z = new double[0];
                }
            }
            model = new BatchCorrectedModel(size, less, batch, z, amount == Quantity.D ? 1 : -1, middle, driver);
            int p = model.dimension();
            double[] low = new double[p];
            double[] high = new double[p];
            for (int j = 0; j < 3; j++) {
                low[j] = Math.log(NOTHING) + middle;
                high[j] = middle + 5;
            }
            high[BatchCorrectedModel.ALPHA] = 20;
            high[BatchCorrectedModel.BETA] = 20;
            // Ten powers of e beyond the measured batches B_crit no longer changes any prediction.
            low[BatchCorrectedModel.CRITICAL] = Arrays.stream(batch).min().orElseThrow() - 10;
            high[BatchCorrectedModel.CRITICAL] = Arrays.stream(batch).max().orElseThrow() + 10;
            if (p > BatchCorrectedModel.KAPPA) {
                boolean loss = driver == CriticalBatchDriver.LOSS;
                low[BatchCorrectedModel.KAPPA] = loss ? 0.05 : -4;
                high[BatchCorrectedModel.KAPPA] = loss ? 60 : 4;
            }
            box = new Box(low, high);
        }

        @Override
        public LossModel model() {
            return model;
        }

        @Override
        public Box box() {
            return box;
        }

        @Override
        public int[] shape() {
            int[] shape = new int[model.dimension() - BatchCorrectedModel.ALPHA];
            Arrays.setAll(shape, s -> BatchCorrectedModel.ALPHA + s);
            return shape;
        }

        @Override
        public double[] grid(int shapeSlot) {
            int j = BatchCorrectedModel.ALPHA + shapeSlot;
            if (j == BatchCorrectedModel.ALPHA || j == BatchCorrectedModel.BETA) {
                return new double[] {.06, .14, .26, .45, .9};
            }
            if (j == BatchCorrectedModel.CRITICAL) {
                double low = Arrays.stream(batch).min().orElseThrow() - 2;
                double high = Arrays.stream(batch).max().orElseThrow() + 3;
                double[] values = new double[6];
                Arrays.setAll(values, i -> low + (high - low) * i / 5);
                return values;
            }
            return driver == CriticalBatchDriver.LOSS ? new double[] {1.5, 3.5, 7, 12} : new double[] {-.2, .2, .5, .9};
        }

        @Override
        public double[] start(double[] shapeValues, double[] logTarget, double[] weights) {
            double[] theta = new double[model.dimension()];
            System.arraycopy(shapeValues, 0, theta, BatchCorrectedModel.ALPHA, shapeValues.length);
            double sign = amount == Quantity.D ? 1 : -1;
            int rows = logTarget.length;
            double[][] columns = new double[3][rows];
            for (int i = 0; i < rows; i++) {
                double drive =
                        switch (driver) {
                            case NONE -> 0;
                            case DATA, SIZE -> theta[BatchCorrectedModel.KAPPA] * z[i];
                            // The observed loss stands in for the predicted one.
                            case LOSS -> -theta[BatchCorrectedModel.KAPPA] * (logTarget[i] + centreDriver);
                        };
                double x = sign * (batch[i] - theta[BatchCorrectedModel.CRITICAL] - drive);
                double correction = x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
                columns[0][i] = Math.exp(-logTarget[i]);
                columns[1][i] = Math.exp(theta[BatchCorrectedModel.ALPHA] * size[i] - logTarget[i]);
                columns[2][i] = Math.exp(theta[BatchCorrectedModel.BETA] * (less[i] + correction) - logTarget[i]);
            }
            double[] solution = NonNegative.solveOnes(columns, weights);
            for (int t = 0; t < 3; t++) {
                double share = 0;
                double total = 0;
                for (int i = 0; i < rows; i++) {
                    share += columns[t][i] * weights[i];
                    total += weights[i];
                }
                theta[t] = Math.log(Math.max(solution[t], 1e-4 * total / share));
            }
            return theta;
        }

        @Override
        public double[] published(double[] theta) {
            double[] values = theta.clone();
            double kappa = theta.length > BatchCorrectedModel.KAPPA ? theta[BatchCorrectedModel.KAPPA] : 0;
            values[BatchCorrectedModel.E] = Math.exp(theta[BatchCorrectedModel.E]);
            values[BatchCorrectedModel.A] =
                    Math.exp(theta[BatchCorrectedModel.A] + theta[BatchCorrectedModel.ALPHA] * centreN);
            values[BatchCorrectedModel.B] =
                    Math.exp(theta[BatchCorrectedModel.B] + theta[BatchCorrectedModel.BETA] * centreAmount);
            values[BatchCorrectedModel.CRITICAL] =
                    Math.exp(theta[BatchCorrectedModel.CRITICAL] + centreBatch - kappa * centreDriver);
            if (driver == CriticalBatchDriver.LOSS) {
                values[BatchCorrectedModel.KAPPA] = 1 / kappa;
            }
            return values;
        }

        @Override
        public double[] internal(double[] published) {
            double[] theta = uncentred(published);
            double kappa = theta.length > BatchCorrectedModel.KAPPA ? theta[BatchCorrectedModel.KAPPA] : 0;
            theta[BatchCorrectedModel.A] -= theta[BatchCorrectedModel.ALPHA] * centreN;
            theta[BatchCorrectedModel.B] -= theta[BatchCorrectedModel.BETA] * centreAmount;
            theta[BatchCorrectedModel.CRITICAL] += kappa * centreDriver - centreBatch;
            return theta;
        }
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }
}
