package dev.powersweep.orchestrator.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code powersweep completion}: a script that lets a shell complete commands, options and files. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        description = {
            "Prints a script for the tab key: commands, options, and files elsewhere.",
            "  bash: source <(powersweep completion bash)",
            "  zsh:  source <(powersweep completion zsh)",
            "in this shell, or in ~/.bashrc or ~/.zshrc for every one."
        })
final class CompletionCommand implements Callable<Integer> {

    /** Whose script. */
    enum Shell {
        BASH,
        ZSH
    }

    /** zsh takes bash's completions once it is asked to; compinit comes before that. */
    private static final String ZSH =
            "autoload -Uz compinit && compinit -u\nautoload -Uz bashcompinit && bashcompinit\n";

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}")
    private Shell shell = Shell.BASH;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        String script = AutoComplete.bash("powersweep", PowerSweep.commandLine());
        out.print(shell == Shell.ZSH ? ZSH + script : script);
        out.flush();
        return CommandLine.ExitCode.OK;
    }
}
