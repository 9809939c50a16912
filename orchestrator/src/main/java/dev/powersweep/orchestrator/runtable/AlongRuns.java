package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What changes along a run. Its first rows may stand before any training; its learning rate rises and falls, perhaps to
 * zero, and what was set is the peak; the batch may grow; tokens follow from both.
 */
final class AlongRuns {
    private AlongRuns() {}

    /** The rows of a table of curves behind which there is training: at step 0, and while the rate is zero, there is none. */
    static RawTable trained(
            RawTable table, RunGrouping grouping, Map<Quantity, double[]> numbers, List<String> remarks) {
        double[] steps = numbers.get(Quantity.STEP);
        if (!grouping.curves() || steps == null) {
            return table;
        }
        double[] rates = numbers.get(Quantity.LEARNING_RATE);
        Set<Integer> untrained = new HashSet<>();
        for (List<Integer> run : runs(grouping, steps).values()) {
            double peak = 0;
            double highest = rates == null
                    ? 0
                    : run.stream().mapToDouble(row -> rates[row]).max().orElse(0);
            for (int row : run) {
                peak = Math.max(peak, rates == null ? 0 : rates[row]);
                if (steps[row] == 0 || highest > 0 && peak == 0) {
                    untrained.add(row);
                }
            }
        }
        if (untrained.isEmpty() || untrained.size() == table.rows().size()) {
            return table;
        }
        remarks.add(untrained.size() + (untrained.size() == 1 ? " row stands" : " rows stand")
                + " at the beginning of a run, before anything was trained, and "
                + (untrained.size() == 1 ? "is" : "are") + " left out.");
        return table.with(IntStream.range(0, table.rows().size())
                .filter(row -> !untrained.contains(row))
                .mapToObj(table.rows()::get)
                .toList());
    }

    /** Tokens that follow from batch and steps, and what to tell of a rate that changes. */
    static void complete(
            RawTable table,
            ColumnChoice choice,
            RunGrouping grouping,
            Map<Quantity, double[]> numbers,
            Map<Quantity, String> headers,
            Map<Quantity, UserError> unreadable,
            List<String> remarks) {
        double[] steps = numbers.get(Quantity.STEP);
        if (steps == null) {
            return;
        }
        double[] batch = numbers.get(Quantity.B);
        if (batch != null
                && !numbers.containsKey(Quantity.D)
                && !unreadable.containsKey(Quantity.D)
                && !choice.sources().containsKey(Quantity.D)) {
            String product = headers.get(Quantity.B) + "·" + headers.get(Quantity.STEP);
            numbers.put(Quantity.D, tokens(grouping, steps, batch));
            headers.put(Quantity.D, product);
            remarks.add("Tokens of each row are " + product + ", summed along its run.");
        }
        double[] rates = numbers.get(Quantity.LEARNING_RATE);
        if (rates != null) {
            double[] peaks = peaks(grouping, rates);
            int row = IntStream.range(0, rates.length)
                    .filter(i -> peaks[i] == 0)
                    .findFirst()
                    .orElse(-1);
            if (row >= 0) {
                numbers.remove(Quantity.LEARNING_RATE);
                unreadable.put(
                        Quantity.LEARNING_RATE,
                        new UserError(table.at(table.rows().get(row)) + "column '"
                                + headers.remove(Quantity.LEARNING_RATE)
                                + "' is 0 in every row of this run; mend the values, or name another column with --columns"
                                + " lr=…"));
            } else if (IntStream.range(0, rates.length).anyMatch(i -> rates[i] != peaks[i])) {
                remarks.add("Of " + headers.get(Quantity.LEARNING_RATE)
                        + ", which changes along the runs, laws of finished runs take each run's largest.");
            }
        }
    }

    /** Of every row the largest rate of its run. */
    static double[] peaks(RunGrouping grouping, double[] rates) {
        Map<String, Double> largest = new LinkedHashMap<>();
        List<String> names = grouping.runs().orElseThrow();
        for (int i = 0; i < rates.length; i++) {
            largest.merge(names.get(i), rates[i], Math::max);
        }
        return names.stream().mapToDouble(largest::get).toArray();
    }

    /** A table whose numbers that change along a run are the run's largest, so that seeds of one setting have one. */
    static RawTable settings(RawTable table, RunGrouping grouping, WrittenNumber style, Set<Integer> measured) {
        if (!grouping.curves()) {
            return table;
        }
        List<List<String>> rows = new ArrayList<>();
        table.rows().forEach(row -> rows.add(new ArrayList<>(row.cells())));
        Map<String, List<Integer>> runs = runs(grouping, new double[table.rows().size()]);
        for (int column = 0; column < table.header().size(); column++) {
            if (measured.contains(column)) {
                continue;
            }
            for (List<Integer> run : runs.values()) {
                largest(table, style, run, column, rows);
            }
        }
        return table.with(IntStream.range(0, rows.size())
                .mapToObj(i -> new RawRow(table.rows().get(i).place(), rows.get(i)))
                .toList());
    }

    private static void largest(
            RawTable table, WrittenNumber style, List<Integer> run, int column, List<List<String>> rows) {
        boolean changes = false;
        double most = Double.NEGATIVE_INFINITY;
        for (int row : run) {
            String text = table.rows().get(row).textAt(column);
            double number = style.read(text, Quantity.LEARNING_RATE);
            if (Double.isNaN(number)) {
                return;
            }
            changes |= most > Double.NEGATIVE_INFINITY && number != most;
            most = Math.max(most, number);
        }
        if (!changes) {
            return;
        }
        // Runs of one setting are not logged at the same steps.
        String rounded = String.format(Locale.ROOT, "%.2e", most);
        for (int row : run) {
            rows.get(row).set(column, style == WrittenNumber.COMMA ? rounded.replace('.', ',') : rounded);
        }
    }

    private static double[] tokens(RunGrouping grouping, double[] steps, double[] batch) {
        double[] tokens = new double[steps.length];
        for (List<Integer> run : runs(grouping, steps).values()) {
            double seen = 0;
            double before = 0;
            for (int row : run) {
                seen += batch[row] * (steps[row] - before);
                before = steps[row];
                tokens[row] = seen;
            }
        }
        return tokens;
    }

    /** Rows of each run, by their steps. */
    private static Map<String, List<Integer>> runs(RunGrouping grouping, double[] steps) {
        Map<String, List<Integer>> runs = new LinkedHashMap<>();
        List<String> names = grouping.runs().orElseThrow();
        for (int i = 0; i < names.size(); i++) {
            runs.computeIfAbsent(names.get(i), name -> new ArrayList<>()).add(i);
        }
        runs.values().forEach(rows -> rows.sort(Comparator.comparingDouble(row -> steps[row])));
        return runs;
    }
}
