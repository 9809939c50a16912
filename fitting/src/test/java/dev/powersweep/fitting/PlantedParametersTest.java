package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PlantedParametersTest {
    static Stream<Arguments> laws() {
        return Stream.of(
                Arguments.of("kaplan-n", new double[] {8.8e13, 0.076}),
                Arguments.of("kaplan-n-irreducible", new double[] {1.5, 6e7, 0.31}),
                Arguments.of("kaplan-d", new double[] {5.4e13, 0.095}),
                Arguments.of("kaplan-d-irreducible", new double[] {1.2, 3e9, 0.24}),
                Arguments.of("kaplan-c", new double[] {1.6e7 * 8.64e19, 0.057}),
                Arguments.of("kaplan-c-irreducible", new double[] {1.7, 3e17, 0.15}),
                Arguments.of("kaplan-cmin", new double[] {3.1e8 * 8.64e19, 0.050}),
                Arguments.of("kaplan-cmin-irreducible", new double[] {1.4, 2e17, 0.11}),
                Arguments.of("kaplan-nd", new double[] {6.4e13, 1.8e13, 0.076, 0.103}),
                Arguments.of("kaplan-ns", new double[] {6.5e13, 2.1e3, 0.077, 0.76}),
                Arguments.of("chinchilla", new double[] {1.69, 406.4, 410.7, 0.34, 0.28}),
                Arguments.of("chinchilla", new double[] {1.817, 482.0, 2085.4, 0.348, 0.366}),
                Arguments.of("chinchilla-tied", new double[] {1.8, 470.0, 1400.0, 0.345}),
                Arguments.of("gadre", new double[] {1.75, 90.0, 160.0, 0.17}),
                Arguments.of("muennighoff", new double[] {15.387756, 5.309743}),
                Arguments.of("muennighoff-joint", new double[] {1.87, 521.0, 1488.0, 0.353, 0.353, 15.4, 5.3}));
    }

    /** Forty-eight runs that vary N, D, S and U separately. */
    private static Observations planted(ParametricLaw law, double[] parameters, double unitOfN, double unitOfD) {
        double[][] nd = TestRuns.grid(8, 1e7, 6e9, 8, 1e9, 3e11);
        int rows = nd[0].length;
        double[] steps = new double[rows];
        double[] unique = new double[rows];
        double[] loss = new double[rows];
        for (int i = 0; i < rows; i++) {
            steps[i] = 1000 * Math.pow(1.7, Math.floorMod(i * 5, 11));
            unique[i] = nd[1][i] / (1 << Math.floorMod(i * 3, 7));
            loss[i] = law.predict(
                    parameters,
                    Point.nd(nd[0][i], nd[1][i]).and(Quantity.S, steps[i]).and(Quantity.U, unique[i]));
        }
        return Observations.builder()
                .parameters(Arrays.stream(nd[0]).map(n -> n / unitOfN).toArray())
                .tokens(Arrays.stream(nd[1]).map(d -> d / unitOfD).toArray())
                .column(Quantity.S, steps)
                .column(Quantity.U, Arrays.stream(unique).map(u -> u / unitOfD).toArray())
                .loss(loss)
                .build();
    }

    @ParameterizedTest
    @MethodSource("laws")
    void noiseFreeLossesGiveTheParametersBack(String name, double[] parameters) {
        ParametricLaw law = (ParametricLaw) Laws.byName(name);

        FitResult fit = Fitter.fit(law, planted(law, parameters, 1, 1), FitOptions.defaults());

        double[] found = fit.values();
        for (int j = 0; j < parameters.length; j++) {
            assertThat(found[j])
                    .as(law.parameters().get(j).name())
                    .isCloseTo(parameters[j], within(1e-8 * parameters[j]));
        }
        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
    }

    @Test
    void everyObjectiveFindsThePlantedParameters() {
        double[] truth = {1.69, 406.4, 410.7, 0.34, 0.28};
        ParametricLaw law = (ParametricLaw) Laws.byName("chinchilla");
        for (Objective objective : Objective.values()) {
            FitResult fit = Fitter.fit(
                    law, planted(law, truth, 1, 1), FitOptions.defaults().objective(objective));

            for (int j = 0; j < truth.length; j++) {
                assertThat(fit.values()[j]).as(objective.label()).isCloseTo(truth[j], within(1e-8 * truth[j]));
            }
        }
    }

    @Test
    void parametersInBillionsGiveTheSameAnswerAsRawOnes() {
        FitOptions options = FitOptions.defaults();
        Observations raw = TestRuns.digitised();
        Observations billions = Observations.of(
                Arrays.stream(raw.column(Quantity.N)).map(n -> n / 1e9).toArray(),
                Arrays.stream(raw.column(Quantity.D)).map(d -> d / 1e9).toArray(),
                raw.column(Quantity.LOSS));

        FitResult one = Fitter.fit(Laws.byName("chinchilla"), raw, options);
        FitResult other = Fitter.fit(Laws.byName("chinchilla"), billions, options);

        for (String name : new String[] {"E", "alpha", "beta", "a", "b"}) {
            assertThat(other.value(name)).as(name).isCloseTo(one.value(name), within(1e-9 * one.value(name)));
        }
        assertThat(other.value("A") * Math.pow(1e9, one.value("alpha")))
                .isCloseTo(one.value("A"), within(1e-7 * one.value("A")));
        assertThat(other.objective().sum())
                .isCloseTo(one.objective().sum(), within(1e-12 * one.objective().sum()));
        assertThat(other.warnings()).anySatisfy(sentence -> assertThat(sentence).contains("billions"));
    }

    @Test
    void theOrderOfTheRowsDoesNotMatter() {
        Observations runs = TestRuns.digitised();
        int rows = runs.size();
        Observations shuffled = Observations.of(
                permuted(runs.column(Quantity.N), rows),
                permuted(runs.column(Quantity.D), rows),
                permuted(runs.column(Quantity.LOSS), rows));

        FitResult one = Fitter.fit(Laws.byName("chinchilla"), runs, FitOptions.defaults());
        FitResult other = Fitter.fit(Laws.byName("chinchilla"), shuffled, FitOptions.defaults());

        for (String name : one.parameters().keySet()) {
            assertThat(other.value(name)).as(name).isCloseTo(one.value(name), within(1e-9 * one.value(name)));
        }
    }

    private static double[] permuted(double[] values, int rows) {
        double[] moved = new double[rows];
        for (int i = 0; i < rows; i++) {
            moved[i] = values[Math.floorMod(i * 101, rows)];
        }
        return moved;
    }
}
