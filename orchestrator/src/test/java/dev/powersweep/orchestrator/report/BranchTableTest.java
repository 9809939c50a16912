package dev.powersweep.orchestrator.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.report.sections.SweepReport;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class BranchTableTest {
    private static final SweepResults PLAIN = KnownSweep.results(0, 1);

    private static List<Block.Table> tables(SweepResults results) {
        FitSet set = SweepFitter.fit(
                results,
                List.of("branched-critical-batch"),
                SweepFitter.options().bootstrap(0));
        return SweepReport.of(results, set, Instant.EPOCH).sections().stream()
                .flatMap(section -> section.blocks().stream())
                .filter(Block.Table.class::isInstance)
                .map(Block.Table.class::cast)
                .filter(table -> table.caption().contains("by branching"))
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
    void aSweepWithoutBranchesHasNoSuchTable() {
        assertThat(tables(PLAIN)).isEmpty();
    }
}
