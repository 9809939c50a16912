package dev.powersweep.orchestrator.publish;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class TerminalProgressTest {
    private static final SweepProgress.Numbers NUMBERS =
            new SweepProgress.Numbers(2, 0, 0, 1, 1, 0, 0, OptionalDouble.empty(), 1);

    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final TerminalProgress progress =
            new TerminalProgress(new PrintStream(said, true, StandardCharsets.UTF_8), false);

    private String ended() {
        said.reset();
        progress.ended("a", AttemptReport.lost("000000000000000a", 1, "gone", Instant.EPOCH), NUMBERS);
        return said.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatIsStoppedIsNotTriedAgainAndSaysHowToGoOn() {
        assertThat(ended()).contains("gone, trying again");

        progress.stopping("/data/sweep");

        assertThat(said.toString(StandardCharsets.UTF_8)).contains("powersweep rerun /data/sweep");
        assertThat(ended()).contains("gone").doesNotContain("trying again");
    }
}
