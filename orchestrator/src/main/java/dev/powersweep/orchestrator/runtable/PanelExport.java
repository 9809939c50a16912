package dev.powersweep.orchestrator.runtable;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The CSV file that a Weights and Biases panel exports: the horizontal axis first, then {@code RUN - METRIC} with its
 * {@code __MIN} and {@code __MAX} for every run. It becomes a row a run and step.
 */
final class PanelExport {
    private static final Pattern METRIC = Pattern.compile("(.+) - (.+?)(__MIN|__MAX)?");

    private PanelExport() {}

    private record Line(String run, RawRow row, Map<String, String> cells) {}

    /** The table as it is, or turned where it is such an export. */
    static RawTable turned(RawTable table) {
        Map<String, Map<String, Integer>> runs = new LinkedHashMap<>();
        Set<String> metrics = new LinkedHashSet<>();
        boolean bounds = false;
        for (int i = 1; i < table.header().size(); i++) {
            Matcher named = METRIC.matcher(table.header().get(i));
            if (!named.matches()) {
                return table;
            }
            if (named.group(3) == null) {
                Integer before = runs.computeIfAbsent(named.group(1), run -> new LinkedHashMap<>())
                        .putIfAbsent(named.group(2), i);
                if (before != null) {
                    throw new UserError(table.file() + ": the panel has two runs named '" + named.group(1)
                            + "', in columns " + (before + 1) + " and " + (i + 1)
                            + "; rename one of them in the header, in all of its columns");
                }
                metrics.add(named.group(2));
            } else {
                bounds = true;
            }
        }
        if (!bounds || runs.isEmpty()) {
            return table;
        }
        List<Line> lines = new ArrayList<>();
        runs.forEach((run, columns) -> table.rows().forEach(row -> {
            Map<String, String> cells = new LinkedHashMap<>();
            columns.forEach((metric, column) -> cells.put(metric, row.textAt(column)));
            if (cells.values().stream().anyMatch(cell -> !cell.isEmpty())) {
                lines.add(new Line(run, row, cells));
            }
        }));
        boolean sized =
                runs.keySet().stream().allMatch(run -> RunGrouping.size(run).isPresent());
        List<String> header = new ArrayList<>(List.of(table.header().get(0), "run"));
        header.addAll(metrics);
        List<String> remarks = new ArrayList<>(table.remarks());
        remarks.add("The file is the export of a panel: " + runs.size() + " runs with " + String.join(", ", metrics)
                + " along " + table.header().get(0) + ".");
        if (sized) {
            header.add("params");
            remarks.add("n is the size in each run's name, as in "
                    + runs.keySet().iterator().next() + ".");
        }
        List<RawRow> rows = lines.stream()
                .map(line -> {
                    List<String> cells = new ArrayList<>(List.of(line.row().textAt(0), line.run()));
                    metrics.forEach(metric -> cells.add(line.cells().getOrDefault(metric, "")));
                    Optional<Double> size = RunGrouping.size(line.run());
                    if (sized) {
                        cells.add(Double.toString(size.orElseThrow()));
                    }
                    return new RawRow(line.row().place(), List.copyOf(cells));
                })
                .toList();
        return new RawTable(table.file(), header, rows, table.place(), table.decimalCommas(), remarks);
    }
}
