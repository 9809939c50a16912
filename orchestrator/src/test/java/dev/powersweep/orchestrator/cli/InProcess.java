package dev.powersweep.orchestrator.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** A command as the command line runs it, in the test's own process. */
public final class InProcess {
    private InProcess() {}

    /** What it gave back and printed. */
    public record Answer(int exitCode, String out, String err) {}

    public static Answer powersweep(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                PowerSweep.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        String[] words = new String[arguments.length];
        for (int i = 0; i < words.length; i++) {
            words[i] = arguments[i].toString();
        }
        int exitCode = command.execute(words);
        return new Answer(exitCode, out.toString(), err.toString());
    }
}
