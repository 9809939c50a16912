package dev.powersweep.orchestrator.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.simulation.Hazards;
import dev.powersweep.orchestrator.simulation.SimulatedSweep;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.CellState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchTest {
    @Test
    void aSimulatedSweepWithFailuresEndsEveryCellNearItsLowerBound() {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(4000), 40).plan();
        List<LedgerEvent> told = new ArrayList<>();
        SimulatedSweep.Result result =
                new SimulatedSweep(plan, 40, Hazards.USUAL, Long.getLong("test.seed", 1), told::addAll).run();
        assertThat(result.cells()).isEqualTo(4000);
        assertThat(result.stopped()).isEmpty();
        assertThat(result.states().get(CellState.FINISHED)
                        + result.states().get(CellState.DIVERGED)
                        + result.states().get(CellState.FAILED))
                .isEqualTo(4000);
        assertThat(result.attempts()).isGreaterThan(4000);
        assertThat(result.makespanSeconds()).isGreaterThan(result.lowerBoundSeconds());
        assertThat(result.overLowerBound()).isLessThan(0.05);
        // What was told is a ledger: it replays to the same states.
        SweepState replayed = new SweepState();
        told.forEach(replayed::apply);
        result.states()
                .forEach((state, count) -> assertThat(replayed.count(state)).isEqualTo(count));
        assertNeverMoreThanSlots(told, 40);
    }

    private static void assertNeverMoreThanSlots(List<LedgerEvent> told, int slots) {
        Set<String> running = new HashSet<>();
        for (LedgerEvent event : told) {
            if (event instanceof LedgerEvent.Running begun) {
                assertThat(running.add(begun.cell())).isTrue();
                assertThat(running).hasSizeLessThanOrEqualTo(slots);
            } else if (event instanceof LedgerEvent.Ended ended) {
                assertThat(running.remove(ended.report().cell())).isTrue();
            }
        }
        assertThat(running).isEmpty();
    }

    @Test
    void theSameSeedGivesTheSameSweep() {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(500), 8).plan();
        assertThat(new SimulatedSweep(plan, 8, Hazards.USUAL, 7, events -> {}).run())
                .isEqualTo(new SimulatedSweep(plan, 8, Hazards.USUAL, 7, events -> {}).run());
    }

    @Test
    void withoutHazardsTheMakespanIsThePlannersOwnToWithinTheOverheads() {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(1000), 16).plan();
        SimulatedSweep.Result result = new SimulatedSweep(plan, 16, Hazards.NONE, 1, events -> {}).run();
        assertThat(result.attempts()).isEqualTo(1000);
        assertThat(result.lostSeconds()).isZero();
        assertThat(result.overLowerBound()).isBetween(0.0, 0.01);
    }

    @Test
    void aLedgerGrowsWithItsCellsAndStaysInFewFiles(@TempDir Path folder) throws Exception {
        Configuration configuration = new Configuration();
        Map<Integer, LedgerBench.Report> reports = new HashMap<>();
        for (int cells : List.of(200, 400)) {
            SweepDirectory directory =
                    SweepDirectory.at(folder.resolve("cells-" + cells).toString(), configuration);
            reports.put(cells, LedgerBench.run(directory, configuration, cells, 20, 1));
            JsonNode status = new ObjectMapper()
                    .readTree(SweepStatus.read(directory, configuration).json());
            assertThat(status.at("/cells").asInt()).isEqualTo(cells);
            assertThat(status.at("/states/PLANNED").asInt()).isZero();
        }
        assertThat((double) reports.get(400).bytes() / reports.get(200).bytes()).isBetween(1.8, 2.2);
        assertThat((double) reports.get(400).sweep().events()
                        / reports.get(200).sweep().events())
                .isBetween(1.8, 2.2);
        // Of n writes O(log n) files are left, each level at most 31.
        assertThat(reports.get(400).files()).isLessThan(100);
    }
}
