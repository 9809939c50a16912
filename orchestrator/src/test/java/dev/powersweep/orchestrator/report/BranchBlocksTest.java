package dev.powersweep.orchestrator.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.report.sections.SweepReport;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class BranchBlocksTest {
    private static final SweepResults PLAIN = KnownSweep.results(0, 1);

    private static ReportModel report(SweepResults results) {
        FitSet set = SweepFitter.fit(
                results,
                List.of("branched-critical-batch"),
                SweepFitter.options().bootstrap(0));
        return SweepReport.of(results, set, Instant.EPOCH);
    }

    private static List<Block.Table> tables(SweepResults results) {
        return report(results).sections().stream()
                .flatMap(section -> section.blocks().stream())
                .filter(Block.Table.class::isInstance)
                .map(Block.Table.class::cast)
                .filter(table -> table.caption().contains("by branching"))
                .toList();
    }

    private static Chart chart(SweepResults results) {
        return report(results).sections().stream()
                .flatMap(section -> section.blocks().stream())
                .filter(block ->
                        block instanceof Block.Figure figure && figure.title().contains("branches"))
                .map(block -> ((Block.Figure) block).chart())
                .findFirst()
                .orElseThrow();
    }

    private static List<Chart.Points> points(SweepResults results) {
        return chart(results).series().stream()
                .filter(Chart.Points.class::isInstance)
                .map(Chart.Points.class::cast)
                .toList();
    }

    @Test
    void theMeasuredSizeStandsBesideTheNoiseScaleWithTheirRatio() {
        Block.Table table = tables(KnownSweep.branched(PLAIN, new TreeMap<>(Map.of(1e6, 3000.0, 3e6, 1e6))))
                .get(0);

        assertThat(table.caption()).contains("within 0.01 nats").contains("24 of 24 branches finished");
        List<Block.Cell> measured = table.rows().get(0);
        assertThat(measured).extracting(Block.Cell::text).startsWith("25k", "1M", "512 – 16.38k");
        assertThat(measured.get(3).text()).endsWith("(2,048 … 4,096)");
        assertThat(measured.get(4).text()).isEqualTo("2 seeds");
        assertThat(Double.parseDouble(measured.get(6).text())).isBetween(1.5, 5.0);
        List<Block.Cell> bound = table.rows().get(1);
        assertThat(bound.get(3)).isEqualTo(new Block.Cell("at least 16.38k: a bound", Block.Tone.WARNING));
        assertThat(bound.get(5).text()).as("noise scale").isNotEqualTo("–");
        assertThat(bound.get(6).text()).as("no ratio of a bound").isEqualTo("–");
    }

    @Test
    void whatEachBatchCostIsDrawnBesideTheTolerance() {
        SweepResults results = KnownSweep.branched(PLAIN, new TreeMap<>(Map.of(1e6, 3000.0, 3e6, 1e6)));
        List<Chart.Points> points = points(results);
        assertThat(points).extracting(Chart.Points::name).containsExactly("after 1M tokens", "after 3M tokens");
        Chart.Points first = points.get(0);
        assertThat(first.x()).startsWith(512).endsWith(16_384).isSorted();
        assertThat(first.y()[0]).isZero();
        for (int i = 1; i < first.x().length; i++) {
            // The planted critical size is 3,000 tokens.
            assertThat(first.y()[i] > 0.01).as("batch " + first.x()[i]).isEqualTo(first.x()[i] > 3000);
        }
        assertThat(chart(results).series())
                .anySatisfy(series -> assertThat(series.name()).isEqualTo("tolerance"));
    }

    @Test
    void aBranchThatDivergedIsDrawnAtTheTopAndBoundsTheTable() {
        SweepResults results =
                KnownSweep.diverged(KnownSweep.branched(PLAIN, new TreeMap<>(Map.of(1e6, 3000.0))), 1e6, 1024, 2);

        Block.Table table = tables(results).get(0);
        assertThat(table.caption()).endsWith("10 of 12 branches finished, 2 diverged");
        assertThat(table.rows().get(0).get(3).text()).isEqualTo("at most 1,024: a bound");
        List<Chart.Points> marks = points(results);
        Chart.Points diverged = marks.get(marks.size() - 1);
        assertThat(diverged.name()).startsWith("diverged");
        assertThat(diverged.x()).containsExactly(1024);
        assertThat(diverged.labels()).containsExactly("after 1M tokens: 2 of 2 diverged");
        assertThat(diverged.y()[0])
                .isGreaterThan(Arrays.stream(marks.get(0).y())
                        .filter(Double::isFinite)
                        .max()
                        .orElseThrow());
    }

    /** A sweep that says what it spent counts what branches trained beside their trunks, and not the trunks again. */
    @Test
    void tilesCountBranchesAndOnlyTheirOwnTokens() {
        SweepResults results = KnownSweep.branched(PLAIN, new TreeMap<>(Map.of(1e6, 3000.0)));
        ReportModel.Tile cells = report(results).tiles().get(0);
        ReportModel.Tile flops = report(results).tiles().get(4);
        assertThat(cells.detail()).endsWith("; besides " + results.branches().size() + " branches");
        assertThat(flops.detail()).isEqualTo("6·N·D over all cells and branches");
        assertThat(results.branches()).allSatisfy(branch -> assertThat(branch.ownTokens())
                .isEqualTo(branch.cell().tokensDone() - 1e6)
                .isPositive());
        assertThat(report(PLAIN).tiles().get(4).detail()).isEqualTo("6·N·D over all cells");
    }

    @Test
    void aSweepWithoutBranchesHasNoSuchTable() {
        assertThat(tables(PLAIN)).isEmpty();
    }
}
