package dev.powersweep.fitting.law;

import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.optimise.Box;
import dev.powersweep.fitting.optimise.FarseerModel;
import dev.powersweep.fitting.optimise.LossModel;
import dev.powersweep.fitting.optimise.NonNegative;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Li et al. 2025, "Farseer" (arXiv 2506.10972): {@code L = exp(s·N^q + S) + exp(B·N^b + Q)·D^(−exp(A·N^a + E))}. The
 * exponent of the data changes with the model size, which that of {@link Chinchilla} cannot. N in parameters, L in nats
 * per token (or the unit of the losses given).
 *
 * <p>Differs from the paper in the unit of D inside the law: billions of tokens, not tokens. A factor in D multiplies
 * the second term by a power of itself that changes with N as {@code exp(A·N^a + E)} does, which {@code exp(B·N^b + Q)}
 * cannot take up, so that the form depends on the unit. On the authors' 400 runs billions describe the losses better
 * (Huber-log 3.59e-4 against 3.87e-4 in tokens). Constants are not comparable with published ones.
 *
 * <p>Nine parameters: it needs many sizes of model, each with several sizes of data.
 */
public final class Farseer extends ParametricLaw {
    private static final List<Parameter> PARAMETERS = List.of(
            new Parameter("s", "1/parameters^q"),
            new Parameter("S", "1"),
            new Parameter("B", "1/parameters^b"),
            new Parameter("Q", "1"),
            new Parameter("A", "1/parameters^a"),
            new Parameter("E", "1"),
            new Parameter("q", "1"),
            new Parameter("b", "1"),
            new Parameter("a", "1"));

    /** Tokens in the unit of D inside the law. */
    private static final double BILLION = 1e9;

    private static final double[] EXPONENTS = {-0.8, -0.4, -0.2, -0.08, 0.08, 0.2, 0.4, 0.8};

    /** Rows of one size that determine a constant, a factor and an exponent of D. */
    private static final int ROWS_A_SIZE = 4;

    @Override
    public String name() {
        return "farseer";
    }

    @Override
    public String title() {
        return "Li et al. 2025, Farseer (data exponent changes with model size)";
    }

    @Override
    public String formula() {
        return "L(N,D) = exp(s*N^q + S) + exp(B*N^b + Q)*(D/1e9)^(-exp(A*N^a + E))";
    }

    @Override
    public String source() {
        return "Li et al. 2025, arXiv 2506.10972";
    }

    @Override
    public Set<Quantity> needs() {
        return Set.of(Quantity.N, Quantity.D, Quantity.LOSS);
    }

    @Override
    public Quantity scale() {
        return Quantity.C;
    }

    @Override
    protected Map<Quantity, Integer> sizesNeeded() {
        return Map.of(Quantity.N, 5, Quantity.D, 4);
    }

    @Override
    public List<Parameter> parameters() {
        return PARAMETERS;
    }

    @Override
    public double predict(double[] published, Point at) {
        double n = at.get(Quantity.N);
        double floor = published[0] * Math.pow(n, published[6]) + published[1];
        double factor = published[2] * Math.pow(n, published[7]) + published[3];
        double exponent = Math.exp(published[4] * Math.pow(n, published[8]) + published[5]);
        return Math.exp(floor) + Math.exp(factor - exponent * Math.log(at.get(Quantity.D) / BILLION));
    }

    @Override
    public BoundLaw bind(Observations runs) {
        return new Bound(runs);
    }

    private static final class Bound implements BoundLaw {
        private final double middle;
        private final FarseerModel model;
        /** [size]{ln(N/N_0), ln floor, ln factor, ln exponent}: a law of D alone for each size with enough rows. */
        private final List<double[]> bySize;

        Bound(Observations runs) {
            double[] logN = runs.log(Quantity.N);
            middle = Arrays.stream(logN).average().orElseThrow();
            double[] size = Arrays.stream(logN).map(x -> x - middle).toArray();
            double[] logD = Arrays.stream(runs.log(Quantity.D))
                    .map(x -> x - Math.log(BILLION))
                    .toArray();
            model = new FarseerModel(size, logD);
            bySize = bySize(size, logD, runs.log(Quantity.LOSS));
        }

        private static List<double[]> bySize(double[] size, double[] logD, double[] logLoss) {
            Map<Double, List<Integer>> groups = new TreeMap<>();
            for (int i = 0; i < size.length; i++) {
                groups.computeIfAbsent(size[i], key -> new ArrayList<>()).add(i);
            }
            List<double[]> found = new ArrayList<>();
            groups.forEach((at, rows) -> {
                if (rows.size() >= ROWS_A_SIZE) {
                    double[] line = ofData(rows, logD, logLoss);
                    if (line.length > 0) {
                        found.add(new double[] {at, line[0], line[1], line[2]});
                    }
                }
            });
            return found;
        }

