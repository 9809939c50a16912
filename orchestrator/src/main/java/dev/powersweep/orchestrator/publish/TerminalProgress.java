package dev.powersweep.orchestrator.publish;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.text.Shown;
import dev.powersweep.worker.cell.CellState;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Optional;

/** One line that is rewritten on a terminal; elsewhere a line now and then. Failures get lines of their own. */
public final class TerminalProgress implements SweepProgress {
    private static final double SECONDS_BETWEEN_LINES = 15;
    private static final String ERASE_LINE = "\r\u001b[2K";

    private final PrintStream out;
    private final boolean terminal;
    private double lastLine = Double.NEGATIVE_INFINITY;
    private Optional<Thread> hook = Optional.empty();
    private volatile boolean stopping;

    /** @param terminal whether {@code out} is one */
    public TerminalProgress(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    @Override
    public void opened(SweepState state, SweepDirectory directory, int slots) {
        Thread thread = new Thread(() -> stopping(directory.root().toString()), "how to go on");
        Runtime.getRuntime().addShutdownHook(thread);
        hook = Optional.of(thread);
    }

    /** The process ends before the sweep, as by Ctrl-C: nothing is tried again here. */
    void stopping(String directory) {
        stopping = true;
        out.println(
                (terminal ? ERASE_LINE : "") + "stopping: what has ended is stored, and what is half done goes on from"
                        + " its last checkpoint with powersweep rerun " + Shown.line(directory));
    }

    @Override
    public void now(Numbers numbers) {
        if (terminal) {
            out.print(ERASE_LINE + line(numbers));
            out.flush();
        } else if (numbers.elapsedSeconds() - lastLine >= SECONDS_BETWEEN_LINES) {
            lastLine = numbers.elapsedSeconds();
            out.println(line(numbers));
        }
    }

    @Override
    public void ended(String name, AttemptReport report, Numbers numbers) {
        if (report.failure().isPresent() || report.state() == CellState.DIVERGED) {
            String again = report.state() == CellState.INTERRUPTED && !stopping ? ", trying again" : "";
            String what = report.failure().map(Enum::name).orElse(report.state().name());
            out.println(
                    (terminal ? ERASE_LINE : "") + Shown.line(name + ": " + what + ": " + report.message()) + again);
        }
    }

    @Override
    public void close() {
        hook.ifPresent(thread -> {
            try {
                Runtime.getRuntime().removeShutdownHook(thread);
            } catch (IllegalStateException ending) {
                stopping = true;
            }
        });
        if (terminal) {
            out.println();
        }
    }

    static String line(Numbers numbers) {
        int width = 20;
        int ended = numbers.done() + numbers.failed();
        int filled = numbers.total() == 0 ? width : width * ended / numbers.total();
        StringBuilder text = new StringBuilder("[")
                .append("#".repeat(filled))
                .append(".".repeat(width - filled))
                .append("] ")
                .append(numbers.done())
                .append('/')
                .append(numbers.total())
                .append(" cells done, ")
                .append(numbers.running())
                .append(" running, ")
                .append(numbers.failed())
                .append(" failed, ")
                .append(rate(numbers.tokensPerSecond()))
                .append(" tokens/s, ")
                .append(duration(numbers.elapsedSeconds()));
        numbers.etaSeconds()
                .ifPresent(eta -> text.append(", ").append(duration(eta)).append(" to go"));
        return text.toString();
    }

    static String rate(double perSecond) {
        if (perSecond >= 1e6) {
            return String.format(Locale.ROOT, "%.2fM", perSecond / 1e6);
        }
        return perSecond >= 1e4
                ? String.format(Locale.ROOT, "%.0fk", perSecond / 1e3)
                : String.format(Locale.ROOT, "%.0f", perSecond);
    }

    /** As {@code 45s}, {@code 3m05s} or {@code 2h07m}. */
    public static String duration(double seconds) {
        long whole = Math.round(seconds);
        if (whole < 60) {
            return whole + "s";
        }
        return whole < 3600
                ? String.format(Locale.ROOT, "%dm%02ds", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%dh%02dm", whole / 3600, whole % 3600 / 60);
    }
}
