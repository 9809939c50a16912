package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Profile;
import dev.powersweep.fitting.runs.Observations;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Published runs, against minima that src/test/python/fits.py finds with SciPy alone. */
class PublishedRunsTest {
    private static final Map<String, Double> GOLDEN = TestRuns.golden();

    static Stream<String> cases() {
        return GOLDEN.keySet().stream()
                .filter(key -> key.endsWith("/objective"))
                .map(key -> key.substring(0, key.length() - "/objective".length()))
                .filter(key -> key.matches(".*(huber|mse)-(log|raw)"));
    }

    private static Observations runs(String set) {
        return set.equals("digitised") ? TestRuns.digitised() : TestRuns.datablations();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theMinimumIsThatOfTheIndependentScript(String key) {
        String[] parts = key.split("/", -1);
        FitResult fit = Fitter.fit(
                Laws.byName(parts[1]), runs(parts[0]), FitOptions.defaults().objective(Objective.byName(parts[2])));

        double golden = GOLDEN.get(key + "/objective");
        assertThat(fit.objective().sum()).isCloseTo(golden, within(1e-6 * golden));
        assertThat(fit.objective().sum()).isLessThanOrEqualTo(golden * (1 + 1e-11));
        assertThat(fit.objective().mean()).isCloseTo(fit.objective().sum() / fit.rows(), within(1e-15));
        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
        fit.parameters().forEach((name, estimate) -> {
            double value = GOLDEN.get(key + "/" + name);
            assertThat(estimate.value()).as(name).isCloseTo(value, within(1e-5 * value));
        });
    }

    @Test
    void theDigitisedRunsGiveTheRecomputedChinchillaConstants() {
        FitResult fit = Fitter.fit(Laws.byName("chinchilla"), TestRuns.digitised(), FitOptions.defaults());

        assertThat(fit.value("E")).isCloseTo(1.7839, within(5e-5));
        assertThat(fit.value("A")).isCloseTo(442.16, within(5e-3));
        assertThat(fit.value("B")).isCloseTo(1271.81, within(5e-3));
        assertThat(fit.value("alpha")).isCloseTo(0.3426, within(5e-5));
        assertThat(fit.value("beta")).isCloseTo(0.3420, within(5e-5));
        assertThat(fit.value("a") + fit.value("b")).isCloseTo(1, within(1e-12));
        assertThat(fit.convergence().reachedBest()).isGreaterThan(0.9);
    }

    @Test
    void thePublishedRepetitionConstantsAreNotTheMinimumAndTheRivalsAreTold() {
        ParametricLaw law = (ParametricLaw) Laws.byName("muennighoff");
        Observations runs = TestRuns.datablations();
        FitOptions options = FitOptions.defaults();

        double published = Fitter.objectiveAt(law, runs, options, new double[] {15.387756, 5.309743});
        assertThat(published).isCloseTo(GOLDEN.get("datablations/muennighoff/published/objective"), within(1e-14));
        assertThat(published).isCloseTo(0.0158259, within(5e-8));

        FitResult fit = Fitter.fit(law, runs, options);
        assertThat(fit.objective().sum()).isLessThan(0.0158049);
        assertThat(fit.identifiability().rivals()).anySatisfy(rival -> {
            double golden = GOLDEN.get("datablations/muennighoff/rival/objective");
            assertThat(rival.objective()).isCloseTo(golden, within(1e-9 * golden));
            assertThat(rival.parameters().get("R_D")).isCloseTo(47.0, within(0.05));
            assertThat(rival.parameters().get("R_N")).isCloseTo(2.33, within(0.005));
        });
        assertThat(fit.identifiability().rivals()).anySatisfy(rival -> {
            assertThat(rival.parameters().get("R_D")).isCloseTo(15.39, within(0.05));
            assertThat(rival.parameters().get("R_N")).isCloseTo(5.31, within(0.01));
        });
        assertThat(fit.identifiability().verdict()).contains("cannot tell them apart");
    }

    @Test
    void theProfileOfRepeatedTokensIsOpenAbove() {
        FitResult fit = Fitter.fit(
                Laws.byName("muennighoff"),
                TestRuns.datablations(),
                FitOptions.defaults().profiles());

        Profile repeats = fit.profiles().stream()
                .filter(profile -> profile.parameter().equals("R_D"))
                .findFirst()
                .orElseThrow();
        assertThat(repeats.low()).isBetween(4.0, 12.0);
        assertThat(repeats.high()).isInfinite();
        assertThat(fit.identifiability().verdict()).contains("does not bound R_D from above");
    }
}
