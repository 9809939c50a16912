package dev.powersweep.fitting.optimise;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What was written for speed gives what the plain way gives. */
class FastPathsTest {
    private final SplittableRandom random = new SplittableRandom(11);

    private static BoundLaw bound(String law, Observations runs) {
        return ((ParametricLaw) Laws.byName(law)).bind(runs);
    }

    /** Runs as one has them: sizes and data at random, a law with noise. */
    private Observations runs() {
        int rows = 240;
        double[] n = new double[rows];
        double[] d = new double[rows];
        double[] loss = new double[rows];
        for (int i = 0; i < rows; i++) {
            n[i] = 1e7 * Math.pow(1e3, random.nextDouble());
            d[i] = 1e9 * Math.pow(1e3, random.nextDouble());
            loss[i] = (1.7 + 400 * Math.pow(n[i], -0.34) + 410 * Math.pow(d[i], -0.28))
                    * Math.exp(0.01 * random.nextGaussian());
        }
        return Observations.of(n, d, loss);
    }

    private double[] numbers(int count) {
        return random.doubles(count, -1, 1).toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 5, 7})
    void sumsOverRowsAreThoseOfTheDefinition(int p) {
        int rows = 17;
        double[] g = numbers(rows * p);
        double[] factor = numbers(rows);
        double[] along = numbers(p);
        double[] matrix = new double[p * p];
        double[] sum = new double[p];
        double[] product = new double[rows];

        RowSums.addSquares(p, g, factor, rows, matrix);
        RowSums.add(p, g, factor, rows, sum);
        RowSums.products(p, g, along, rows, product);

        for (int j = 0; j < p; j++) {
            double single = 0;
            for (int k = 0; k <= j; k++) {
                double square = 0;
                for (int i = 0; i < rows; i++) {
                    square += factor[i] * g[i * p + j] * g[i * p + k];
                }
                assertThat(matrix[j * p + k]).isCloseTo(square, within(1e-14));
            }
            for (int i = 0; i < rows; i++) {
                single += factor[i] * g[i * p + j];
            }
            assertThat(sum[j]).isCloseTo(single, within(1e-14));
        }
        for (int i = 0; i < rows; i++) {
            double one = 0;
            for (int j = 0; j < p; j++) {
                one += g[i * p + j] * along[j];
            }
            assertThat(product[i]).isCloseTo(one, within(1e-14));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"chinchilla", "chinchilla-tied", "kaplan-nd", "kaplan-n-irreducible", "gadre"})
    void severalRowsAtOnceAreTheRowsOneByOne(String law) {
        Observations runs = runs();
        BoundLaw bound = bound(law, runs);
        TwoStageModel model = (TwoStageModel) bound.model();
        int p = model.dimension();
        double[] theta = random.doubles(p, 0.1, 1).toArray();
        int[] rows = {3, 0, 100, 57, 58, 233};
        double[] factors = numbers(rows.length);
        double[] values = new double[rows.length];
        double[] gradients = new double[rows.length * p];
        double[] curvature = new double[p * p];

        model.values(theta, rows, rows.length, values, gradients);
        model.addCurvature(theta, rows, rows.length, factors, gradients, curvature);

        double[] gradient = new double[p];
        double[] expected = new double[p * p];
        for (int i = 0; i < rows.length; i++) {
            assertThat(values[i]).isCloseTo(model.value(theta, rows[i], gradient, 0), within(1e-13));
            assertThat(Arrays.copyOfRange(gradients, i * p, (i + 1) * p)).containsExactly(gradient, within(1e-13));
            model.addCurvature(theta, rows[i], factors[i], gradient, 0, expected);
        }
        assertThat(curvature).containsExactly(expected, within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({
        "chinchilla, HUBER_LOG",
        "chinchilla, MSE_RAW",
        "chinchilla-tied, HUBER_LOG",
        "kaplan-nd, HUBER_LOG",
        "kaplan-nd, HUBER_RAW",
        "kaplan-c-irreducible, HUBER_LOG",
        "gadre, HUBER_LOG"
    })
    void aNodeOfTheGridIsADescentWithItsShapeFrozen(String law, Objective objective) {
        Observations runs = runs();
        BoundLaw bound = bound(law, runs);
        Problem problem = new Problem(bound.model(), runs.log(Quantity.LOSS), runs.weights(), objective, 1e-3);
        int[] shape = bound.shape();
        double[][] values = new double[shape.length][];
        int nodes = 1;
        for (int s = 0; s < shape.length; s++) {
            double[] grid = bound.grid(s);
            values[s] = new double[] {grid[grid.length / 3], grid[grid.length / 2], grid[2 * grid.length / 3]};
            nodes *= values[s].length;
        }
        ShapeGrid grid = new ShapeGrid(problem, bound, values);
        boolean[] frozen = new boolean[bound.model().dimension()];
        for (int j : shape) {
            frozen[j] = true;
        }

        for (int node = 0; node < nodes; node++) {
            double[] at = new double[shape.length];
            int rest = node;
            for (int s = shape.length - 1; s >= 0; s--) {
                at[s] = values[s][rest % values[s].length];
                rest /= values[s].length;
            }
            Minimum quick = grid.best(grid.newton(), node);
            Minimum plain = new Newton(frozen.length)
                    .minimise(
                            problem,
                            bound.start(at, problem.logTarget(), problem.weights()),
                            bound.box(),
                            frozen,
                            Newton.Effort.ROUGH);
            // Both end where a step gains less than half a percent.
            assertThat(quick.value()).isCloseTo(plain.value(), within(5e-3 * plain.value()));
            assertThat(problem.value(quick.theta())).isCloseTo(quick.value(), within(1e-9 * plain.value()));
            for (int s = 0; s < shape.length; s++) {
                assertThat(quick.theta()[shape[s]]).isEqualTo(at[s]);
            }
        }
    }
}
