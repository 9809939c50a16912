package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.worker.cell.CellState;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class SelectionTest {
    private final SweepResults sweep = KnownSweep.results(0, 1);
    private final List<CellResult> usable = sweep.usable();

    @Test
    void failedAndDivergedCellsAreNeverFitted() {
        assertThat(usable).hasSize(sweep.cells().size() - 2);
    }

    @Test
    void ofEveryModelAndDataSizeTheBestBatchStaysUnlessTheUsualBestIsMissing() {
        List<CellResult> best = Selection.BEST_BATCH.of(usable);
        assertThat(best).hasSize(19).allMatch(cell -> cell.batchTokens() == 512);
    }

    @Test
    void lawsInOneVariableTakeCellsWhereTheOtherBindsLeast() {
        assertThat(Selection.LARGEST_DATA.of(usable)).hasSize(5).allMatch(cell -> cell.tokens() > 3.9e6);
        assertThat(Selection.LARGEST_MODEL.of(usable)).hasSize(4).allMatch(cell -> cell.parameters() == 3.1e6);
    }

    @Test
    void noCheaperCellBeatsACellOfTheFrontier() {
        List<CellResult> frontier = Selection.FRONTIER.of(usable);
        assertThat(frontier).isNotEmpty().allSatisfy(cell -> assertThat(usable)
                .noneMatch(other -> other.kaplanFlops() < cell.kaplanFlops()
                        && other.validationLoss().getAsDouble()
                                < cell.validationLoss().getAsDouble()));
    }

    @Test
    void ofSeveralRatesTheBestOneCountsAndSeedsAloneAreReplicates() {
        List<CellResult> cells = List.of(
                cell(1024, 0.001, 0, 3.0),
                cell(1024, 0.002, 0, 2.8),
                cell(1024, 0.002, 1, 2.9),
                cell(1024, 0.004, 0, 3.5),
                cell(4096, 0.001, 0, 3.2),
                cell(4096, 0.002, 0, 3.1));
        List<CellResult> best = Selection.BEST_RATE.of(cells);
        assertThat(best)
                .extracting(cell -> cell.batchTokens() + " " + cell.seed())
                .containsExactly("1024.0 0", "1024.0 1", "4096.0 0");
        // Through (ln 1, 3.0), (ln 2, 2.85), (ln 4, 3.5): its minimum, and seeds apart as they were.
        double x = Math.log(2) * (0.5 + 0.15 / 0.8);
        assertThat(best.get(0).learningRate()).isCloseTo(0.001 * Math.exp(x), within(1e-5));
        double minimum = 3.0 - 0.8 / 2 * Math.pow(x / Math.log(2), 2);
        assertThat(best.get(0).validationLoss().getAsDouble()).isCloseTo(minimum - 0.05, within(0.01));
        assertThat(best.get(1).validationLoss().getAsDouble()
                        - best.get(0).validationLoss().getAsDouble())
                .isCloseTo(0.1, within(1e-12));
        assertThat(best.get(2)).isEqualTo(cells.get(5));
        assertThat(Selection.CURVES.of(cells)).containsExactly(cells.get(1), cells.get(2), cells.get(5));
        assertThat(Selection.BEST_BATCH.of(cells)).hasSize(2).allMatch(cell -> cell.batchTokens() == 1024);
        TriedRates rates = new TriedRates(cells);
        assertThat(rates.several()).isTrue();
        assertThat(rates.notes())
                .containsExactly(
                        "Losses are those at the best learning rate of every model, data and batch size, by a quadratic in"
                                + " its logarithm; 1 of 2 were trained at three rates or more.",
                        "In 1 of them no minimum lies inside the rates that were tried, so the loss there is an upper bound;"
                                + " widen grid.learningRates.");
    }

    @Test
    void oneRateIsToldAsUntunedAndOtherSettingsAreNamed() {
        TriedRates one = new TriedRates(usable);
        assertThat(one.several()).isFalse();
        assertThat(one.notes()).singleElement().asString().startsWith("Rates untuned: ");
        CellResult plain = cell(1024, 0.001, 0, 3.0, Map.of("training.dropout", "0"));
        CellResult other = cell(1024, 0.001, 0, 2.9, Map.of("training.dropout", "0.1"));
        assertThat(Selection.BEST_RATE.of(List.of(plain, other))).containsExactly(other);
        assertThat(new TriedRates(List.of(plain, other)).notes())
                .contains(
                        "The sweep also varies training.dropout; of every model, data and batch size the setting of lowest"
                                + " loss counts.");
    }

    private static CellResult cell(double batch, double rate, long seed, double loss) {
        return cell(batch, rate, seed, loss, Map.of());
    }

    private static CellResult cell(double batch, double rate, long seed, double loss, Map<String, String> settings) {
        return new CellResult(
                "b" + batch + "-lr" + rate + "-s" + seed,
                "cell",
                CellState.FINISHED,
                Optional.empty(),
                1,
                1e5,
                1.4e5,
                1e6,
                1e6,
                1e6,
                batch,
                6e11,
                7e11,
                seed,
                rate,
                "COSINE",
                20,
                OptionalDouble.of(loss),
                OptionalDouble.of(0.004),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                false,
                settings);
    }
}
