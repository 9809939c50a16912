package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.orchestrator.publish.TerminalProgress;
import dev.powersweep.orchestrator.text.Shown;
import dev.powersweep.worker.cell.CellState;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A sweep's status for people. */
final class StatusText {
    private static final int FAILURES_SHOWN = 10;
    private static final int LINES_SHOWN = 3;
    private static final int LONGEST_LINE = 300;

    private StatusText() {}

    static String of(SweepStatus status) {
        return of(status, false);
    }

    /** @param pilot whether the cells are those of a design's pilot, and the others are to follow */
    static String of(SweepStatus status, boolean pilot) {
        StringBuilder text = new StringBuilder();
        text.append("sweep ")
                .append(Shown.line(status.sweep()))
                .append(" in ")
                .append(Shown.line(status.directory()))
                .append('\n');
        text.append("  cells     ")
                .append(status.cells())
                .append(": ")
                .append(status.states().entrySet().stream()
                        .filter(entry -> entry.getValue() > 0)
                        .map(entry ->
                                entry.getValue() + " " + entry.getKey().name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.joining(", ")))
                .append(pilot ? "; of the rate pilot, which the design's other cells wait for" : "")
                .append('\n');
        text.append("  driver    ").append(driver(status, pilot)).append('\n');
        status.live().ifPresent(live -> {
            text.append("  speed     ")
                    .append(String.format(Locale.ROOT, "%,.0f tokens/s", live.tokensPerSecond()))
                    .append('\n');
            live.etaSeconds().ifPresent(eta -> text.append("  to go     ")
                    .append(TerminalProgress.duration(eta))
                    .append('\n'));
            for (LiveNumbers.RunningCell cell : live.running()) {
                text.append(String.format(
                        Locale.ROOT,
                        "  running   %s: step %,d of %,d%s, %,.0f tokens/s on %s%n",
                        Shown.line(cell.name()),
                        cell.step(),
                        cell.steps(),
                        // None before its first step.
                        Double.isNaN(cell.loss()) ? "" : String.format(Locale.ROOT, ", loss %.4f", cell.loss()),
                        cell.tokensPerSecond(),
                        Shown.line(cell.host())));
            }
        });
        status.stopped()
                .ifPresent(reason ->
                        text.append("  stopped   ").append(Shown.line(reason)).append('\n'));
        status.excludedHosts().forEach((host, reason) -> text.append("  excluded  ")
                .append(Shown.line(host))
                .append(": ")
                .append(Shown.line(reason))
                .append('\n'));
        if (!status.failures().isEmpty()) {
            text.append("  failures  ")
                    .append(status.failures().entrySet().stream()
                            .map(entry -> entry.getValue() + " " + entry.getKey())
                            .collect(Collectors.joining(", ")))
                    .append('\n');
        }
        status.troubled().stream().limit(FAILURES_SHOWN).forEach(cell -> {
            text.append("    ")
                    .append(Shown.line(cell.name()))
                    .append(": ")
                    .append(cell.failure())
                    .append(": ")
                    .append(Shown.line(cell.message()))
                    .append(cell.log().isEmpty() ? "" : " (" + Shown.line(cell.log()) + ")")
                    .append('\n');
            lastWords(cell.lastLines())
                    .forEach(line ->
                            text.append("      | ").append(Shown.line(line)).append('\n'));
        });
        if (status.troubled().size() > FAILURES_SHOWN) {
            text.append("    … and ")
                    .append(status.troubled().size() - FAILURES_SHOWN)
                    .append(" more\n");
        }
        return text.toString().stripTrailing();
    }

    /** The last lines with something in them. */
    private static List<String> lastWords(String lines) {
        List<String> all = lines.lines().filter(line -> !line.isBlank()).toList();
        return all.subList(Math.max(0, all.size() - LINES_SHOWN), all.size()).stream()
                .map(line -> line.length() <= LONGEST_LINE ? line : line.substring(0, LONGEST_LINE) + "…")
                .toList();
    }

    private static String driver(SweepStatus status, boolean pilot) {
        if (status.driverAlive()) {
            return "alive: " + Shown.line(status.driver());
        }
        if (pilot) {
            return "none; powersweep run SPEC.yaml --output " + Shown.line(status.directory()) + " goes on";
        }
        if (status.unfinished() > 0) {
            return "none; powersweep rerun " + Shown.line(status.directory()) + " goes on";
        }
        return status.states().getOrDefault(CellState.FAILED, 0) > 0
                ? "none; powersweep rerun " + Shown.line(status.directory()) + " --failed tries again what failed"
                : "none; nothing is left to do";
    }
}
