package dev.powersweep.orchestrator.cellstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.dispatch.SharedSteps;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.Cell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParentRunTest {
    private static final Instant NOW = Instant.EPOCH;

    @TempDir
    Path folder;

    /** A run that was stopped when one of two branches of a state had ended. */
    @Test
    void theStateOfATrunkStaysAsLongAsABranchOfItHasNotEnded() throws IOException {
        SweepDirectory directory = SweepDirectory.at(folder.resolve("sweep").toString(), new Configuration());
        Storage storage = Storage.of(directory.root(), new Configuration());
        Cell trunk = Sweeps.branch(40, Trouble.NONE);
        Cell first = Sweeps.otherBatch(trunk, 16, 2);
        Cell second = Sweeps.otherBatch(trunk, 16, 4);
        CellStore store = CellStore.open(storage, directory, trunk.id(), 1, 0);
        store.keepTrunk(List.of(16L, 32L));
        for (long step : List.of(16L, 32L, 40L)) {
            Path file = Files.writeString(folder.resolve("local.ckpt"), "step " + step);
            Optional<AttemptReport> outcome =
                    step == 40 ? Optional.of(Reports.finished(trunk.id(), 1, 40, 1, NOW)) : Optional.empty();
            store.commit(
                    Optional.of(new CellStore.LocalCheckpoint(file, Files.size(file), Digests.sha256(file))),
                    step,
                    List.of(),
                    List.of(),
                    outcome);
        }
        SweepState state = new SweepState();
        for (Cell cell : List.of(trunk, first, second)) {
            state.apply(new LedgerEvent.Planned(NOW, "b" + cell.batchTokens() + cell.id(), cell, 1, 1));
        }
        end(state, trunk, Optional.empty());
        end(state, first, Optional.of(new SharedSteps(trunk.id(), 16)));
        Set<String> ran = Set.of(trunk.id(), first.id());

        ParentRun.releaseAll(storage, directory, state, ran);
        assertThat(states(trunk)).containsExactlyInAnyOrder("16", "32", "40");

        end(state, second, Optional.of(new SharedSteps(trunk.id(), 16)));
        ParentRun.releaseAll(storage, directory, state, ran);
        assertThat(states(trunk)).containsExactlyInAnyOrder("32", "40");
    }

    private static void end(SweepState state, Cell cell, Optional<SharedSteps> shared) {
        long steps = cell.data().steps();
        state.apply(new LedgerEvent.Running(NOW, cell.id(), 1, 0));
        state.apply(new LedgerEvent.Ended(
                NOW,
                new AttemptReport(
                        cell.id(),
                        1,
                        new Outcome.Finished(Reports.result(cell.id(), steps)),
                        new AttemptReport.Work(
                                steps, shared.map(SharedSteps::steps).orElse(0L), shared, 1, 0, 2),
                        NOW,
                        NOW,
                        new AttemptReport.Place("host", "0"),
                        Optional.empty(),
                        "")));
    }

    private List<String> states(Cell cell) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("sweep/checkpoints/" + cell.id()))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("checkpoint-"))
                    .map(name -> name.replaceFirst(".*-step-(\\d+)-.*", "$1"))
                    .toList();
        }
    }
}
