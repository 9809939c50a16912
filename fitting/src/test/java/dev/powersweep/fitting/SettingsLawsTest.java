package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.law.KaplanForms;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.testdata.CsvResource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Laws of rates, batches and Kaplan's minima, against what src/test/python/settings_laws.py finds with NumPy and SciPy alone. */
class SettingsLawsTest {
    private static final Map<String, Double> GOLDEN = TestRuns.golden("/golden/settings-laws.csv");
    private static final FitOptions OPTIONS = FitOptions.defaults().threads(2);

    private static void assertGolden(String law, String name, double value, double relative) {
        double golden = GOLDEN.get(law + "/" + name);
        assertThat(value).as(law + " " + name).isCloseTo(golden, within(relative * Math.abs(golden)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"lr-surface", "batch-surface"})
    void theBestSettingFollowsSizeAndDataAsTheIndependentScriptFinds(String law) {
        FitResult fit = Fitter.fit(
                Laws.byName(law),
                TestRuns.read("/published/steplaw_rates.csv", "/published/steplaw_rates_other.csv"),
                OPTIONS);

        assertThat((double) fit.residuals().size()).isEqualTo(GOLDEN.get(law + "/optima"));
        for (String name : List.of("k", "p_N", "p_D")) {
            assertGolden(law, name, fit.value(name), 1e-6);
        }
    }

    /** The grid with what Kaplan et al.'s laws are of, through the critical batch that was planted. */
    private static final CsvResource GRID = CsvResource.read("golden/three_term_grid.csv");

    private static double critical(double loss) {
        return KaplanForms.criticalBatch(loss, 2e7, 0.21);
    }

    @Test
    void theLawOfLeastComputeIsThatOfTheIndependentScript() {
        double[] n = GRID.numbers("n");
        double[] d = GRID.numbers("d");
        double[] b = GRID.numbers("b");
        double[] loss = GRID.numbers("loss");
        List<double[]> rows = IntStream.range(0, n.length)
                .mapToObj(i ->
                        new double[] {KaplanForms.minimumCompute(6 * n[i] * d[i], b[i], critical(loss[i])), loss[i]})
                .sorted(Comparator.comparingDouble(row -> row[0]))
                .toList();
        List<double[]> frontier = new ArrayList<>();
        for (double[] row : rows) {
            if (frontier.isEmpty() || row[1] < frontier.get(frontier.size() - 1)[1]) {
                frontier.add(row);
            }
        }
        FitResult fit = Fitter.fit(
                Laws.byName("kaplan-cmin"),
                Observations.builder()
                        .column(
                                Quantity.C,
                                frontier.stream().mapToDouble(row -> row[0]).toArray())
                        .column(
                                Quantity.LOSS,
                                frontier.stream().mapToDouble(row -> row[1]).toArray())
                        .build(),
                OPTIONS);

        assertGolden("kaplan-cmin", "rows", fit.rows(), 0);
        assertGolden("kaplan-cmin", "objective", fit.objective().sum(), 1e-9);
        assertGolden("kaplan-cmin", "alpha_C", fit.value("alpha_C"), 1e-5);
        assertGolden("kaplan-cmin", "Cc", fit.value("Cc"), 1e-3);
    }

    @Test
    void theLawOfFewestStepsIsThatOfTheIndependentScript() {
        double[] d = GRID.numbers("d");
        double[] b = GRID.numbers("b");
        double[] loss = GRID.numbers("loss");
        double[] steps = IntStream.range(0, d.length)
                .mapToDouble(i -> KaplanForms.minimumSteps(d[i] / b[i], b[i], critical(loss[i])))
                .toArray();
        FitResult fit = Fitter.fit(
                Laws.byName("kaplan-ns"),
                Observations.builder()
                        .column(Quantity.N, GRID.numbers("n"))
                        .column(Quantity.S, steps)
                        .column(Quantity.LOSS, loss)
                        .build(),
                OPTIONS);

        assertGolden("kaplan-ns", "objective", fit.objective().sum(), 1e-9);
        for (String name : List.of("alpha_N", "alpha_S")) {
            assertGolden("kaplan-ns", name, fit.value(name), 1e-5);
        }
        assertGolden("kaplan-ns", "Nc", fit.value("Nc"), 1e-3);
        assertGolden("kaplan-ns", "Sc", fit.value("Sc"), 1e-3);
    }

    @Test
    void branchesGiveTheCriticalBatchesAndTheTrendOfTheIndependentScript() {
        CsvResource table = CsvResource.read("golden/branches.csv");
        FitResult fit = Fitter.fit(
                Laws.byName("branched-critical-batch"),
                Observations.builder()
                        .runs(table.rows().stream().map(row -> row.get(0)).toArray(String[]::new))
                        .column(Quantity.BRANCH, table.numbers("branch"))
                        .column(Quantity.B, table.numbers("b"))
                        .column(
                                Quantity.LOSS,
                                table.rows().stream()
                                        .mapToDouble(row -> row.get(3).equals("inf")
                                                ? Double.POSITIVE_INFINITY
                                                : Double.parseDouble(row.get(3)))
                                        .toArray())
                        .build(),
                OPTIONS);

        Map<String, Estimate> derived = fit.derived();
        Map.of("250000", "2.500e+05", "1000000", "1.000e+06", "4000000", "4.000e+06", "16000000", "1.600e+07")
                .forEach((tokens, place) -> assertThat(
                                derived.get("B_crit[t=" + place + "]").value())
                        .isCloseTo(
                                GOLDEN.get("branched-critical-batch/B_crit_" + tokens),
                                Percentage.withPercentage(1e-6)));
        assertThat(derived.get("B_diverged[t=4.000e+06]").value()).isEqualTo(16_384);
        assertGolden("branched-critical-batch", "B_0", fit.value("B_0"), 1e-8);
        Estimate kappa = fit.parameters().get("kappa");
        assertGolden("branched-critical-batch", "kappa", kappa.value(), 1e-8);
        assertGolden("branched-critical-batch", "kappa_low", kappa.low(), 1e-8);
        assertGolden("branched-critical-batch", "kappa_high", kappa.high(), 1e-8);
    }
}
