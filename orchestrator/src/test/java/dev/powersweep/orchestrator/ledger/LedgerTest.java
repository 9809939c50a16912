package dev.powersweep.orchestrator.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.LedgerEvent.Beginning;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.CrashingStorage;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final Lease.Timing QUICK = new Lease.Timing(Duration.ofMillis(200), Duration.ofMillis(2500));

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private SweepDirectory directory;
    private Storage storage;

    @BeforeEach
    void open() throws IOException {
        openIn("sweep");
    }

    private void openIn(String name) throws IOException {
        directory = SweepDirectory.at(folder.resolve(name).toString(), configuration);
        storage = Storage.of(directory.root(), configuration);
    }

    @Test
    void theStateIsRebuiltFromTheEvents() throws Exception {
        Cell cell = cell(10);
        try (Ledger ledger = ledger(storage)) {
            ledger.append(List.of(submitted(), planned(cell))).join();
            ledger.append(List.of(new LedgerEvent.Running(NOW, cell.id(), 1, 0)))
                    .join();
            ledger.append(List.of(ended(cell, 1, CellState.INTERRUPTED))).join();
            ledger.append(List.of(new LedgerEvent.Running(NOW, cell.id(), 2, 0)))
                    .join();
            ledger.append(List.of(ended(cell, 2, CellState.FAILED))).join();
            ledger.append(List.of(new LedgerEvent.Requested(NOW, cell.id(), Beginning.AFRESH)))
                    .join();
        }
        SweepState state = LedgerReader.open(directory, configuration);
        CellRecord record = state.cell(cell.id()).orElseThrow();
        assertThat(record.cell()).isEqualTo(cell);
        assertThat(record.state()).isEqualTo(CellState.PLANNED);
        assertThat(record.attempts()).isEqualTo(2);
        assertThat(record.generation()).isEqualTo(1);
        assertThat(state.submitted().orElseThrow()).isEqualTo(submitted());
        assertThat(state.count(CellState.PLANNED)).isEqualTo(1);
    }

    /**
     * Two ledgers of {@code SimulatedSweep} over {@code LargeGrid.specification(4)} on two slots, seeds 3 and 12, with
     * {@code new Hazards(3000, 0.3, 0.4, 0.3, 0.2, 0.15)}, as commit d70ba9f wrote them, when a report held an outcome's
     * parts side by side.
     */
    @Test
    void aLedgerFromBeforeThereWereOutcomesIsReadAndWrittenAsItWas() throws Exception {
        Map<String, Integer> outcomes = new TreeMap<>();
        for (String name : List.of("before-outcome-1.jsonl", "before-outcome-2.jsonl")) {
            SweepState state = new SweepState();
            for (String line : resource(name).split("\n")) {
                LedgerEvent event = LedgerJson.read(line, LedgerEvent.class);
                state.apply(event);
                assertThat(LedgerJson.mapper().readTree(LedgerJson.line(event)))
                        .isEqualTo(LedgerJson.mapper().readTree(line));
                if (event instanceof LedgerEvent.Ended ended) {
                    Outcome outcome = ended.report().outcome();
                    outcomes.merge(
                            outcome.getClass().getSimpleName()
                                    + outcome.trouble()
                                            .map(why -> " " + why.failure())
                                            .orElse(""),
                            1,
                            Integer::sum);
                }
            }
            assertThat(state.cells()).allMatch(cell -> cell.state().terminal());
        }
        assertThat(outcomes)
                .containsOnlyKeys(
                        "Diverged",
                        "Failed BUG",
                        "Failed NATIVE_CRASH",
                        "Finished",
                        "Interrupted HOST_MEMORY",
                        "Interrupted NATIVE_CRASH");
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = LedgerTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void whatCannotFollowIsRefused() {
        SweepState state = new SweepState();
        Cell cell = cell(10);
        state.apply(planned(cell));
        assertThatThrownBy(() -> state.apply(ended(cell, 1, CellState.FINISHED)))
                .hasMessage("cell " + cell.id() + " cannot go from PLANNED to FINISHED");
        state.apply(new LedgerEvent.Running(NOW, cell.id(), 1, 0));
        assertThatThrownBy(() -> state.apply(ended(cell, 2, CellState.FINISHED)))
                .hasMessageContaining("attempt 2 of cell " + cell.id() + " ends while attempt 1 runs");
    }

    @Test
    void manyWritesLeaveFewFilesAndEveryEvent() throws Exception {
        int writes = 100;
        try (Ledger ledger = ledger(storage)) {
            ledger.append(List.of(submitted())).join();
            for (int i = 1; i <= writes; i++) {
                // Each waits for the one before, so that none are grouped.
                ledger.append(List.of(planned(cell(i)))).join();
            }
        }
        try (Stream<Path> files = Files.list(folder.resolve("sweep/ledger"))) {
            assertThat(files.filter(file -> file.toString().contains("segment-")))
                    .hasSizeLessThan(12);
        }
        assertThat(LedgerReader.open(directory, configuration).cells()).hasSize(writes);
    }

    @Test
    void eventsThatComeTogetherAreWrittenTogether() throws Exception {
        try (Ledger ledger = ledger(storage)) {
            List<CompletableFuture<Void>> stored = new ArrayList<>();
            stored.add(ledger.append(List.of(submitted())));
            for (int i = 1; i <= 2000; i++) {
                stored.add(ledger.append(List.of(planned(cell(i)))));
            }
            CompletableFuture.allOf(stored.toArray(CompletableFuture[]::new)).join();
        }
        try (Stream<Path> files = Files.list(folder.resolve("sweep/ledger"))) {
            assertThat(files.filter(file -> file.toString().contains("segment-")))
                    .hasSizeLessThan(500);
        }
        assertThat(LedgerReader.open(directory, configuration).cells()).hasSize(2000);
    }

    @Test
    void aDriverKilledBeforeAnyWriteLosesNothingItAcknowledged() throws Exception {
        for (int allowed = 0; allowed < 60; allowed += 3) {
            openIn("killed-" + allowed);
            CrashingStorage crashing = new CrashingStorage(storage, allowed);
            int acknowledged = 0;
            Ledger ledger = null;
            try {
                ledger = ledger(crashing);
                ledger.append(List.of(submitted())).join();
                for (int i = 1; i <= 34; i++) {
                    ledger.append(List.of(planned(cell(i)))).join();
                    acknowledged = i;
                }
            } catch (CrashingStorage.Killed | CompletionException e) {
                assertThat(crashing.killed()).isTrue();
            }
            if (acknowledged > 0) {
                assertThat(LedgerReader.open(directory, configuration).cells().size())
                        .isGreaterThanOrEqualTo(acknowledged);
            }
            if (ledger != null) {
                killed(ledger);
            }
        }
    }

    /** Ends the threads of a driver that is dead already. */
    private static void killed(Ledger ledger) {
        try {
            ledger.close();
        } catch (CrashingStorage.Killed e) {
            assertThat(e).isNotNull();
        }
    }

    @Test
    void aSecondDriverIsToldWhoHoldsTheSweep() throws Exception {
        try (Ledger first = ledger(storage)) {
            assertThat(first.epoch()).isEqualTo(1);
            assertThatThrownBy(() -> ledger(storage))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("another driver is running the sweep in")
                    .hasMessageContaining("pid " + ProcessHandle.current().pid());
        }
        try (Ledger second = ledger(storage)) {
            assertThat(second.epoch()).isEqualTo(2);
        }
    }

    @Test
    void aDriverElsewhereThatStillBeatsIsNotTakenFor() throws Exception {
        Lease.Holder elsewhere = new Lease.Holder(1, "another-host", 4711, Optional.empty(), "ada", NOW);
        storage.createNew(
                new org.apache.hadoop.fs.Path(directory.ledger(), "lease-000001.json"), LedgerJson.bytes(elsewhere));
        org.apache.hadoop.fs.Path heartbeat = new org.apache.hadoop.fs.Path(directory.ledger(), "_beat-000001.json");
        storage.replace(heartbeat, LedgerJson.bytes(new Lease.Heartbeat(1, NOW, Lease.Life.ALIVE, Optional.empty())));
        Thread beating = new Thread(() -> {
            for (long count = 2; !Thread.currentThread().isInterrupted(); count++) {
                try {
                    storage.replace(
                            heartbeat,
                            LedgerJson.bytes(new Lease.Heartbeat(count, NOW, Lease.Life.ALIVE, Optional.empty())));
                    Thread.sleep(50);
                } catch (IOException | InterruptedException e) {
                    return;
                }
            }
        });
        beating.start();
        assertThatThrownBy(() -> ledger(storage)).hasMessageContaining("pid 4711 on another-host (user ada");
        beating.interrupt();
        beating.join();
        // Now it is silent, and is given up after the expiry.
        try (Ledger heir = ledger(storage)) {
            assertThat(heir.epoch()).isEqualTo(2);
        }
    }

    @Test
    void whatADriverWritesAfterItWasReplacedDoesNotCountAndItLearnsSo() throws Exception {
        Ledger stopped = ledger(storage);
        stopped.append(List.of(submitted(), planned(cell(1)))).join();
        // Another host took over: it saw no heartbeat. (Here by its files alone, for both are in this process.)
        Lease.Holder heir = new Lease.Holder(2, "another-host", 1, Optional.empty(), "ada", NOW);
        storage.createNew(
                new org.apache.hadoop.fs.Path(directory.ledger(), "lease-000002.json"), LedgerJson.bytes(heir));
        LedgerReader.Replay seen = LedgerReader.replay(storage, directory);
        storage.createNew(
                Segment.in(directory.ledger(), 2, 1, 1).path(),
                LedgerJson.bytes(
                        new LedgerEvent.DriverStarted(NOW, 2, seen.lastSegments(), "another-host", 1, "app", "test")));
        assertThatThrownBy(() -> stopped.append(List.of(planned(cell(2)))).join())
                .hasCauseInstanceOf(Ledger.FencedException.class);
        assertThat(stopped.fenced()).isTrue();
        stopped.close();
        assertThat(LedgerReader.open(directory, configuration).cells()).hasSize(1);
    }

    @Test
    void aDirectoryWithoutASweepAndADamagedLedgerAreNamed() throws Exception {
        assertThatThrownBy(() -> LedgerReader.open(directory, configuration))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds no sweep");
        try (Ledger ledger = ledger(storage)) {
            ledger.append(List.of(submitted())).join();
        }
        Path segment;
        try (Stream<Path> files = Files.list(folder.resolve("sweep/ledger"))) {
            segment = files.filter(file -> file.toString().contains("segment-"))
                    .sorted()
                    .findFirst()
                    .orElseThrow();
        }
        Files.writeString(segment, "{\"event\":\"subm");
        assertThatThrownBy(() -> LedgerReader.open(directory, configuration))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(segment.getFileName().toString());
    }

    @Test
    void aSegmentThatIsGoneOrEmptyIsNamedWhereverItWas() throws Exception {
        for (int driver = 1; driver <= 2; driver++) {
            try (Ledger ledger = ledger(storage)) {
                ledger.append(List.of(submitted())).join();
                ledger.append(List.of(planned(cell(driver)))).join();
            }
        }
        // Of the last driver's own nobody knows whether another one followed.
        for (String name : List.of("000001-000000001", "000001-000000002", "000001-000000003", "000002-000000002")) {
            Path segment =
                    folder.resolve("sweep/ledger/segment-" + name + name.substring(name.lastIndexOf('-')) + ".jsonl");
            byte[] content = Files.readAllBytes(segment);
            Files.delete(segment);
            assertThatThrownBy(() -> LedgerReader.open(directory, configuration))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("has lost write")
                    .hasMessageContaining(segment.getFileName().toString());
            assertThatThrownBy(() -> ledger(storage)).hasMessageContaining("has lost write");
            Files.write(segment, new byte[0]);
            assertThatThrownBy(() -> LedgerReader.open(directory, configuration))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(segment.getFileName() + " is empty");
            Files.write(segment, content);
        }
        assertThat(LedgerReader.open(directory, configuration).cells()).hasSize(2);
    }

    @Test
    void aDamagedLeaseOrBeatOfADriverThatIsGoneIsNoHindrance() throws Exception {
        try (Ledger ledger = ledger(storage)) {
            ledger.append(List.of(submitted())).join();
        }
        Files.writeString(folder.resolve("sweep/ledger/lease-000001.json"), "{\"epoch\":");
        assertThat(Lease.look(storage, directory).orElseThrow().holder().host()).isEqualTo("a host unknown");
        try (Ledger heir = ledger(storage)) {
            assertThat(heir.epoch()).isEqualTo(2);
        }
        // Nothing tells who it was, nor that it went: it is waited for as one elsewhere.
        Files.writeString(folder.resolve("sweep/ledger/lease-000002.json"), "");
        Files.writeString(folder.resolve("sweep/ledger/_beat-000002.json"), "");
        try (Ledger heir = ledger(storage)) {
            assertThat(heir.epoch()).isEqualTo(3);
        }
    }

    private Ledger ledger(Storage through) throws InterruptedException {
        return Ledger.open(through, directory, "app", "test", QUICK, Optional::empty);
    }

    private static LedgerEvent.Submitted submitted() {
        return new LedgerEvent.Submitted(NOW, "trial", "c0ffee", "name: trial\n", RunPolicy.DEFAULT);
    }

    private static LedgerEvent.Planned planned(Cell cell) {
        return new LedgerEvent.Planned(NOW, "cell-" + cell.data().steps(), cell, 1, 1 << 20);
    }

    private static LedgerEvent.Ended ended(Cell cell, int attempt, CellState state) {
        return new LedgerEvent.Ended(NOW, Reports.report(cell.id(), attempt, outcome(cell, state), 0, 0, 0, "", NOW));
    }

    private static Outcome outcome(Cell cell, CellState state) {
        return Outcome.of(
                state, Optional.of(FailureClass.LOST_EXECUTOR), "gone", "", Optional.of(Reports.result(cell.id(), 10)));
    }

    private static Cell cell(long steps) {
        return new Cell(
                ModelShape.gpt(1, 32, 2, 16, 256),
                new DataRule("c0ffee", steps, 8, 10_000),
                new TrainingRule(
                        1e-3,
                        1,
                        new Schedule.Constant(),
                        0.9,
                        0.95,
                        1e-8,
                        0.1,
                        1.0,
                        0.0,
                        0.02,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT),
                new EvaluationRule(4, 1024, List.of("validation")),
                0);
    }
}
