package dev.powersweep.orchestrator.cellstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.storage.CrashingStorage;
import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CellStoreTest {
    private static final String CELL = "0123456789abcdef";
    private static final long STEPS = 10;

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private SweepDirectory directory;
    private Storage storage;
    private ResultTables tables;

    @BeforeEach
    void open() throws IOException {
        openIn("sweep");
    }

    private void openIn(String name) throws IOException {
        directory = SweepDirectory.at(folder.resolve(name).toString(), configuration);
        storage = Storage.of(directory.root(), configuration);
        tables = new ResultTables(directory, configuration);
    }

    @Test
    void anAttemptKilledBeforeAnyChangeToTheStoreLosesAndDoublesNothing() throws IOException {
        int kills = 0;
        for (int allowed = 0; ; allowed++) {
            openIn("killed-before-" + allowed);
            CrashingStorage crashing = new CrashingStorage(storage, allowed);
            try {
                train(crashing, 1, 0, 4);
            } catch (CrashingStorage.Killed e) {
                kills++;
            }
            assertNothingDoubled();
            train(storage, 2, 0, 6);
            assertComplete();
            if (!crashing.killed()) {
                break;
            }
        }
        assertThat(kills).isGreaterThan(15);
    }

    @Test
    void aSeriesOfKilledAttemptsStillEndsWithEachStepOnce() throws IOException {
        Random random = new Random(Long.getLong("test.seed", 1));
        for (int round = 0; round < 8; round++) {
            openIn("series-" + round);
            int attempt = 1;
            boolean done = false;
            while (!done) {
                try {
                    train(new CrashingStorage(storage, 4 + random.nextInt(12)), attempt, 0, 1 + random.nextInt(4));
                    done = true;
                } catch (CrashingStorage.Killed e) {
                    attempt++;
                }
                assertNothingDoubled();
            }
            assertComplete();
        }
    }

    @Test
    void aDamagedLinkIsNamedWithTheRemedyAndTheRemedyWorks() throws IOException {
        train(storage, 1, 0, 4);
        org.apache.hadoop.fs.Path home = directory.checkpoints(CELL);
        for (Storage.Entry entry : storage.list(home)) {
            if (entry.name().startsWith("manifest-")) {
                storage.replace(entry.path(), new byte[0]);
            }
        }
        assertThatThrownBy(() -> CellStore.open(storage, directory, CELL, 2, 1))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("manifest-")
                .hasMessageContaining("is damaged")
                .hasMessageContaining("delete " + home)
                .message()
                .hasLineCount(1);
        storage.delete(home);
        for (String table : new String[] {"steps", "evals"}) {
            for (Storage.Entry entry : storage.list(directory.table(table))) {
                if (entry.name().startsWith(CELL)) {
                    storage.delete(entry.path());
                }
            }
        }
        train(storage, 2, 1, 4);
        assertComplete();
    }

    @Test
    void anAttemptThatWakesUpAfterItWasReplacedStoresNothing() throws IOException {
        CellStore sleeper = CellStore.open(storage, directory, CELL, 1, 0);
        commit(sleeper, 4, false);
        CellStore successor = CellStore.open(storage, directory, CELL, 2, 0);
        assertThat(successor.step()).isEqualTo(4);
        assertThatThrownBy(() -> commit(sleeper, 6, false)).isInstanceOf(CellStore.FencedException.class);
        commit(successor, 7, false);
        commit(successor, 8, false);
        commit(successor, 9, false);
        // Links of the sleeper's time are deleted by now, so that their names are free again.
        assertThatThrownBy(() -> commit(sleeper, 6, false)).isInstanceOf(CellStore.FencedException.class);
        commit(successor, STEPS, true);
        assertComplete();
    }

    @Test
    void aStoppedAttemptsSweepingUpLeavesItsSuccessorsFilesAlone() throws IOException {
        // The sleeper is stopped before each of its changes in turn; the successor works meanwhile.
        for (int stopped = 0; ; stopped++) {
            openIn("stopped-" + stopped);
            int at = stopped;
            CellStore[] successor = new CellStore[1];
            Storage pausing = new PausingStorage(storage, at, () -> {
                successor[0] = CellStore.open(storage, directory, CELL, 2, 0);
                if (successor[0].outcome().isEmpty()) {
                    commit(successor[0], Math.min(STEPS, successor[0].step() + 2), false);
                }
            });
            try {
                train(pausing, 1, 0, 5);
            } catch (IOException e) {
                // Fenced, or its pending files were swept away: the successor owns the cell.
                assertNothingDoubled();
                if (successor[0].outcome().isEmpty()) {
                    commit(successor[0], STEPS, true);
                }
            }
            assertComplete();
            if (successor[0] == null) {
                assertThat(stopped).isGreaterThan(30);
                return;
            }
        }
    }

    @Test
    void aFinishedCellIsNotClaimedAgain() throws IOException {
        train(storage, 1, 0, 5);
        CellStore again = CellStore.open(storage, directory, CELL, 2, 0);
        assertThat(again.outcome()).map(AttemptReport::state).contains(CellState.FINISHED);
        assertComplete();
    }

    @Test
    void aCellAskedForAfreshReplacesAllItsRows() throws IOException {
        train(storage, 1, 0, 5);
        CellStore afresh = CellStore.open(storage, directory, CELL, 2, 1);
        assertThat(afresh.step()).isZero();
        assertThat(tables.steps(CELL)).isEmpty();
        commit(afresh, STEPS, true);
        assertComplete();
        assertThat(tables.steps(CELL)).allMatch(row -> row.attempt() == 2);
    }

    @Test
    void aDamagedCheckpointSendsTheCellBackToTheOneBefore() throws IOException {
        CellStore first = CellStore.open(storage, directory, CELL, 1, 0);
        commit(first, 4, false);
        commit(first, 6, false);
        Path newest;
        try (Stream<Path> files = Files.list(folder.resolve("sweep/checkpoints/" + CELL))) {
            newest = files.filter(file -> file.toString().contains("-step-6-"))
                    .findFirst()
                    .orElseThrow();
        }
        Files.writeString(newest, "rotten");
        CellStore second = CellStore.open(storage, directory, CELL, 2, 0);
        Path local = second.fetchCheckpoint(folder.resolve("scratch")).orElseThrow();
        assertThat(local).hasContent("checkpoint of step 4");
        assertThat(second.step()).isEqualTo(4);
        assertThat(tables.steps(CELL)).hasSize(4);
        commit(second, STEPS, true);
        assertComplete();
    }

    @Test
    void whoOnlyReadsGetsTheNewestWholeStateAndChangesNothing() throws IOException {
        Path scratch = Files.createDirectories(folder.resolve("scratch"));
        assertThat(CellStore.newestState(storage, directory, CELL, scratch)).isEmpty();
        CellStore store = CellStore.open(storage, directory, CELL, 1, 0);
        commit(store, 4, false);
        commit(store, 6, false);
        assertThat(CellStore.newestState(storage, directory, CELL, scratch))
                .hasValueSatisfying(state -> assertThat(state).hasContent("checkpoint of step 6"));
        Path home = folder.resolve("sweep/checkpoints/" + CELL);
        List<Path> stored;
        try (Stream<Path> files = Files.list(home)) {
            stored = files.sorted().toList();
        }
        Files.writeString(
                stored.stream()
                        .filter(file -> file.toString().contains("-step-6-"))
                        .findFirst()
                        .orElseThrow(),
                "rotten");
        assertThat(CellStore.newestState(storage, directory, CELL, scratch))
                .hasValueSatisfying(state -> assertThat(state).hasContent("checkpoint of step 4"));
        try (Stream<Path> files = Files.list(home)) {
            assertThat(files.sorted().toList()).isEqualTo(stored);
        }
        commit(store, STEPS, true);
        assertComplete();
    }

    /** Trains as a supervisor would: from the stored step to the end, with a commit every {@code chunk} steps. */
    private void train(Storage through, int attempt, int generation, int chunk) throws IOException {
        CellStore store = CellStore.open(through, directory, CELL, attempt, generation);
        if (store.outcome().isPresent()) {
            return;
        }
        Optional<Path> checkpoint = store.fetchCheckpoint(folder.resolve("scratch"));
        if (checkpoint.isPresent()) {
            assertThat(checkpoint.get()).hasContent("checkpoint of step " + store.step());
        } else {
            assertThat(store.step()).isZero();
        }
        while (store.outcome().isEmpty()) {
            long step = Math.min(STEPS, store.step() + chunk);
            commit(store, step, step == STEPS);
        }
    }

    private void commit(CellStore store, long to, boolean last) throws IOException {
        long from = store.step();
        Path checkpoint = Files.createDirectories(folder.resolve("local")).resolve("c.ckpt");
        Files.writeString(checkpoint, "checkpoint of step " + to, StandardCharsets.UTF_8);
        int attempt = store.attempt();
        List<StepRow> steps = LongStream.rangeClosed(from + 1, to)
                .mapToObj(step -> new StepRow(
                        CELL,
                        attempt,
                        step,
                        64 * step,
                        1.0 / step,
                        1e-3,
                        1,
                        OptionalDouble.empty(),
                        OptionalDouble.empty(),
                        0))
                .toList();
        List<EvalRow> evals = from == to
                ? List.of()
                : List.of(new EvalRow(CELL, attempt, to, 64 * to, "validation", 1, 0.1, 1.4, 100, 0));
        Optional<AttemptReport> outcome =
                last ? Optional.of(Reports.finished(CELL, attempt, to, 1, Instant.EPOCH)) : Optional.empty();
        store.commit(
                Optional.of(
                        new CellStore.LocalCheckpoint(checkpoint, Files.size(checkpoint), Digests.sha256(checkpoint))),
                to,
                steps,
                evals,
                outcome);
    }

    private void assertNothingDoubled() {
        assertThat(tables.steps(CELL)).extracting(StepRow::step).doesNotHaveDuplicates();
        assertThat(tables.evals(CELL)).extracting(EvalRow::step).doesNotHaveDuplicates();
    }

    private void assertComplete() {
        assertThat(tables.steps(CELL))
                .extracting(StepRow::step)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, STEPS).boxed().toList());
        assertThat(tables.evals(CELL)).extracting(EvalRow::step).contains(STEPS).doesNotHaveDuplicates();
    }
}
