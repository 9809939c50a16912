package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.Convention;
import dev.powersweep.orchestrator.results.LossCurve;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Laws of a sweep are fitted to the quantities that they name, or say that they are not. */
class KaplanNamesTest {
    private static final FitOptions OPTIONS = FitOptions.defaults().bootstrap(0);

    private static CellResult cell(double n, double d, double unique, double b, double loss) {
        return new CellResult(
                n + "/" + d + "/" + unique + "/" + b,
                n + "-" + d + "-" + unique + "-" + b,
                CellState.FINISHED,
                Optional.empty(),
                1,
                n,
                n + 5e3,
                d,
                d,
                unique,
                b,
                6 * n * d,
                8 * n * d,
                0,
                3e-3,
                "COSINE",
                10,
                OptionalDouble.of(loss),
                OptionalDouble.of(0.002),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                false,
                Map.of());
    }

    private static SweepResults sweep(List<CellResult> cells, List<LossCurve> validation) {
        return new SweepResults("s", "dir", Optional.empty(), cells, List.of(), validation, List.of(), Map.of());
    }

    /** Losses of a law with a critical batch: data count for less at large batches. */
    private static SweepResults batches(double... sizes) {
        List<CellResult> cells = new ArrayList<>();
        for (double n : new double[] {1e4, 4e4, 1.6e5}) {
            for (double d : new double[] {1e6, 2e6, 4e6, 8e6}) {
                for (double b : sizes) {
                    double effective = d / (1 + b / 3000);
                    cells.add(cell(n, d, 1e9, b, 2 + 30 / Math.pow(n, 0.4) + 60 / Math.pow(effective, 0.35)));
                }
            }
        }
        return sweep(cells, List.of());
    }

    @Test
    void computeAndStepsAreThoseOfTheBestBatch() {
        FitSet fits = SweepFitter.fit(batches(256, 1024, 4096), List.of("kaplan-cmin", "kaplan-ns"), OPTIONS);
        assertThat(fits.refused()).isEmpty();
        assertThat(fits.fitted().get(0).selection()).contains("C_min = C/(1 + B/B_crit(L))");
        FitResult compute = fits.of("kaplan-cmin").orElseThrow();
        for (Residual row : compute.residuals()) {
            assertThat(row.at().get(Quantity.C)).isLessThan(6 * 1.6e5 * 8e6 / (1 + 256 / 4000.0));
        }
        FitResult steps = fits.of("kaplan-ns").orElseThrow();
        for (Residual row : steps.residuals()) {
            double batch = Double.parseDouble(row.run().substring(row.run().lastIndexOf('-') + 1));
            double data = Double.parseDouble(row.run().split("-")[1]);
            double critical = batch * (data / batch / row.at().get(Quantity.S) - 1);
            assertThat(critical).isCloseTo(3000, within(600.0));
        }
    }

    @Test
    void withoutACriticalBatchThereIsNoSuchLaw() {
        FitSet fits = SweepFitter.fit(batches(256), List.of("kaplan-cmin", "kaplan-ns", "kaplan-c"), OPTIONS);
        assertThat(fits.fitted()).extracting(FitSet.Fitted::law).containsExactly("kaplan-c");
        assertThat(fits.refused()).hasSize(2).allSatisfy(refused -> assertThat(refused.sentence())
                .contains("needs B_crit(L)", "more batch sizes"));
    }

    private static SweepResults repeated(double... texts) {
        List<CellResult> cells = new ArrayList<>();
        List<LossCurve> curves = new ArrayList<>();
        for (double n : new double[] {1e4, 4e4, 1.6e5}) {
            for (double text : texts) {
                for (double epochs : new double[] {1, 4}) {
                    double lowest = 2 + 30 / Math.pow(n, 0.4) + 60 / Math.pow(text, 0.35);
                    CellResult cell = cell(n, text * epochs, text, 1024, lowest + 0.1 * (epochs - 1));
                    cells.add(cell);
                    curves.add(new LossCurve(
                            cell.id(), new double[] {10, 20, 30}, new double[] {1e4, 2e4, 3e4}, new double[] {
                                4, lowest, cell.validationLoss().getAsDouble()
                            }));
                }
            }
        }
        return sweep(cells, curves);
    }

    @Test
    void repeatedTextIsCountedOnceAtTheLossOfEarlyStopping() {
        FitSet fits =
                SweepFitter.fit(repeated(1e6, 2e6, 4e6, 8e6), List.of("kaplan-d-irreducible", "kaplan-nd"), OPTIONS);
        assertThat(fits.refused()).isEmpty();
        FitResult ofData = fits.of("kaplan-d-irreducible").orElseThrow();
        assertThat(ofData.rows()).isEqualTo(4);
        assertThat(ofData.value("alpha_D")).isCloseTo(0.35, within(1e-3));
        assertThat(fits.of("kaplan-nd").orElseThrow().rows()).isEqualTo(12);
        assertThat(fits.fitted())
                .allSatisfy(fitted -> assertThat(fitted.selection()).contains("early stopping"));
    }

    @Test
    void withTooFewSizesOfTextTheTitleSaysWhatWasFitted() {
        List<CellResult> cells = new ArrayList<>();
        for (double d : new double[] {1e6, 2e6, 4e6, 8e6}) {
            cells.add(cell(1.6e5, d, 1e6, 1024, 2 + 60 / Math.pow(d, 0.35)));
        }
        FitSet fits = SweepFitter.fit(sweep(cells, List.of()), List.of("kaplan-d"), OPTIONS);
        assertThat(fits.fitted().get(0).title()).contains("repeated text counts as new");
    }

    @Test
    void theConstantsOfC4AreNoDefault() {
        FitSet fits = SweepFitter.fit(repeated(1e6, 2e6, 4e6, 8e6), List.of(), OPTIONS);
        assertThat(fits.outcomes())
                .extracting(FitSet.Outcome::law)
                .contains("muennighoff-joint")
                .doesNotContain("muennighoff");
    }

    @Test
    void anotherCountOfParametersMovesTheExponents() {
        SweepResults results = batches(1024);
        FitSet total = SweepFitter.fit(
                results,
                List.of("chinchilla"),
                OPTIONS,
                Convention.TOTAL,
                dev.powersweep.fitting.uncertainty.Refits.Runner.HERE);
        assertThat(total.notes()).anyMatch(note -> note.contains("total parameters"));
        double own = SweepFitter.fit(results, List.of("chinchilla"), OPTIONS)
                .of("chinchilla")
                .orElseThrow()
                .value("alpha");
        assertThat(total.of("chinchilla").orElseThrow().value("alpha")).isGreaterThan(own + 0.02);

        Sensitivity table = Sensitivity.of(results, List.of(), OPTIONS, Convention.NON_EMBEDDING);
        assertThat(table.rows())
                .extracting(Sensitivity.Row::setting)
                .contains("total", "exact-flops", "smallest N", "gadre");
        // Of gadre the coefficient a is none of them.
        assertThat(table.spread().orElseThrow()[1]).isLessThan(1);
    }
}
