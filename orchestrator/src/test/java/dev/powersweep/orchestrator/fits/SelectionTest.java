package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;

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
        assertThat(Selection.BEST_RATE.of(cells))
                .extracting(cell -> cell.batchTokens() + " " + cell.learningRate() + " " + cell.seed())
                .containsExactly("1024.0 0.002 0", "1024.0 0.002 1", "4096.0 0.002 0");
        assertThat(Selection.BEST_BATCH.of(cells)).hasSize(2).allMatch(cell -> cell.batchTokens() == 1024);
        TriedRates rates = new TriedRates(cells);
        assertThat(rates.several()).isTrue();
        assertThat(rates.notes())
                .containsExactly(
                        "Of every model, data and batch size the learning rate of lowest loss counts; 1 of 2 were trained"
                                + " at three or more.",
                        "1 best rates are the lowest or the highest one tried, so the loss there is an upper bound; widen"
                                + " grid.learningRates.");
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
