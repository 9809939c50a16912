package dev.powersweep.orchestrator.driver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.cellstore.CellStore;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.CrashingStorage;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.RowBudget;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.orchestrator.tables.TableFile;
import dev.powersweep.worker.cell.Cell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompactorTest {
    private static final int STEPS = 4;
    private static final int CHUNK = 2;
    private static final int CELLS = 2;

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private SweepDirectory directory;
    private Storage storage;
    private ResultTables tables;
    private List<LedgerEvent> ledger = new ArrayList<>();

    private void openIn(String name) throws IOException {
        directory = SweepDirectory.at(folder.resolve(name).toString(), configuration);
        storage = Storage.of(directory.root(), configuration);
        tables = new ResultTables(directory, configuration);
        ledger = new ArrayList<>();
    }

    @Test
    void smallFilesOfFinishedCellsBecomeOneAndOthersStay() throws IOException {
        openIn("plain");
        finish(CELLS);
        Cell running = cell(CELLS);
        plan(running);
        commit(CellStore.open(storage, directory, running.id(), 1, 0), running.id(), 1, CHUNK, false);
        compact(storage, 1, CELLS * STEPS / CHUNK);
        assertThat(files(Table.STEPS)).hasSize(2).anyMatch(name -> name.startsWith("merged-000001-000001"));
        assertThat(files(Table.EVALS)).hasSize(2);
        assertThat(tables.steps()).hasSize(CELLS * STEPS + CHUNK);
        assertThat(tables.steps(cell(1).id())).extracting(StepRow::step).containsExactly(1L, 2L, 3L, 4L);
        assertThat(tables.steps(running.id())).hasSize(CHUNK);
        assertThat(tables.evals(cell(1).id())).extracting(EvalRow::step).containsExactly(2L, 4L);
        // A second driver finds nothing to do.
        List<LedgerEvent> before = List.copyOf(ledger);
        compact(storage, 2, CELLS * STEPS / CHUNK);
        assertThat(ledger).isEqualTo(before);
    }

    @Test
    void aFileOfMoreRowsThanTheSweepCanHaveIsNotRead() throws IOException {
        openIn("bomb");
        finish(CELLS);
        String name = files(Table.STEPS).get(0);
        org.apache.hadoop.fs.Path file = new org.apache.hadoop.fs.Path(directory.table("steps"), name);
        StepRow row =
                TableFile.read(storage, file, Table.STEPS, RowBudget.of(CHUNK)).get(0);
        storage.delete(file);
        TableFile.write(storage, file, Table.STEPS, Collections.nCopies(1_000_001, row), Map.of());
        // Only a sweep that was submitted says what its cells can have.
        ledger.add(0, new LedgerEvent.Submitted(Instant.EPOCH, "s", Sweeps.CORPUS, "name: s", RunPolicy.DEFAULT));
        compact(storage, 1, CELLS * STEPS / CHUNK);
        assertThat(files(Table.STEPS)).contains(name).noneMatch(each -> each.startsWith("merged"));
    }

    @Test
    void fewFilesStayAsTheyAre() throws IOException {
        openIn("few");
        finish(2);
        compact(storage, 1, Compactor.FILES);
        assertThat(files(Table.STEPS)).hasSize(2 * STEPS / CHUNK).noneMatch(name -> name.startsWith("merged"));
    }

    @Test
    void whereverADriverIsKilledNoRowIsSeenTwiceAndTheNextOneCompletesTheMerge() throws IOException {
        int kills = 0;
        for (int allowed = 0; ; allowed++) {
            openIn("killed-before-" + allowed);
            finish(CELLS);
            CrashingStorage crashing = new CrashingStorage(storage, allowed);
            compact(crashing, 1, CELLS * STEPS / CHUNK);
            assertThat(tables.steps()).as("seen by our readers, %d", allowed).hasSize(CELLS * STEPS);
            assertEachOnce(tables.steps());
            assertEachOnce(lying());
            new Compactor(storage, directory, 2, this::tell, 1000).reconcile(replay());
            assertEachOnce(lying());
            assertThat(lying()).as("seen by any reader, %d", allowed).hasSize(CELLS * STEPS);
            assertThat(tables.evals()).hasSize(CELLS * STEPS / CHUNK);
            if (!crashing.killed()) {
                break;
            }
            kills++;
        }
        assertThat(kills).isGreaterThan(12);
    }

    @Test
    void aCellTrainedAfreshLeavesItsMergedFileWhereverTheDriverIsKilled() throws IOException {
        int kills = 0;
        for (int allowed = 0; ; allowed++) {
            openIn("afresh-" + allowed);
            finish(CELLS);
            compact(storage, 1, CELLS * STEPS / CHUNK);
            String again = cell(1).id();
            ledger.add(new LedgerEvent.Requested(Instant.EPOCH, again, LedgerEvent.Beginning.AFRESH));
            CrashingStorage crashing = new CrashingStorage(storage, allowed);
            try {
                new Compactor(crashing, directory, 2, this::tell, 1000).reconcile(replay());
            } catch (CrashingStorage.Killed e) {
                kills++;
            }
            assertEachOnce(tables.steps());
            new Compactor(storage, directory, 3, this::tell, 1000).reconcile(replay());
            assertThat(tables.steps(again)).isEmpty();
            assertThat(tables.steps()).hasSize((CELLS - 1) * STEPS);
            train(cell(1), 2, 1);
            assertThat(tables.steps(again)).hasSize(STEPS).allMatch(row -> row.attempt() == 2);
            assertEachOnce(lying());
            compact(storage, 4, STEPS / CHUNK);
            assertThat(tables.steps()).hasSize(CELLS * STEPS);
            assertEachOnce(lying());
            assertThat(files(Table.STEPS)).hasSize(2);
            if (!crashing.killed()) {
                break;
            }
        }
        assertThat(kills).isGreaterThan(3);
    }

    @Test
    void aDriverThatWasReplacedMergesNothing() throws IOException {
        openIn("fenced");
        finish(CELLS);
        try (Compactor fenced = new Compactor(
                storage,
                directory,
                1,
                event -> CompletableFuture.failedFuture(new IOException("another driver has taken over")),
                2)) {
            fenced.opened(replay(), directory, 1);
        }
        assertThat(files(Table.STEPS)).hasSize(CELLS * STEPS / CHUNK);
        assertThat(tables.steps()).hasSize(CELLS * STEPS);
        new Compactor(storage, directory, 2, this::tell, 1000).reconcile(replay());
        assertThat(storage.list(directory.merges("steps"))).isEmpty();
    }

    @Test
    void readersBesideAWorkingDriverSeeEveryRowOnce() throws Exception {
        openIn("beside");
        finish(12);
        AtomicBoolean done = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        int[] reads = new int[1];
        Thread reader = new Thread(() -> {
            try {
                while (!done.get()) {
                    assertThat(tables.steps()).hasSize(12 * STEPS);
                    assertThat(tables.evals()).hasSize(12 * STEPS / CHUNK);
                    reads[0]++;
                }
            } catch (Throwable e) {
                failure.set(e);
            }
        });
        reader.start();
        compact(storage, 1, 6);
        done.set(true);
        reader.join();
        assertThat(failure.get()).isNull();
        assertThat(reads[0]).isPositive();
        assertThat(files(Table.STEPS)).hasSizeLessThanOrEqualTo(6);
    }

    private void compact(Storage through, int epoch, int filesToMerge) throws IOException {
        SweepState state = replay();
        try (Compactor compactor = new Compactor(through, directory, epoch, this::tell, filesToMerge)) {
            compactor.opened(state, directory, 1);
        }
    }

    private CompletableFuture<Void> tell(LedgerEvent event) {
        ledger.add(event);
        return CompletableFuture.completedFuture(null);
    }

    private SweepState replay() {
        SweepState state = new SweepState();
        ledger.forEach(state::apply);
        return state;
    }

    private static Cell cell(int number) {
        return Sweeps.cell(1 + number, STEPS, Trouble.NONE);
    }

    private void plan(Cell cell) {
        ledger.add(new LedgerEvent.Planned(Instant.EPOCH, cell.id(), cell, 1, 1));
    }

    private void finish(int cells) throws IOException {
        for (int i = 0; i < cells; i++) {
            plan(cell(i));
            train(cell(i), 1, 0);
        }
    }

    private void train(Cell cell, int attempt, int generation) throws IOException {
        ledger.add(new LedgerEvent.Running(Instant.EPOCH, cell.id(), attempt, 0));
        CellStore store = CellStore.open(storage, directory, cell.id(), attempt, generation);
        while (store.step() < STEPS) {
            commit(store, cell.id(), attempt, store.step() + CHUNK, store.step() + CHUNK == STEPS);
        }
        ledger.add(new LedgerEvent.Ended(Instant.EPOCH, store.outcome().orElseThrow()));
    }

    private void commit(CellStore store, String id, int attempt, long to, boolean last) throws IOException {
        List<StepRow> steps = LongStream.rangeClosed(store.step() + 1, to)
                .mapToObj(step -> new StepRow(
                        id, attempt, step, step, 1, 1, 1, OptionalDouble.empty(), OptionalDouble.empty(), 0))
                .toList();
        store.commit(
                Optional.empty(),
                to,
                steps,
                List.of(new EvalRow(id, attempt, to, to, "validation", 1, 1, 1, 1, 1)),
                last ? Optional.of(Reports.finished(id, attempt, to, 1, Instant.EPOCH)) : Optional.empty());
    }

    private List<String> files(Table<?> table) throws IOException {
        try (var files =
                Files.list(Path.of(directory.table(table.name()).toUri().getPath()))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".parquet"))
                    .sorted()
                    .toList();
        }
    }

    /** What a reader sees that takes whatever lies in the table's directory. */
    private List<StepRow> lying() throws IOException {
        List<StepRow> rows = new ArrayList<>();
        for (String name : files(Table.STEPS)) {
            rows.addAll(TableFile.read(
                    storage,
                    new org.apache.hadoop.fs.Path(directory.table("steps"), name),
                    Table.STEPS,
                    RowBudget.of(Long.MAX_VALUE)));
        }
        return rows;
    }

    private static void assertEachOnce(List<StepRow> rows) {
        assertThat(new HashSet<>(
                        rows.stream().map(row -> row.cell() + row.step()).toList()))
                .hasSize(rows.size());
    }
}
