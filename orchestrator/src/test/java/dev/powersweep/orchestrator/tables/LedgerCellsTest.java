package dev.powersweep.orchestrator.tables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.driver.TrainedGrid;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.host.KeptFiles;
import dev.powersweep.orchestrator.ledger.KeptProjection;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of {@code cells} kept between questions: the ledger's own, or none. */
class LedgerCellsTest {
    /** Ledgers of tests were written just now. */
    private static final Clock LATER = Clock.offset(Clock.systemUTC(), Duration.ofHours(1));

    private static final Configuration CONFIGURATION = new Configuration();

    @TempDir
    Path folder;

    private Path sweep;
    private SweepDirectory directory;
    private KeptFiles files;

    @BeforeEach
    void store() throws Exception {
        sweep = folder.resolve("it's a sweep");
        StoredSweep.write(sweep);
        directory = SweepDirectory.at(sweep.toString(), CONFIGURATION);
        files = new HostCache(folder.resolve("cache's")).kept("cells");
    }

    private LedgerCells cells() {
        return cells("a program", LATER);
    }

    private LedgerCells cells(String program, Clock clock) {
        return new LedgerCells(
                directory,
                CONFIGURATION,
                new KeptProjection(directory, CONFIGURATION, files, Optional.of(program), clock));
    }

    private record Told(Answer cells, List<EndedCell> ended) {}

    private Told ask(LedgerCells cells) {
        try (EmbeddedSql engine = EmbeddedSql.open(directory, cells, CONFIGURATION, SqlEngine.Guard.ON)) {
            return new Told(engine.ask("select * from cells"), engine.ended());
        }
    }

    private Path segment() throws Exception {
        try (Stream<Path> ledger = Files.list(sweep.resolve("ledger"))) {
            return ledger.filter(file -> file.getFileName().toString().startsWith("segment"))
                    .max(Path::compareTo)
                    .orElseThrow();
        }
    }

    @Test
    void aSecondQuestionIsAnsweredAlikeFromWhatTheFirstOneKept() throws Exception {
        Told first = ask(cells());

        LedgerCells again = cells();
        assertThat(again.kept()).isPresent();
        assertThat(ask(again)).isEqualTo(first);
        assertThat(first.cells().rows()).hasSize(3);
        assertThat(first.cells().columns())
                .isEqualTo(Table.CELLS.columns().stream()
                        .map(Table.ColumnInfo::name)
                        .toList());
        assertThat(first.ended()).extracting(EndedCell::steps).containsExactly(2L);
        assertThat(first.ended()).isEqualTo(EndedCell.of(again.state()));
    }

    @Test
    void aSecondQuestionDoesNotReadTheLedger() throws Exception {
        Told first = ask(cells());
        LedgerCells again = cells();
        Files.delete(segment());

        assertThat(ask(again)).isEqualTo(first);
        assertThatThrownBy(again::state).isInstanceOf(UserError.class);
    }

    /** Instants, integers, absent values and texts of a grid that was trained go there and back as well. */
    @Test
    void rowsOfATrainedGridGoThereAndBack() throws Exception {
        sweep = folder.resolve("grid");
        TrainedGrid.write(sweep);
        directory = SweepDirectory.at(sweep.toString(), CONFIGURATION);
        Told first = ask(cells());

        LedgerCells again = cells();
        assertThat(again.kept()).isPresent();
        assertThat(ask(again)).isEqualTo(first);
    }

    @Test
    void whatADriverHasWrittenSinceIsSeenAtOnce() throws Exception {
        ask(cells());

        Storage storage = Storage.of(directory.root(), CONFIGURATION);
        try (Ledger ledger = Ledger.open(storage, directory, "app", "2", Lease.Timing.DEFAULT, Optional::empty)) {
            assertThat(ledger).isNotNull();
        }

        assertThat(cells().kept()).isEmpty();
        assertThat(cells().state().driver().orElseThrow().version()).isEqualTo("2");
    }

    @Test
    void aLedgerOfTheSameLengthAndTimeIsReadAnewOnceItsContentMayBeAnother() throws Exception {
        ask(cells());
        FileTime before = Files.getLastModifiedTime(segment());
        String events = Files.readString(segment());
        Files.writeString(segment(), events.replace("index 3 out of bounds", "index 4 out of bounds"));
        Files.setLastModifiedTime(segment(), before);

        LedgerCells changed = cells();

        assertThat(changed.kept()).isEmpty();
        assertThat(ask(changed).cells().rows().toString()).contains("index 4 out of bounds");
    }

    @Test
    void aDirectoryInThePlaceOfAnotherIsReadAnewAndOneThatWasMovedIsNot() throws Exception {
        ask(cells());
        Path away = Files.move(sweep, folder.resolve("away"));
        Files.createDirectories(sweep.resolve("ledger"));
        try (Stream<Path> ledger = Files.list(away.resolve("ledger"))) {
            for (Path file : ledger.toList()) {
                Files.copy(
                        file, sweep.resolve("ledger").resolve(file.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }

        assertThat(cells().kept()).isEmpty();
        directory = SweepDirectory.at(away.toString(), CONFIGURATION);
        assertThat(cells().kept()).isPresent();
    }

    @Test
    void aDamagedLedgerIsToldAsEver() throws Exception {
        ask(cells());
        Files.writeString(segment(), "no event\n");

        assertThatThrownBy(() -> ask(cells()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds a line that is no event of a ledger");
    }

    @Test
    void aLinkInThePlaceOfASegmentIsRefusedAsEver() throws Exception {
        ask(cells());
        Path segment = segment();
        Files.createSymbolicLink(segment, Files.move(segment, folder.resolve("elsewhere")));

        assertThatThrownBy(() -> ask(cells())).isInstanceOf(UserError.class).hasMessageContaining("link");
    }

    @Test
    void anotherProgramMakesItsOwnRows() {
        ask(cells());

        assertThat(cells("a newer program", LATER).kept()).isEmpty();
    }

    /** What is written within the same tick of the clock could not be told from what was read. */
    @Test
    void aLedgerThatWasJustWrittenOrIsOfTheFutureIsNotKept() {
        ask(cells("a program", Clock.systemUTC()));
        ask(cells("a program", Clock.offset(Clock.systemUTC(), Duration.ofDays(-1))));

        assertThat(cells().kept()).isEmpty();
    }

    @Test
    void rowsOfALedgerThatGrewWhileItWasReadAreNotKept() throws Exception {
        LedgerCells cells = cells();
        Files.writeString(segment(), Files.readString(segment()));

        ask(cells);

        assertThat(Files.exists(folder.resolve("cache's"))).isFalse();
    }

    @Test
    void aKeptFileThatTheEngineCannotReadIsAsGoodAsNone() {
        cells().keep(file -> Files.writeString(file, "no Parquet"));
        LedgerCells broken = cells();
        assertThat(broken.kept()).isPresent();

        assertThat(ask(broken).cells().rows()).hasSize(3);
    }

    @Test
    void aKeptFileThatIsGoneWhenItIsReadIsAsGoodAsNone() throws Exception {
        ask(cells());
        LedgerCells cells = cells();
        Files.delete(cells.kept().orElseThrow());

        assertThat(ask(cells).cells().rows()).hasSize(3);
    }
}
