package dev.powersweep.orchestrator.grid;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.spec.SweepSpecReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Cells keep the identities that stored sweeps have for them; a change here makes finished cells train again. The file
 * was written by the release before the ones that it guards against, and is only ever added to.
 */
class IdentityTest {
    private static final CorpusFacts CORPUS = new CorpusFacts(
            "c0ffee",
            256,
            8_500_000,
            List.of(
                    new CorpusFacts.EvaluationSet("validation", 450_000),
                    new CorpusFacts.EvaluationSet("wiki", 100_000)));

    @Test
    void storedCellsKeepTheirIdentities() throws IOException {
        Map<String, List<String>> stored = stored();
        assertThat(stored).hasSizeGreaterThanOrEqualTo(7);
        stored.forEach((specification, cells) ->
                assertThat(cells(specification)).as(specification).isEqualTo(cells));
    }

    @Test
    void anAxisAddsCellsAndChangesNone() throws IOException {
        String first = stored().keySet().iterator().next();
        String grown = first.replace(
                "batchSizes: [256, 1024]}",
                "batchSizes: [256, 1024], learningRates: {factors: [0.5, 1, 2]},"
                        + " axes: {training.optimizer.weightDecay: [0, 0.1]}}");
        assertThat(ids(cells(grown))).hasSize(6 * 8).containsAll(ids(stored().get(first)));
    }

    private static List<String> ids(List<String> cells) {
        return cells.stream().map(cell -> cell.substring(0, 16)).toList();
    }

    private static List<String> cells(String specification) {
        return GridResolver.resolve(SweepSpecReader.read(specification, "sweep.yaml", List.of()), CORPUS)
                .cells()
                .stream()
                .map(cell -> cell.cell().id() + " " + cell.name())
                .toList();
    }

    private static Map<String, List<String>> stored() throws IOException {
        Map<String, List<String>> stored = new LinkedHashMap<>();
        List<String> cells = List.of();
        try (InputStream file = IdentityTest.class.getResourceAsStream("identities.txt")) {
            for (String line : new String(file.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(text -> !text.startsWith("#"))
                    .toList()) {
                if (line.startsWith("  ")) {
                    cells.add(line.strip());
                } else {
                    cells = new ArrayList<>();
                    stored.put(line, cells);
                }
            }
        }
        return stored;
    }
}
