package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** status and query on a stored sweep, without a driver. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SweepCommandsTest {
    @TempDir
    static Path folder;

    private Path sweep;

    private record Answer(int status, String out, String err) {}

    @BeforeAll
    void store() throws Exception {
        // Signs that patterns, URIs and shells take for something else.
        sweep = folder.resolve("my [1st] {sweep}*#%20");
        StoredSweep.write(sweep);
    }

    @Test
    void statusTellsStatesFailuresAndThatNoDriverLives() throws Exception {
        Answer text = execute("status", sweep.toString());
        assertThat(text.status()).isZero();
        assertThat(text.out())
                .contains("cells     3: 1 planned, 1 finished, 1 failed")
                .contains("failures  1 BUG")
                .contains("index 3 out of bounds")
                .contains("driver    none; powersweep rerun");
        Answer json = execute("status", sweep.toString(), "--json");
        JsonNode status = LedgerJson.mapper().readTree(json.out());
        assertThat(status.path("states").path("FINISHED").asInt()).isEqualTo(1);
        assertThat(status.path("failures").path("BUG").asInt()).isEqualTo(1);
        assertThat(status.path("driverAlive").asBoolean()).isFalse();
        assertThat(status.path("etaSeconds").isNull()).isTrue();
        assertThat(status.path("tokensPerSecond").asDouble()).isZero();
    }

    @Test
    void aCellThatTrainedWhenItsDriverWasKilledIsInterruptedAndNotRunning() throws Exception {
        Path killed = folder.resolve("killed");
        StoredSweep.writeRunning(killed);
        Answer text = execute("status", killed.toString());
        assertThat(text.status()).isZero();
        assertThat(text.out())
                .contains("cells     2: 1 planned, 1 interrupted")
                .contains("driver    none; powersweep rerun")
                .doesNotContain("running");
        JsonNode states = LedgerJson.mapper()
                .readTree(execute("status", killed.toString(), "--json").out())
                .path("states");
        assertThat(states.path("RUNNING").asInt()).isZero();
        assertThat(states.path("INTERRUPTED").asInt()).isEqualTo(1);
    }

    @Test
    void theCompletionScriptCompletesCommandsAndOptions() throws Exception {
        for (String shell : List.of("bash", "zsh")) {
            Path script = Files.writeString(
                    folder.resolve("completion." + shell),
                    execute("completion", shell).out());
            // zsh has no place here; what is its own are the lines before bash's script.
            String asked = "autoload() { :; }; compinit() { :; }; bashcompinit() { :; }; source '" + script + "'\n"
                    + "ask() { COMP_WORDS=(powersweep \"$@\"); COMP_CWORD=$#; COMPREPLY=(); _complete_powersweep;"
                    + " echo \"${COMPREPLY[@]}\"; }\n"
                    + "ask re\nask status --w\nask trainer ch\n";
            Process bash = new ProcessBuilder("bash", "-c", asked)
                    .redirectErrorStream(true)
                    .start();
            String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(said.lines().map(line -> List.of(line.split(" "))))
                    .satisfiesExactly(
                            commands -> assertThat(commands).contains("rerun", "report"),
                            options -> assertThat(options).contains("--watch"),
                            below -> assertThat(below).containsExactly("check"));
        }
    }

    @Test
    void theHelpNamesTheExitStatuses() {
        assertThat(execute("--help").out()).contains("Exit status:", "  0 ", "  1 ", "  2 ", "130");
    }

    @Test
    void statusOfADirectoryWithoutASweepIsOneSentence() {
        Answer answer = execute("status", folder.toString());
        assertThat(answer.status()).isNotZero();
        assertThat(answer.err()).contains("holds no sweep").hasLineCount(1);
    }

    @Test
    void queryAnswersInThreeFormatsAndRefusesBadSql() throws Exception {
        String sql = "select state, count(*) as cells from cells group by state order by state";
        Answer table = execute("query", sweep.toString(), sql);
        assertThat(table.err()).isEmpty();
        assertThat(table.out()).startsWith("state     cells\nFAILED        1\nFINISHED      1\n");
        assertThat(execute("query", sweep.toString(), sql, "--format", "csv")
                        .out()
                        .lines())
                .containsExactly("state,cells", "FAILED,1", "FINISHED,1", "PLANNED,1");
        JsonNode json = LedgerJson.mapper()
                .readTree(execute(
                                "query",
                                sweep.toString(),
                                "select `set`, max(step) as step, min(loss) as loss from evals group by `set`",
                                "--format",
                                "json")
                        .out());
        assertThat(json.get(0).path("set").asText()).isEqualTo("validation");
        assertThat(json.get(0).path("step").asInt()).isEqualTo(2);
        assertThat(execute("query", sweep.toString(), "select count(*) as n from fits")
                        .out())
                .isEqualTo("n\n0\n");

        Answer syntax = execute("query", sweep.toString(), "selekt 1");
        assertThat(syntax.status()).isNotZero();
        assertThat(syntax.err()).hasLineCount(1).contains("the SQL was refused").contains("selekt");
        Answer unknown = execute("query", sweep.toString(), "select * from sells");
        assertThat(unknown.err()).hasLineCount(1).contains("the tables are cells, steps, evals and fits");
    }

    @Test
    void aTruncatedFileOfATableIsNamedInOneSentence() throws Exception {
        for (String table : new String[] {"steps", "cells"}) {
            Path copy = folder.resolve("copy-" + table);
            StoredSweep.write(copy);
            Path file;
            try (var files = Files.list(copy.resolve("tables/" + table))) {
                file = files.findFirst().orElseThrow();
            }
            byte[] whole = Files.readAllBytes(file);
            Files.write(file, Arrays.copyOf(whole, whole.length / 2));
            Answer answer = execute("query", copy.toString(), "select * from " + table);
            assertThat(answer.status()).isNotZero();
            assertThat(answer.out()).isEmpty();
            assertThat(answer.err())
                    .hasLineCount(1)
                    .contains(file.getFileName().toString())
                    .contains("is not a readable Parquet file");
            assertThat(Files.size(file)).isEqualTo(whole.length / 2);
        }
    }

    @Test
    void aFileOfATableThatIsEmptyOrGoneIsNotPassedOverInSilence() throws Exception {
        Path copy = folder.resolve("copy-emptied");
        StoredSweep.write(copy);
        Path file;
        try (var files = Files.list(copy.resolve("tables/steps"))) {
            file = files.findFirst().orElseThrow();
        }
        Files.write(file, new byte[0]);
        Answer emptied = execute("query", copy.toString(), "select count(*) from steps");
        assertThat(emptied.status()).isNotZero();
        assertThat(emptied.err())
                .hasLineCount(1)
                .contains(file.getFileName().toString())
                .contains("is not a readable Parquet file");
        Files.delete(file);
        Answer gone = execute("query", copy.toString(), "select count(*) as n from steps");
        assertThat(gone.out()).isEqualTo("n\n0\n");
        assertThat(gone.err()).hasLineCount(1).contains("warning: ").contains("has files for 0 of the 2 steps of cell");
    }

    @Test
    void aByteThatHasChangedInATableIsNoticed() throws Exception {
        Path copy = folder.resolve("copy-changed");
        StoredSweep.write(copy);
        Path file;
        try (var files = Files.list(copy.resolve("tables/steps"))) {
            file = files.findFirst().orElseThrow();
        }
        byte[] whole = Files.readAllBytes(file);
        // In the first page's data, behind its magic and header.
        whole[60] ^= 0x40;
        Files.write(file, whole);
        Answer answer = execute("query", copy.toString(), "select * from steps");
        assertThat(answer.status()).isNotZero();
        assertThat(answer.err())
                .hasLineCount(1)
                .contains(file.getFileName().toString())
                .contains("is not a readable Parquet file");
    }

    @Test
    void rerunOfNoMatchingCellSaysHowCellsAreNamed() {
        Answer answer = execute("rerun", sweep.toString(), "--cells", "nothing-*");
        assertThat(answer.status()).isNotZero();
        assertThat(answer.err()).hasLineCount(1).contains("matches none of the sweep's 3 cells");
        assertThat(execute("rerun", sweep.toString(), "--failed", "--cells", "x")
                        .status())
                .isEqualTo(2);
    }

    private static Answer execute(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine =
                PowerSweep.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int status = commandLine.execute(arguments);
        return new Answer(status, out.toString(), err.toString());
    }
}
