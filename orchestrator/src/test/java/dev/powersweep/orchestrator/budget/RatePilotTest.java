package dev.powersweep.orchestrator.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.spec.LearningRateRule;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class RatePilotTest {
    private static CellResult cell(double n, double b, double d, double rate, long seed, double loss, String dropout) {
        boolean diverged = Double.isInfinite(loss);
        return new CellResult(
                n + "/" + b + "/" + d + "/" + rate + "/" + seed + "/" + dropout,
                "cell",
                diverged ? CellState.DIVERGED : CellState.FINISHED,
                Optional.empty(),
                1,
                n,
                1.4 * n,
                d,
                d,
                d,
                b,
                6 * n * d,
                7 * n * d,
                seed,
                rate,
                "COSINE",
                20,
                diverged ? OptionalDouble.empty() : OptionalDouble.of(loss),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                false,
                Map.of("training.dropout", dropout));
    }

    private static List<CellResult> pilot(String dropout) {
        List<CellResult> cells = new ArrayList<>();
        for (double n : new double[] {25e3, 1e5, 4e5}) {
            for (double b : new double[] {256, 1024}) {
                double best = 0.5 * Math.pow(n, -0.5) * Math.pow(b, 0.25);
                for (double factor : new double[] {0.25, 0.5, 1, 2, 4, 8}) {
                    for (long seed = 0; seed < 2; seed++) {
                        double x = Math.log(factor * 1.1);
                        double loss = factor == 8 ? Double.POSITIVE_INFINITY : 3 + 0.05 * x * x + 0.001 * seed;
                        cells.add(cell(n, b, 1e6, best * 1.1 * factor, seed, loss, dropout));
                    }
                }
            }
        }
        return cells;
    }

    private static SweepResults results(List<CellResult> cells) {
        return new SweepResults(
                "pilot", "sweeps/pilot", Optional.empty(), cells, List.of(), List.of(), List.of(), Map.of());
    }

    @Test
    void aRuleThatPassesExactlyThroughItsRatesIsNotOfferedToPaste() {
        List<CellResult> few = pilot("0").stream()
                .filter(cell -> cell.parameters() < 3e5 && !(cell.parameters() > 5e4 && cell.batchTokens() > 256))
                .toList();

        assertThat(RatePilot.of(results(few)).text())
                .contains("not determined", "none is left to test it: keep the one that the sweep had")
                .doesNotContain("learningRate: {");
        assertThat(RatePilot.of(results(few)).json()).contains("\"yaml\" : null");
        assertThat(RatePilot.of(results(pilot("0"))).text()).contains("learningRate: {");
    }

    @Test
    void theRuleOfAPilotGoesIntoTheNextSpecification() {
        RatePilot pilot = RatePilot.of(results(pilot("0")));
        LearningRateRule rule = SweepSpecReader.read(
                        "grid: {modelSizes: 25k, dataSizes: 1M}\n" + pilot.yaml(), "next.yaml", List.of())
                .training()
                .learningRate();
        for (double n : new double[] {25e3, 1e5, 4e5}) {
            for (double b : new double[] {256, 1024}) {
                double best = 0.5 * Math.pow(n, -0.5) * Math.pow(b, 0.25);
                assertThat(rule.peak(n, b, 1e6)).isCloseTo(best, within(0.02 * best));
            }
        }
        assertThat(pilot.text())
                .contains("model (N)", "−0.500", "not varied", "From 6 best rates inside the rates tried, of 6")
                .doesNotContain("mind:")
                .endsWith(pilot.yaml());
        assertThat(pilot.json()).contains("\"model\" : {", "\"place\" : \"inside\"");
    }

    @Test
    void aSweepThatCannotTellIsRefusedWithWhatToRun() {
        assertThatThrownBy(() -> RatePilot.of(results(List.of(cell(1e5, 256, 1e6, 0.003, 0, 3, "0")))))
                .isInstanceOf(UserError.class)
                .hasMessageMatching("sweeps/pilot: no best learning rate lies inside .*; try at least three rates .*"
                        + "\\(grid.learningRates\\)");
        assertThatThrownBy(() -> RatePilot.of(KnownSweep.warmedUp(results(pilot("0")), cell -> cell.seed() == 1)))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "sweeps/pilot: 36 of 72 cells began with smaller batches (training.batchWarmup), and a rule"
                                + " for the learning rate holds for one batch size; run a pilot with training.batchWarmup: none");
        List<CellResult> both = new ArrayList<>(pilot("0"));
        both.addAll(pilot("0.1"));
        assertThatThrownBy(() -> RatePilot.of(results(both)))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "sweeps/pilot: the sweep varies training.dropout, and a rule for the learning rate holds for one"
                                + " setting; run a pilot that varies grid.learningRates alone");
    }
}
