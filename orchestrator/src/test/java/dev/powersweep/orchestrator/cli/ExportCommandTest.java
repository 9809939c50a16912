package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What export refuses, in a sentence and with nothing written; that it exports is shown on a trained sweep, in SweepIT. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExportCommandTest {
    @TempDir
    static Path folder;

    private Path sweep;
    private String finished;

    @BeforeAll
    void store() throws Exception {
        sweep = folder.resolve("sweep");
        StoredSweep.write(sweep);
        Configuration configuration = new Configuration();
        finished = LedgerReader.open(SweepDirectory.at(sweep.toString(), configuration), configuration)
                .cells()
                .iterator()
                .next()
                .name();
    }

    @Test
    void aFileOfNoKnownKindIsRefused() {
        assertRefused("weights.pt ends in none of .zip, .npz, .safetensors", finished, "weights.pt");
    }

    @Test
    void aFolderThatIsNotThereIsRefused() {
        assertRefused("there is no directory " + folder.resolve("no"), finished, "no/model.zip");
    }

    @Test
    void aCellThatIsNotThereIsRefusedWithTheNamesThereAre() {
        assertRefused("nobody is none of the sweep's 3 cells, which are named like " + finished, "nobody", "w.npz");
    }

    @Test
    void aPatternOfSeveralCellsIsRefused() {
        assertRefused("* matches 3 cells, such as " + finished, "*", "w.npz");
    }

    @Test
    void aCellWithoutAStoredStateIsRefused() {
        assertRefused("no state of " + finished + " is stored: it is FINISHED", finished, "w.npz");
    }

    @Test
    void aFolderOfTheSweepThatIsALinkIsNotFollowed() throws Exception {
        Path checkpoints = sweep.resolve("checkpoints");
        Path elsewhere = Files.move(checkpoints, sweep.resolve("elsewhere"));
        Files.createSymbolicLink(checkpoints, elsewhere);
        try {
            assertRefused(
                    "the states of " + finished + " cannot be read: " + checkpoints + " is a symbolic link",
                    finished,
                    "w.npz");
        } finally {
            Files.delete(checkpoints);
            Files.move(elsewhere, checkpoints);
        }
    }

    private void assertRefused(String sentence, String cell, String file) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                PowerSweep.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int status = line.execute(
                "export", sweep.toString(), cell, folder.resolve(file).toString());

        assertThat(status).isEqualTo(1);
        assertThat(err.toString()).contains(sentence).hasLineCount(1);
        assertThat(out.toString()).isEmpty();
        assertThat(folder.resolve(file)).doesNotExist();
        assertThat(Arrays.stream(folder.toFile().list())).containsExactly("sweep");
    }
}
