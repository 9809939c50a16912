package dev.powersweep.orchestrator.cli;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.cli.InProcess.Answer;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What sample refuses, in a sentence; that it samples is shown on a trained sweep, in SweepIT. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SampleCommandTest {
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
    void whatCannotBeDrawnIsRefused() {
        assertRefused(1, "--tokens 1000000 is above 100000", finished, "--tokens", "1000000");
        assertRefused(1, "nobody is none of the sweep's 3 cells", "nobody");
        assertRefused(1, "no state of " + finished + " is stored: it is FINISHED", finished);
        assertRefused(2, "--prompt-tokens", finished, "--prompt-tokens", "a,b");
        assertRefused(2, "--temperature", finished, "--temperature", "hot");
    }

    private void assertRefused(int status, String sentence, String... words) {
        List<Object> arguments = new ArrayList<>(List.of("sample", sweep));
        arguments.addAll(List.of(words));
        Answer answer = powersweep(arguments.toArray());
        assertThat(answer.exitCode()).as(answer.err()).isEqualTo(status);
        assertThat(answer.err()).contains(sentence);
        assertThat(answer.out()).isEmpty();
    }
}
