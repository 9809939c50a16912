package dev.powersweep.fitting.optimise;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.powersweep.fitting.runs.FitRefusal;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers that are not finite, and failures of a thread, end in an answer: never in a loop, never in empty rows. */
class NonFiniteTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    /** A model of two parameters whose predictions are finite and whose second derivatives are what the test says. */
    private record Broken(double value, double diagonal, double mixed) implements LossModel {
        @Override
        public int dimension() {
            return 2;
        }

        @Override
        public int rows() {
            return 3;
        }

        @Override
        public double value(double[] theta, int row) {
            return value + theta[0] + row * theta[1];
        }

        @Override
        public double value(double[] theta, int row, double[] gradient, int offset, double[] hessian) {
            gradient[offset] = 1;
            gradient[offset + 1] = row;
            Arrays.fill(hessian, 0);
            hessian[0] = diagonal;
            hessian[2] = mixed;
            return value(theta, row);
        }
    }

    private static Problem problem(LossModel model, Objective objective) {
        return new Problem(model, new double[] {1, 2, 4}, new double[] {1, 1, 1}, objective, 1e-3);
    }

    @ParameterizedTest
    @EnumSource(Objective.class)
    void newtonEndsWhereSecondDerivativesAreNotFinite(Objective objective) {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            for (Broken model : new Broken[] {new Broken(0, bad, 0), new Broken(0, 0, bad), new Broken(0, bad, bad)}) {
                Minimum end = assertTimeoutPreemptively(SOON, () -> new Newton(2)
                        .minimise(problem(model, objective), new double[] {0, 0}, Box.free(2)));
                assertThat(end.theta()).as("%s %s", model, objective).containsExactly(0, 0);
                assertThat(end.gradientNorm()).isGreaterThan(1e-3);
            }
        }
    }

    @Test
    void newtonEndsWherePredictionsAreNotFinite() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            Problem problem = problem(new Broken(bad, 0, 0), Objective.HUBER_LOG);
            Minimum end = assertTimeoutPreemptively(
                    SOON, () -> new Newton(2).minimise(problem, new double[] {0, 0}, Box.free(2)));
            assertThat(end.value()).isNotFinite();
        }
    }

    @Test
    void searchWithoutAnyFiniteObjectiveIsRefusedInASentence() {
        LossModel model = new Broken(Double.NaN, 0, 0);
        ShapedModel shaped = new ShapedModel() {
            @Override
            public LossModel model() {
                return model;
            }

            @Override
            public Box box() {
                return Box.free(2);
            }

            @Override
            public int[] shape() {
                return new int[] {1};
            }

            @Override
            public double[] grid(int slot) {
                return new double[] {0, 1, 2};
            }

            @Override
            public double[] start(double[] shapeValues, double[] logTarget, double[] weights) {
                return new double[] {0, shapeValues[0]};
            }
        };
        assertThatThrownBy(() -> new GlobalSearch(
                                problem(model, Objective.HUBER_LOG), shaped, GlobalSearch.Density.FULL, 1)
                        .run())
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("not finite");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void anErrorOfAnyThreadIsThrownToTheCaller(int threads) {
        for (int failing : new int[] {0, 7, 63}) {
            double[][] rows = new double[64][];
            assertThatThrownBy(() -> Workers.run(threads, rows.length, () -> 0, (scratch, i) -> {
                        if (i == failing) {
                            throw new OutOfMemoryError("Java heap space");
                        }
                        rows[i] = new double[] {i};
                    }))
                    .isInstanceOf(OutOfMemoryError.class);
            assertThatThrownBy(() -> Workers.run(threads, rows.length, () -> 0, (scratch, i) -> {
                        if (i == failing) {
                            throw new IllegalStateException("task " + i);
                        }
                    }))
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(() -> Workers.run(
                        threads,
                        8,
                        () -> {
                            throw new StackOverflowError();
                        },
                        (scratch, i) -> {}))
                .isInstanceOf(StackOverflowError.class);
    }

    @Test
    void everyTaskRunsOnceOnAnyNumberOfThreads() {
        for (int threads : new int[] {1, 2, 3, 16}) {
            int[] count = new int[101];
            Workers.run(threads, count.length, () -> 0, (scratch, i) -> count[i]++);
            assertThat(IntStream.of(count)).allMatch(times -> times == 1);
        }
    }
}
