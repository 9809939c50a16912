package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class StatusTextTest {

    private static SweepStatus failed(String lastLines) {
        Map<CellState, Integer> states = new EnumMap<>(CellState.class);
        for (CellState state : CellState.values()) {
            states.put(state, state == CellState.FAILED ? 1 : 0);
        }
        return new SweepStatus(
                "books",
                "file:/sweeps/books",
                1,
                states,
                Map.of(FailureClass.PROGRAM, 1),
                List.of(new SweepStatus.Trouble(
                        "0123456789abcdef",
                        "n25k",
                        CellState.FAILED,
                        "PROGRAM",
                        "the program ended with exit status 1 after step 0",
                        lastLines,
                        "logs/0123456789abcdef/attempt-1.log")),
                "",
                false,
                Optional.empty(),
                0,
                OptionalDouble.empty(),
                Optional.empty(),
                Map.of());
    }

    @Test
    void theLastWordsOfAFailedProgramStandBelowItsMessage() throws Exception {
        SweepStatus status = failed(
                "loading\nTraceback (most recent call last):\n  File \"train.py\", line 4\n\nValueError: \u001b[31mno\n");
        assertThat(StatusText.of(status))
                .contains("n25k: PROGRAM: the program ended with exit status 1 after step 0"
                        + " (logs/0123456789abcdef/attempt-1.log)\n"
                        + "      | Traceback (most recent call last):\n"
                        + "      |   File \"train.py\", line 4\n"
                        + "      | ValueError: \uFFFD[31mno")
                .doesNotContain("loading");
        assertThat(new ObjectMapper()
                        .readTree(status.json())
                        .at("/troubled/0/lastLines")
                        .asText())
                .startsWith("loading\nTraceback");
    }

    @Test
    void aFailureWithoutWordsHasOneLine() {
        assertThat(StatusText.of(failed(""))).doesNotContain("|");
        assertThat(StatusText.of(failed("x".repeat(1000))).lines().filter(line -> line.contains("|")))
                .singleElement()
                .asString()
                .hasSizeLessThan(320)
                .endsWith("…");
    }

    private static SweepStatus of(SweepStatus base, boolean alive, Optional<LiveNumbers> live) {
        return new SweepStatus(
                base.sweep(),
                base.directory(),
                base.cells(),
                base.states(),
                base.failures(),
                base.troubled(),
                "pid 1",
                alive,
                live,
                base.tokens(),
                base.meanTokensPerSecond(),
                base.stopped(),
                base.excludedHosts());
    }

    @Test
    void aCellBeforeItsFirstStepHasNoLossYet() {
        LiveNumbers live = new LiveNumbers(
                0,
                OptionalDouble.empty(),
                List.of(new LiveNumbers.RunningCell("0123456789abcdef", "n25k", 1, 0, 800, Double.NaN, 0, "host")));
        assertThat(StatusText.of(of(failed(""), true, Optional.of(live))))
                .contains("running   n25k: step 0 of 800, 0 tokens/s on host")
                .doesNotContain("NaN");
    }

    @Test
    void whereCellsFailedSomethingIsLeftToDo() {
        assertThat(StatusText.of(failed("")))
                .contains("none; powersweep rerun file:/sweeps/books --failed tries again what failed");
    }

    /** All that the ledger knows has ended then. */
    @Test
    void aDesignThatWaitsForItsPilotIsNotSaidToBeDone() {
        assertThat(StatusText.of(failed(""), true))
                .contains("of the rate pilot, which the design's other cells wait for")
                .contains("none; powersweep run SPEC.yaml --output file:/sweeps/books goes on")
                .doesNotContain("nothing is left to do");
    }
}
