package dev.powersweep.orchestrator.bench;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A process from its start to its end, measured by the shell that started it. */
final class TimedProcess {
    /** Seconds in all, in user code and in the kernel, children included. */
    private static final String SCRIPT = "TIMEFORMAT='%R %U %S'; time \"$@\" >\"$0.out\" 2>\"$0.err\"";

    private static final Pattern TIMES = Pattern.compile("([0-9.]+) ([0-9.]+) ([0-9.]+)\\s*");

    /**
     * What came of it.
     *
     * @param wallSeconds from start to end
     * @param cpuSeconds of all its threads and children, user and kernel
     */
    record End(double wallSeconds, double cpuSeconds, String output) {}

    private TimedProcess() {}

    /**
     * Runs a command to its end.
     *
     * @param folder for its output, which is kept there while it runs
     * @throws UserError where it fails, with the end of what it said
     */
    static End run(Path folder, List<String> command) {
        List<String> whole = new ArrayList<>(
                List.of("bash", "-c", SCRIPT, folder.resolve("process").toString()));
        whole.addAll(command);
        try {
            Process process =
                    new ProcessBuilder(whole).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            int status = process.waitFor();
            if (status != 0) {
                throw new UserError(String.join(" ", command) + " ended with status " + status + ": "
                        + Files.readString(folder.resolve("process.err")).strip());
            }
            Matcher times = TIMES.matcher(said);
            if (!times.find()) {
                throw new UserError("bash told no times of " + command.get(0) + " but: " + said.strip());
            }
            return new End(
                    Double.parseDouble(times.group(1)),
                    Double.parseDouble(times.group(2)) + Double.parseDouble(times.group(3)),
                    Files.readString(folder.resolve("process.out")));
        } catch (IOException broken) {
            throw new UserError(
                    command.get(0) + ": cannot be run by bash (" + broken.getMessage() + "); install it", broken);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new UserError("stopped while " + command.get(0) + " was running", stopped);
        }
    }
}
