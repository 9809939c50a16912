package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.List;
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
}
