package dev.powersweep.orchestrator.publish;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.executor.LiveUpdate;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.text.Shown;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a run shows while it goes: on a terminal a bar and a line a running cell, rewritten in place; elsewhere a line now
 * and then. Failures get lines of their own.
 */
public final class TerminalProgress implements SweepProgress {

    /** Where it is shown. */
    public enum Manner {
        TERMINAL,
        /** No terminal: lines that stay. */
        LINES,
        /** Failures alone. */
        QUIET;

        /**
         * Of this process.
         *
         * @param quiet whether the user asked for nothing but failures
         */
        public static Manner of(boolean quiet) {
            return quiet ? QUIET : System.getenv("POWERSWEEP_TERMINAL") != null ? TERMINAL : LINES;
        }
    }

    private static final int LONGEST_WORD = 200;
    private static final double SECONDS_BETWEEN_LINES = 15;
    /** Running cells that have a line; the bar counts all of them. */
    private static final int MOST_CELLS = 8;

    private static final String ERASE_DOWN = "\r\u001b[J";
    private static final String ERASE_REST = "\u001b[K";
    /** Lines that are too long are cut by the terminal, so that each is one row and can be rewritten. */
    private static final String NO_WRAP = "\u001b[?7l";

    private static final String WRAP = "\u001b[?7h";

    private final PrintStream out;
    private final Manner manner;
    private double lastLine = Double.NEGATIVE_INFINITY;
    private Optional<Thread> hook = Optional.empty();
    private Optional<SweepState> sweep = Optional.empty();
    private List<LiveUpdate> cells = List.of();
    private Optional<Numbers> shown = Optional.empty();
    private volatile boolean stopping;

    public TerminalProgress(PrintStream out, Manner manner) {
        this.out = out;
        this.manner = manner;
    }

    @Override
    public void opened(SweepState state, SweepDirectory directory, int slots) {
        sweep = Optional.of(state);
        Thread thread = new Thread(() -> stopping(directory.root().toString()), "how to go on");
        Runtime.getRuntime().addShutdownHook(thread);
        hook = Optional.of(thread);
    }

    /** The process ends before the sweep, as by Ctrl-C: nothing is tried again here. */
    void stopping(String directory) {
        stopping = true;
        print("stopping: what has ended is stored, and what is half done goes on from its last checkpoint with"
                + " powersweep rerun " + Shown.line(directory));
    }

    @Override
    public void running(List<LiveUpdate> newest) {
        cells = newest.stream().sorted(Comparator.comparing(LiveUpdate::name)).toList();
    }

    @Override
    public void now(Numbers numbers) {
        shown = Optional.of(numbers);
        if (manner == Manner.TERMINAL) {
            draw(numbers);
        } else if (manner == Manner.LINES && numbers.elapsedSeconds() - lastLine >= SECONDS_BETWEEN_LINES) {
            lastLine = numbers.elapsedSeconds();
            out.println(line(numbers));
        }
    }

    /**
     * Writes the block over the one before, in one piece, and leaves the cursor at its beginning: what others print
     * meanwhile stays, and the block is written anew below it.
     */
    private void draw(Numbers numbers) {
        if (stopping) {
            return;
        }
        List<String> lines = new ArrayList<>(List.of(line(numbers)));
        cells.stream().limit(MOST_CELLS).forEach(cell -> lines.add(line(cell)));
        if (cells.size() > MOST_CELLS) {
            lines.add("  … and " + (cells.size() - MOST_CELLS) + " more");
        }
        StringBuilder block = new StringBuilder(NO_WRAP);
        for (String line : lines) {
            block.append('\r').append(line).append(ERASE_REST).append('\n');
        }
        block.append(ERASE_DOWN)
                .append("\u001b[")
                .append(lines.size())
                .append('A')
                .append(WRAP);
        out.print(block);
        out.flush();
    }

    /** Prints a line that stays, above the block. */
    private void print(String line) {
        out.println((manner == Manner.TERMINAL ? ERASE_DOWN : "") + line);
        if (manner == Manner.TERMINAL) {
            shown.ifPresent(this::draw);
        }
    }

    @Override
    public void ended(String name, AttemptReport report, Numbers numbers) {
        if (report.failure().isPresent() || report.state() == CellState.DIVERGED) {
            String again = report.state() == CellState.INTERRUPTED && !stopping ? ", trying again" : "";
            String what = report.failure().map(Enum::name).orElse(report.state().name());
            print(Shown.line(name + ": " + what + ": " + report.message() + lastWord(report)) + again);
        }
    }

    /** The last line that a program printed before it failed, which mostly says why. */
    private static String lastWord(AttemptReport report) {
        if (report.failure().filter(FailureClass.PROGRAM::equals).isEmpty()) {
            return "";
        }
        String last = report.detail()
                .lines()
                .filter(line -> !line.isBlank())
                .reduce("", (before, line) -> line)
                .strip();
        return last.isEmpty()
                ? ""
                : "; it said last: " + (last.length() <= LONGEST_WORD ? last : last.substring(0, LONGEST_WORD) + "…");
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
        if (manner == Manner.TERMINAL && !stopping) {
            // The last bar stays; the lines of cells do not.
            cells = List.of();
            shown.ifPresent(last -> out.println(ERASE_DOWN + line(last)));
            shown = Optional.empty();
        }
    }

    private String line(LiveUpdate cell) {
        double left = sweep.flatMap(state -> state.cell(cell.cell()))
                .map(record -> (double) (record.cell().tokens() - record.cell().tokensThrough(cell.step())))
                .orElse(Double.NaN);
        String loss = Double.isNaN(cell.loss()) ? "" : String.format(Locale.ROOT, ", loss %.4f", cell.loss());
        String rate = cell.tokensPerSecond() > 0
                ? ", " + rate(cell.tokensPerSecond()) + " tokens/s"
                        + (Double.isNaN(left) ? "" : ", " + duration(left / cell.tokensPerSecond()) + " to go")
                : "";
        return String.format(
                Locale.ROOT,
                "  %s: step %,d of %,d%s%s",
                Shown.line(cell.name()),
                cell.step(),
                cell.steps(),
                loss,
                rate);
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
