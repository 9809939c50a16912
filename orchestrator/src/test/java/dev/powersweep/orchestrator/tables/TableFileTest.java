package dev.powersweep.orchestrator.tables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.file.Files;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableFileTest {
    @TempDir
    java.nio.file.Path folder;

    private final Configuration configuration = new Configuration();
    private SweepDirectory directory;
    private Storage storage;

    @BeforeEach
    void open() throws Exception {
        directory = SweepDirectory.at(folder.toString(), configuration);
        storage = Storage.of(directory.root(), configuration);
    }

    @Test
    void rowsComeBackAsTheyWereWrittenAbsentValuesIncluded() throws Exception {
        List<StepRow> steps = List.of(
                new StepRow("c1", 1, 1, 64, 5.5, 1e-3, 2.0, OptionalDouble.of(0.25), OptionalDouble.of(4), 0.01),
                new StepRow(
                        "c1", 1, 2, 128, Double.NaN, 2e-3, 2.5, OptionalDouble.empty(), OptionalDouble.of(4), 0.02));
        Path file = new Path(directory.table("steps"), "c1-000000001-000000002.parquet");
        TableFile.write(storage, file, Table.STEPS, steps, Map.of("lineage", "x"));

        ResultTables tables = new ResultTables(directory, configuration);
        assertThat(tables.steps("c1")).isEqualTo(steps);
        assertThat(tables.steps("c2")).isEmpty();
        assertThat(TableFile.notes(storage, tables.files(Table.STEPS, "").get(0)))
                .containsEntry("lineage", "x");
    }

    @Test
    void fitsAreReplacedAsAWhole() {
        ResultTables tables = new ResultTables(directory, configuration);
        FitRow first = fit(0.34);
        tables.writeFits(List.of(first, fit(0.35)));
        tables.writeFits(List.of(fit(0.36)));
        assertThat(tables.fits()).containsExactly(fit(0.36));
    }

    @Test
    void aTruncatedFileIsNamedInOneSentence() throws Exception {
        ResultTables tables = new ResultTables(directory, configuration);
        tables.writeFits(List.of(fit(0.34)));
        java.nio.file.Path file = folder.resolve("tables/fits/fits.parquet");
        byte[] whole = Files.readAllBytes(file);
        for (int keep : new int[] {0, 3, 11, whole.length / 2, whole.length - 1}) {
            Files.write(file, java.util.Arrays.copyOf(whole, keep));
            assertThatThrownBy(tables::fits)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("fits.parquet is not a readable Parquet file");
            assertThatThrownBy(() -> TableFile.notes(
                            storage, tables.files(Table.FITS, "").get(0)))
                    .isInstanceOf(UserError.class);
        }
    }

    @Test
    void aByteOfDataThatHasChangedIsNoticed() throws Exception {
        ResultTables tables = new ResultTables(directory, configuration);
        tables.writeFits(List.of(fit(0.34), fit(0.35)));
        java.nio.file.Path file = folder.resolve("tables/fits/fits.parquet");
        byte[] whole = Files.readAllBytes(file);
        int footer = java.nio.ByteBuffer.wrap(whole, whole.length - 8, 4)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .getInt();
        int noticed = 0;
        int data = whole.length - 8 - footer;
        for (int at = 4; at < data; at++) {
            byte[] changed = whole.clone();
            changed[at] ^= 0x40;
            Files.write(file, changed);
            try {
                // What changed tells of the data, as a page's statistics do, and is not part of it.
                assertThat(tables.fits()).as("byte " + at).containsExactly(fit(0.34), fit(0.35));
            } catch (UserError e) {
                assertThat(e).hasMessageContaining("fits.parquet is not a readable Parquet file");
                noticed++;
            }
        }
        assertThat(noticed).isGreaterThan(data / 4);
    }

    private static FitRow fit(double alpha) {
        return new FitRow(
                Instant.parse("2026-01-02T03:04:05.678901Z"),
                "hoffmann",
                "alpha",
                alpha,
                "1",
                OptionalDouble.of(0.3),
                OptionalDouble.of(0.4),
                OptionalDouble.of(0.95),
                "non-embedding",
                "validation",
                "huber",
                0.01,
                42,
                Optional.empty());
    }
}