        /** ln U, ln V and ln w of the best U + V·D^−w over a grid of w; none where U or V vanishes for every w. */
        private static double[] ofData(List<Integer> rows, double[] logD, double[] logLoss) {
            double[] best = {};
            double least = Double.POSITIVE_INFINITY;
            double[] ones = new double[rows.size()];
            Arrays.fill(ones, 1);
            double centre = rows.stream().mapToDouble(i -> logD[i]).average().orElseThrow();
            for (double w = 0.05; w < 1.5; w *= 1.15) {
                double[][] columns = new double[2][rows.size()];
                for (int k = 0; k < rows.size(); k++) {
                    int i = rows.get(k);
                    columns[0][k] = Math.exp(-logLoss[i]);
                    columns[1][k] = Math.exp(-w * (logD[i] - centre) - logLoss[i]);
                }
                double[] x = NonNegative.solveOnes(columns, ones);
                double miss = 0;
                for (int k = 0; k < rows.size(); k++) {
                    miss += Math.pow(x[0] * columns[0][k] + x[1] * columns[1][k] - 1, 2);
                }
                if (miss < least && x[0] > 0 && x[1] > 0) {
                    least = miss;
                    best = new double[] {Math.log(x[0]), Math.log(x[1]) + w * centre, Math.log(w)};
                }
            }
            return best;
        }

        @Override
        public LossModel model() {
            return model;
        }

        @Override
        public Box box() {
            double[] low = {-20, -10, -50, -200, -6, -10, -3, -3, -3};
            double[] high = {5, 10, 200, 200, 3, 10, 3, 3, 3};
            return new Box(low, high);
        }

        @Override
        public int[] shape() {
            return new int[] {6, 7, 8};
        }

        @Override
        public double[] grid(int shapeSlot) {
            return EXPONENTS.clone();
        }

        @Override
        public double[] start(double[] shapeValues, double[] logTarget, double[] weights) {
            double[] theta = new double[FarseerModel.DIMENSION];
            System.arraycopy(shapeValues, 0, theta, FarseerModel.EXPONENTS, 3);
            // h first, and v again with the exponents that h gives: the two trade against each other.
            double[] h = line(shapeValues[2], 3);
            System.arraycopy(h, 0, theta, 4, 2);
            double centre = 0;
            for (double[] size : bySize) {
                centre += (size[2] - size[1]) / Math.exp(size[3]) / bySize.size();
            }
            double at = centre;
            double[][] moved = bySize.stream()
                    .map(size -> {
                        double smooth = Math.exp(h[0] + h[1] * FarseerModel.power(size[0], shapeValues[2]));
                        return new double[] {size[0], size[2] + (smooth - Math.exp(size[3])) * at};
                    })
                    .toArray(double[][]::new);
            System.arraycopy(line(shapeValues[0], 1), 0, theta, 0, 2);
            System.arraycopy(line(moved, shapeValues[1], 1), 0, theta, 2, 2);
            return theta;
        }

        private double[] line(double exponent, int column) {
            return line(bySize.toArray(double[][]::new), exponent, column);
        }

        /** Intercept and slope of a column over φ of the size. */
        private static double[] line(double[][] sizes, double exponent, int column) {
            double[][] design = new double[sizes.length][];
            double[] response = new double[sizes.length];
            for (int i = 0; i < sizes.length; i++) {
                design[i] = new double[] {1, FarseerModel.power(sizes[i][0], exponent)};
                response[i] = sizes[i][column];
            }
            return LeastSquares.solve(design, response)
                    .map(LeastSquares::coefficients)
                    .orElseGet(() ->
                            new double[] {Arrays.stream(response).average().orElse(column == 3 ? -1 : 0), 0});
        }

        @Override
        public double[] published(double[] theta) {
            double[] values = new double[FarseerModel.DIMENSION];
            for (int f = 0; f < 3; f++) {
                double k = theta[FarseerModel.EXPONENTS + f];
                double exponent = Math.abs(k) < 1e-9 ? 1e-9 : k;
                values[2 * f] = theta[2 * f + 1] / exponent * Math.exp(-exponent * middle);
                values[2 * f + 1] = theta[2 * f] - theta[2 * f + 1] / exponent;
                values[FarseerModel.EXPONENTS + f] = exponent;
            }
            return values;
        }

        @Override
        public double[] internal(double[] published) {
            double[] theta = new double[FarseerModel.DIMENSION];
            for (int f = 0; f < 3; f++) {
                double exponent = published[FarseerModel.EXPONENTS + f];
                theta[2 * f + 1] = published[2 * f] * exponent * Math.exp(exponent * middle);
                theta[2 * f] = published[2 * f + 1] + theta[2 * f + 1] / exponent;
                theta[FarseerModel.EXPONENTS + f] = exponent;
            }
            return theta;
        }
    }
}
