package dev.powersweep.orchestrator.report.sections;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GridSectionTest {
    private static List<Block.HeatMap> maps(Stream<CellResult> cells) {
        SweepResults results = new SweepResults(
                "grid", "grid", Optional.empty(), cells.toList(), List.of(), List.of(), List.of(), Map.of());
        return GridSection.of(results).blocks().stream()
                .map(Block.HeatMap.class::cast)
                .toList();
    }

    @Test
    void aBatchThatIsTriedAtFewPlacesHasAMapOfTheseAlone() {
        List<Block.HeatMap> maps = maps(Stream.of(
                KnownSweep.ofSize(25e3, 1e6, 256),
                KnownSweep.ofSize(25e3, 4e6, 256),
                KnownSweep.ofSize(100e3, 1e6, 256),
                KnownSweep.ofSize(100e3, 1e6, 4096)));

        assertThat(maps).extracting(Block.HeatMap::rowLabels).containsExactly(List.of("100k", "25k"), List.of("100k"));
        assertThat(maps).extracting(Block.HeatMap::columnLabels).containsExactly(List.of("1M", "4M"), List.of("1M"));
        assertThat(maps.get(0).tiles().get(0).get(1)).as("not trained").isEqualTo(Block.HeatTile.NONE);
        assertThat(maps.get(1).tiles().get(0).get(0).tone()).isEqualTo(Block.Tone.GOOD);
    }

    @Test
    void dataSizesThatDifferHaveLabelsThatDiffer() {
        assertThat(GridSection.distinct(new double[] {1.38e6, 1.42e6, 2e6})).containsExactly("1.38M", "1.42M", "2M");
        assertThat(GridSection.distinct(new double[] {1.38e6, 2e6})).containsExactly("1.4M", "2M");
    }
}
