package dev.powersweep.orchestrator.publish;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.executor.LiveUpdate;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TerminalProgressTest {
    private static final SweepProgress.Numbers NUMBERS =
            new SweepProgress.Numbers(2, 0, 0, 1, 1, 0, 0, OptionalDouble.empty(), 1);

    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final TerminalProgress progress =
            new TerminalProgress(new PrintStream(said, true, StandardCharsets.UTF_8), TerminalProgress.Manner.LINES);

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

    private static LiveUpdate update(String name, long step) {
        return new LiveUpdate("000000000000000a", name, 1, step, 1000, 2048.0 * step, 3.25, 2000, 0, "host", "0");
    }

    /** What a terminal shows after these bytes: its rows that are not empty. */
    private static List<String> screen(String bytes) {
        List<StringBuilder> rows = new ArrayList<>(List.of(new StringBuilder()));
        int row = 0;
        int column = 0;
        Matcher parts = Pattern.compile("\\x1b\\[(\\??\\d*)([A-Za-z])|\r|\n|[^\\x1b\r\n]+")
                .matcher(bytes);
        while (parts.find()) {
            String command = parts.group(2) == null ? "" : parts.group(2);
            if (command.equals("A")) {
                row -= Integer.parseInt(parts.group(1));
            } else if (command.equals("K") || command.equals("J")) {
                rows.get(row).setLength(Math.min(column, rows.get(row).length()));
                while (command.equals("J") && rows.size() > row + 1) {
                    rows.remove(rows.size() - 1);
                }
            } else if (parts.group().equals("\n")) {
                row++;
                column = 0;
                if (rows.size() == row) {
                    rows.add(new StringBuilder());
                }
            } else if (parts.group().equals("\r")) {
                column = 0;
            } else if (command.isEmpty()) {
                rows.get(row).replace(column, column + parts.group().length(), parts.group());
                column += parts.group().length();
            }
        }
        return rows.stream()
                .map(StringBuilder::toString)
                .filter(line -> !line.isEmpty())
                .toList();
    }

    @Test
    void aTerminalHasALineForEachRunningCellAndFailuresStayAbove() {
        TerminalProgress terminal = new TerminalProgress(
                new PrintStream(said, true, StandardCharsets.UTF_8), TerminalProgress.Manner.TERMINAL);
        terminal.running(List.of(update("second", 5), update("first", 999)));
        terminal.now(NUMBERS);
        assertThat(screen(said.toString(StandardCharsets.UTF_8)))
                .containsExactly(
                        "[....................] 0/2 cells done, 1 running, 0 failed, 0 tokens/s, 1s",
                        "  first: step 999 of 1,000, loss 3.2500, 2000 tokens/s",
                        "  second: step 5 of 1,000, loss 3.2500, 2000 tokens/s");
        terminal.ended("gone", AttemptReport.lost("000000000000000a", 1, "gone", Instant.EPOCH), NUMBERS);
        terminal.running(List.of(update("second", 6)));
        terminal.now(NUMBERS);
        assertThat(screen(said.toString(StandardCharsets.UTF_8)))
                .containsExactly(
                        "gone: LOST_EXECUTOR: gone, trying again",
                        "[....................] 0/2 cells done, 1 running, 0 failed, 0 tokens/s, 1s",
                        "  second: step 6 of 1,000, loss 3.2500, 2000 tokens/s");
        terminal.close();
        assertThat(screen(said.toString(StandardCharsets.UTF_8)))
                .containsExactly(
                        "gone: LOST_EXECUTOR: gone, trying again",
                        "[....................] 0/2 cells done, 1 running, 0 failed, 0 tokens/s, 1s");
    }

    @ParameterizedTest
    @EnumSource(TerminalProgress.Manner.class)
    void namesAndMessagesDoNothingToATerminalAndForgeNoLine(TerminalProgress.Manner manner) {
        String hostile = "\u001b]0;owned\u0007\u001b[2J\u009b1A\u202e\r\nforged: all is well";
        TerminalProgress terminal = new TerminalProgress(new PrintStream(said, true, StandardCharsets.UTF_8), manner);
        terminal.running(List.of(update("c" + hostile, 5)));
        terminal.now(NUMBERS);
        terminal.ended("e" + hostile, AttemptReport.lost("000000000000000a", 1, "m" + hostile, Instant.EPOCH), NUMBERS);
        terminal.stopping("/d" + hostile);
        terminal.close();
        String text = said.toString(StandardCharsets.UTF_8);
        assertThat(text).contains("m\uFFFD]0;owned", "/d\uFFFD]0;owned");
        // What progress itself moves the cursor by.
        String others = text.replaceAll("\u001b\\[(\\?7[lh]|[0-9]*[AJK])", "").replace("\r", "");
        assertThat(others.replace("\n", "")).matches("[^\\p{Cntrl}\\p{Cf}\\u0080-\\u009f]*");
        assertThat(others.lines()).noneMatch(line -> line.startsWith("forged"));
    }

    @Test
    void elsewhereLinesArePlainAndQuietTellsFailuresAlone() {
        progress.running(List.of(update("first", 999)));
        progress.now(NUMBERS);
        assertThat(said.toString(StandardCharsets.UTF_8)).doesNotContain("\u001b", "\r", "first");
        said.reset();
        TerminalProgress quiet = new TerminalProgress(
                new PrintStream(said, true, StandardCharsets.UTF_8), TerminalProgress.Manner.QUIET);
        quiet.running(List.of(update("first", 999)));
        quiet.now(NUMBERS);
        assertThat(said.size()).isZero();
        quiet.ended("gone", AttemptReport.lost("000000000000000a", 1, "gone", Instant.EPOCH), NUMBERS);
        assertThat(said.toString(StandardCharsets.UTF_8)).startsWith("gone: LOST_EXECUTOR");
        quiet.close();
    }
}
