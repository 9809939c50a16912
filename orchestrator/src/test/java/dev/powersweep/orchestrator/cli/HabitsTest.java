package dev.powersweep.orchestrator.cli;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.powersweep.orchestrator.bench.LargeGrid;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What shells, terminals and signals make of the commands, which run as processes of their own. */
class HabitsTest {
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();
    private static final String ESCAPE = "\u001b";

    @TempDir
    private Path folder;

    private static Process process(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(JAVA, "-XX:TieredStopAtLevel=1", PowerSweep.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        builder.environment().remove("POWERSWEEP_SCREEN");
        return builder.start();
    }

    @Test
    void statusIsWatchedUntilNothingIsLeftToDo() throws Exception {
        Path sweep = folder.resolve("sweep");
        Configuration configuration = new Configuration();
        SweepDirectory directory = SweepDirectory.at(sweep.toString(), configuration);
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(1), 1).plan();
        Process watch;
        StringBuilder said = new StringBuilder();
        try (Ledger ledger = Ledger.open(
                Storage.of(directory.root(), configuration),
                directory,
                "app",
                "test",
                Lease.Timing.DEFAULT,
                Optional::empty)) {
            Instant now = Instant.now();
            List<LedgerEvent> events = new ArrayList<>(List.of(new LedgerEvent.Submitted(
                    now, plan.name(), plan.corpusHash(), plan.specification(), plan.policy())));
            List<LedgerEvent> ends = new ArrayList<>();
            for (PlannedCell planned : plan.cells()) {
                String id = planned.gridCell().cell().id();
                long steps = planned.gridCell().cell().data().steps();
                events.add(new LedgerEvent.Planned(
                        now, planned.gridCell().name(), planned.gridCell().cell(), 1, 1 << 20));
                events.add(new LedgerEvent.Running(now, id, 1, 0));
                ends.add(new LedgerEvent.Ended(now, Reports.finished(id, 1, steps, 1, now)));
            }
            ledger.append(events).join();
            watch = process("status", sweep.toString(), "--watch");
            BufferedReader lines = watch.inputReader(StandardCharsets.UTF_8);
            String line = lines.readLine();
            while (line != null && !line.startsWith("  driver    alive")) {
                said.append(line).append('\n');
                line = lines.readLine();
            }
            assertThat(line).as("%s", said).isNotNull();
            assertThat(said.toString()).contains(plan.cells().size() + " running");
            said.setLength(0);
            ledger.append(ends).join();
        }
        watch.inputReader(StandardCharsets.UTF_8).lines().forEach(each -> said.append(each)
                .append('\n'));
        assertThat(watch.waitFor()).isZero();
        assertThat(said.toString())
                .endsWith("  driver    none; nothing is left to do\n")
                .contains(plan.cells().size() + " finished")
                .doesNotContain(ESCAPE);
        assertThat(watch.getErrorStream().readAllBytes()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"INT, 2", "TERM, 15"})
    void aSignalEndsAWatch(String signal, int number) throws Exception {
        assumeTrue(!ignored(number), "who started the tests ignores SIG" + signal + ", and so do their processes");
        Path sweep = folder.resolve("sweep");
        StoredSweep.writeRunning(sweep);
        Process watch = process("status", sweep.toString(), "--watch");
        BufferedReader lines = watch.inputReader(StandardCharsets.UTF_8);
        assertThat(lines.readLine()).isNotNull();

        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(watch.pid()))
                        .start()
                        .waitFor())
                .isZero();

        assertThat(watch.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(watch.exitValue()).isEqualTo(128 + number);
        assertThat(watch.getErrorStream().readAllBytes()).isEmpty();
    }

    /** As a shell's background job ignores SIGINT, and all that it starts. */
    private static boolean ignored(int signal) throws IOException {
        Path status = Path.of("/proc/self/status");
        return Files.exists(status)
                && Files.readAllLines(status).stream()
                        .filter(line -> line.startsWith("SigIgn:"))
                        .anyMatch(line -> (Long.parseUnsignedLong(
                                                        line.substring("SigIgn:".length())
                                                                .strip(),
                                                        16)
                                                >> (signal - 1)
                                        & 1)
                                == 1);
    }

    @Test
    void helpIsInColoursOnATerminalAlone() throws Exception {
        Process elsewhere = process("run", "--help");
        String plain = new String(elsewhere.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(plain).contains("--dry-run").doesNotContain(ESCAPE);

        assumeTrue(PseudoTerminal.has("script"));
        assertThat(helpOnATerminal(Map.of())).contains("--dry-run", ESCAPE + "[");
        assertThat(helpOnATerminal(Map.of("NO_COLOR", "1")).replace("\r", "")).isEqualTo(plain);
    }

    private static String helpOnATerminal(Map<String, String> environment) throws Exception {
        try (PseudoTerminal terminal = PseudoTerminal.start(
                "'" + JAVA + "' -XX:TieredStopAtLevel=1 -cp \"$POWERSWEEP_TEST_CLASSES\" " + PowerSweep.class.getName()
                        + " run --help",
                with(environment, "POWERSWEEP_TEST_CLASSES", System.getProperty("java.class.path")))) {
            return terminal.awaitEnd();
        }
    }

    private static Map<String, String> with(Map<String, String> environment, String name, String value) {
        Map<String, String> all = new HashMap<>(environment);
        all.put(name, value);
        return all;
    }

    /** By the tab key of a shell at a terminal, its function powersweep telling what it was called with. */
    @ParameterizedTest
    @ValueSource(strings = {"bash", "zsh"})
    void theTabKeyCompletesCommandsAndOptions(String shell) throws Exception {
        assumeTrue(PseudoTerminal.has(shell) && PseudoTerminal.has("script"), shell + " is not installed");
        Path script = Files.writeString(
                folder.resolve("completion"), powersweep("completion", shell).out());
        String alone = shell.equals("bash") ? "bash --norc --noprofile -i" : "zsh -f -i";
        try (PseudoTerminal terminal =
                PseudoTerminal.start(alone, Map.of("HOME", folder.toString(), "ZDOTDIR", folder.toString()))) {
            // Quotes keep what is typed apart from what is shown for it.
            terminal.type("PS1='rea''dy> '\n").await("ready> ");
            terminal.type("powersweep() { echo \"ca\"\"lled:$*:\"; }; source '" + script + "'; echo so\"\"urced\n")
                    .await("sourced");
            terminal.type("powersweep stat\t --wat\t DIR\n").await("called:status --watch DIR:");
            terminal.type("powersweep bench sch\t --no-f\t\n").await("called:bench schedule --no-failures:");
            terminal.type("exit\n").awaitEnd();
        }
    }
}
