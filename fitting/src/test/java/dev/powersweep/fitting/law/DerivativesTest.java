package dev.powersweep.fitting.law;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.optimise.LossModel;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** First and second derivatives of every parametric law against central differences, and its two formulae against each other. */
class DerivativesTest {
    static Stream<ParametricLaw> laws() {
        return Laws.all().stream().filter(ParametricLaw.class::isInstance).map(ParametricLaw.class::cast);
    }

    private static Observations runs(ParametricLaw law, SplittableRandom random) {
        Observations.Builder builder = Observations.builder();
        for (Quantity column :
                List.of(Quantity.N, Quantity.D, Quantity.B, Quantity.S, Quantity.U, Quantity.C, Quantity.LOSS)) {
            double low = column == Quantity.LOSS ? 2 : column == Quantity.U ? 1e7 : 1e8;
            double high = column == Quantity.LOSS ? 4 : column == Quantity.U ? 1e9 : 1e10;
            builder.column(
                    column,
                    random.doubles(24).map(x -> low * Math.pow(high / low, x)).toArray());
        }
        assertThat(law.needs()).doesNotContain(Quantity.WEIGHT);
        if (law.needs().contains(Quantity.STEP)) {
            builder.column(
                    Quantity.STEP, random.doubles(24).map(x -> 100 + 1e4 * x).toArray());
            builder.column(
                    Quantity.LEARNING_RATE,
                    random.doubles(24).map(x -> 1e-4 * (1 + x)).toArray());
        }
        return builder.build();
    }

    @ParameterizedTest
    @MethodSource("laws")
    void agreeWithDifferences(ParametricLaw law) {
        SplittableRandom random = new SplittableRandom(Long.getLong("test.seed", 1));
        Observations runs = runs(law, random);
        BoundLaw bound = law.bind(runs);
        LossModel model = bound.model();
        int p = model.dimension();
        double[] shape = new double[bound.shape().length];
        for (int s = 0; s < shape.length; s++) {
            double[] grid = bound.grid(s);
            shape[s] = grid[grid.length / 2 + random.nextInt(Math.max(1, grid.length / 6))];
        }
        double[] theta = bound.start(shape, runs.log(law.response()), runs.weights());
        double[] gradient = new double[p];
        double[] hessian = new double[p * p];
        for (int row = 0; row < runs.size(); row++) {
            double value = model.value(theta, row, gradient, 0, hessian);

            assertThat(model.value(theta, row)).isCloseTo(value, within(1e-12));
            assertThat(Math.log(law.predict(bound.published(theta), runs.point(row))))
                    .isCloseTo(value, within(1e-9));
            for (int j = 0; j < p; j++) {
                double h = 1e-5 * (1 + Math.abs(theta[j]));
                double[] up = theta.clone();
                double[] down = theta.clone();
                up[j] += h;
                down[j] -= h;
                double[] gu = new double[p];
                double[] gd = new double[p];
                double slope = (model.value(up, row, gu, 0, new double[p * p])
                                - model.value(down, row, gd, 0, new double[p * p]))
                        / (2 * h);
                assertThat(gradient[j]).as("d/d" + j).isCloseTo(slope, within(1e-6 * (1 + Math.abs(slope))));
                for (int k = 0; k <= j; k++) {
                    double second = (gu[k] - gd[k]) / (2 * h);
                    assertThat(hessian[j * p + k])
                            .as("d²/d" + j + "d" + k)
                            .isCloseTo(second, within(1e-5 * (1 + Math.abs(second))));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("laws")
    void publishedParametersSurviveTheWayInAndOut(ParametricLaw law) {
        Observations runs = runs(law, new SplittableRandom(3));
        BoundLaw bound = law.bind(runs);
        double[] shape = new double[bound.shape().length];
        for (int s = 0; s < shape.length; s++) {
            shape[s] = bound.grid(s)[bound.grid(s).length / 2];
        }
        double[] published = bound.published(bound.start(shape, runs.log(law.response()), runs.weights()));

        double[] again = bound.published(bound.internal(published));

        for (int j = 0; j < published.length; j++) {
            assertThat(again[j]).isCloseTo(published[j], within(1e-10 * Math.abs(published[j])));
        }
    }
}
