package dev.powersweep.orchestrator.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.host.KeptFiles;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What status keeps of a ledger, and what it asks anew each time. */
class LedgerSummaryTest {
    private static final Configuration CONFIGURATION = new Configuration();

    @TempDir
    Path folder;

    private SweepDirectory directory;
    private KeptFiles files;

    @BeforeEach
    void open() {
        directory = SweepDirectory.at(folder.resolve("sweep").toString(), CONFIGURATION);
        files = new HostCache(folder.resolve("cache")).kept("status");
    }

    private KeptProjection kept() {
        // Ledgers of tests were written just now.
        Clock later = Clock.offset(Clock.systemUTC(), Duration.ofHours(1));
        return new KeptProjection(directory, CONFIGURATION, files, Optional.of("a program"), later);
    }

    private SweepStatus status() {
        return SweepStatus.read(directory, CONFIGURATION, kept());
    }

    @Test
    void aSecondStatusIsTheSameWithoutALookIntoTheLedger() throws Exception {
        StoredSweep.write(folder.resolve("sweep"));
        SweepStatus first = status();
        KeptProjection again = kept();
        try (Stream<Path> ledger = Files.list(folder.resolve("sweep/ledger"))) {
            for (Path file : ledger.toList()) {
                if (file.getFileName().toString().startsWith("segment")) {
                    Files.delete(file);
                }
            }
        }

        assertThat(SweepStatus.read(directory, CONFIGURATION, again)).isEqualTo(first);
        assertThat(first.troubled()).singleElement().satisfies(trouble -> assertThat(trouble.message())
                .isEqualTo("index 3 out of bounds"));
        assertThatThrownBy(this::status).isInstanceOf(UserError.class);
    }

    /** The ledger of a sweep does not change when its driver dies. */
    @Test
    void whetherTheDriverLivesIsAskedEachTime() throws Exception {
        Lease.Timing quick = new Lease.Timing(Duration.ofMillis(50), Duration.ofMillis(500));
        StoredSweep.writeRunning(folder.resolve("sweep"));
        Storage storage = Storage.of(directory.root(), CONFIGURATION);
        try (Ledger living = Ledger.open(storage, directory, "app", "2", quick, Optional::empty)) {
            assertThat(status().driverAlive()).isTrue();
            assertThat(status().states()).containsEntry(CellState.RUNNING, 1);
        }

        assertThat(kept().find()).isPresent();
        assertThat(status().driverAlive()).isFalse();
        assertThat(status().states()).containsEntry(CellState.RUNNING, 0).containsEntry(CellState.INTERRUPTED, 1);
    }

    @Test
    void whatWasToldSinceIsTold() throws Exception {
        StoredSweep.writeRunning(folder.resolve("sweep"));
        assertThat(status().stopped()).isEmpty();

        Storage storage = Storage.of(directory.root(), CONFIGURATION);
        try (Ledger next = Ledger.open(storage, directory, "app", "2", Lease.Timing.DEFAULT, Optional::empty)) {
            next.append(List.of(new LedgerEvent.SweepStopped(Instant.now(), "the budget is spent")))
                    .join();
        }

        assertThat(status().stopped()).contains("the budget is spent");
    }
}
