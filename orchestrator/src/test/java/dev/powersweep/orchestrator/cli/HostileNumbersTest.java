package dev.powersweep.orchestrator.cli;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.cellstore.CellStore;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Numbers in the names of files, which make loops, sums and lists. */
class HostileNumbersTest {
    @TempDir
    Path folder;

    private Path sweep;

    @BeforeEach
    void store() throws Exception {
        sweep = folder.resolve("sweep");
        StoredSweep.write(sweep);
    }

    @Test
    void numbersLongerThanANumberAreNoneOfOurs() throws Exception {
        String many = "9".repeat(30);
        Files.writeString(sweep.resolve("ledger/segment-" + many + "-" + many + "-" + many + ".jsonl"), "x");
        Files.writeString(sweep.resolve("ledger/lease-" + many + ".json"), "{}");
        try (Stream<Path> cells = Files.list(sweep.resolve("checkpoints"))) {
            for (Path cell : cells.toList()) {
                Files.writeString(cell.resolve("manifest-" + many + ".json"), "{}");
                Files.copy(
                        sweep.resolve("tables/cells/cells.parquet"),
                        sweep.resolve("tables/steps/" + cell.getFileName() + "-" + many + "-" + many + "-1.parquet"));
            }
        }
        for (List<Object> command : List.<List<Object>>of(
                List.of("status", sweep), List.of("query", sweep, "select name from cells"), List.of("fit", sweep))) {
            assertThat(powersweep(command.toArray()).err())
                    .as(command.toString())
                    .doesNotContain("unexpected failure")
                    .doesNotContain("\tat ");
        }
        assertThat(powersweep("status", sweep).exitCode()).isZero();
    }

    /** Whoever trains a cell looks for the newest of its manifests, and deletes files by their numbers. */
    @Test
    void filesOfACellWithLongerNumbersAreNoneOfOurs() throws Exception {
        String cell = "0123456789abcdef";
        String many = "9".repeat(30);
        Path home = Files.createDirectories(sweep.resolve("checkpoints").resolve(cell));
        Path manifest = Files.writeString(home.resolve("manifest-" + many + ".json"), "{}");
        Path rows = Files.writeString(home.resolve("_steps-" + many + "-1-x.parquet"), "x");
        SweepDirectory directory = SweepDirectory.at(sweep.toString(), new Configuration());

        CellStore store = CellStore.open(directory.storage(new Configuration()), directory, cell, 1, 0);

        assertThat(store.step()).isZero();
        assertThat(manifest).exists();
        assertThat(rows).exists();
    }

    /** Each driver writes down how far each earlier one's writes count: of a billion there would be a list. */
    @Test
    void aLeaseOfABillionDriversIsRefused() throws Exception {
        String lease = Files.readString(sweep.resolve("ledger/lease-000001.json"));
        Files.writeString(
                sweep.resolve("ledger/lease-999999999.json"),
                lease.replaceFirst("\"host\":\"[^\"]*\"", "\"host\":\"elsewhere\""));
        SweepDirectory directory = SweepDirectory.at(sweep.toString(), new Configuration());
        Storage storage = directory.storage(new Configuration());
        assertThatThrownBy(() -> Ledger.open(storage, directory, "app", "test", Lease.Timing.DEFAULT, Optional::empty))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("lease-999999999.json says that the sweep has had 999999999 drivers");
        assertThat(sweep.resolve("ledger/lease-1000000000.json")).doesNotExist();
    }
}
