package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Runs of one (N, D) that differ in a setting.
 *
 * @param n non-embedding parameters
 * @param d tokens
 * @param rows of the runs
 */
record SettingSweep(double n, double d, List<Integer> rows) {
    /** Different settings that a quadratic needs on each axis. */
    static final int FEWEST_SETTINGS = 3;

    /** Token counts that differ by less are one data size: they are rounded to whole batches. */
    private static final double SAME_DATA = 0.02;

    /**
     * Losses this far above the lowest, relative, still inform the optimum. Of a wider window the quadratic is no good
     * description, of a narrower one noise decides: docs/fits.md has the exponents of each.
     */
    private static final double NEAR = 0.01;

    String place() {
        return String.format(Locale.ROOT, "N=%.4g,D=%.4g", n, d);
    }

    Point point() {
        return Point.nd(n, d);
    }

    /** Of each (N, D) of some runs, in their order. */
    static List<SettingSweep> of(Observations runs) {
        Map<List<Long>, SettingSweep> sweeps = new LinkedHashMap<>();
        IntStream.range(0, runs.size()).forEach(row -> {
            double n = runs.has(Quantity.N) ? runs.at(Quantity.N, row) : 1;
            double d = runs.has(Quantity.D) ? runs.at(Quantity.D, row) : 1;
            SettingSweep near = sweeps.values().stream()
                    .filter(sweep -> Math.abs(sweep.n() / n - 1) < 1e-9 && Math.abs(sweep.d() / d - 1) < SAME_DATA)
                    .findFirst()
                    .orElse(null);
            if (near == null) {
                near = new SettingSweep(n, d, new ArrayList<>());
                sweeps.put(List.of(Double.doubleToLongBits(n), Double.doubleToLongBits(d)), near);
            }
            near.rows().add(row);
        });
        return List.copyOf(sweeps.values());
    }

    /**
     * The rows that inform the optimum: those whose loss is near the lowest, at least twice as many as the quadratic has
     * coefficients, and at least three settings on each axis. Far from its minimum the loss is no quadratic, and a run that
     * diverged says nothing of where the minimum lies.
     */
    SettingSweep nearTheBest(Observations runs, List<Quantity> axes) {
        List<Integer> byLoss = new ArrayList<>(rows);
        byLoss.sort(Comparator.comparingDouble(row -> runs.at(Quantity.LOSS, row)));
        double lowest = runs.at(Quantity.LOSS, byLoss.get(0));
        int fewest = 2 * (axes.size() == 1 ? 3 : 6);
        int count = 0;
        while (count < byLoss.size()
                && (count < fewest
                        || runs.at(Quantity.LOSS, byLoss.get(count)) <= lowest * (1 + NEAR)
                        || axes.stream().anyMatch(few(runs, byLoss.subList(0, count))))) {
            count++;
        }
        List<Integer> near = new ArrayList<>(byLoss.subList(0, count));
        near.sort(Comparator.naturalOrder());
        return new SettingSweep(n, d, near);
    }

    private static Predicate<Quantity> few(Observations runs, List<Integer> some) {
        return axis -> Arrays.stream(values(runs, axis, some)).distinct().count() < FEWEST_SETTINGS;
    }

    /** Where a quadratic through these losses has its minimum; one loss a row. */
    QuadraticOptimum quadratic(Observations runs, List<Quantity> axes, double[] loss) {
        double[] weights = runs.weights();
        return QuadraticOptimum.fit(
                axes.stream().map(axis -> values(runs, axis)).toArray(double[][]::new),
                loss,
                rows.stream().mapToDouble(row -> weights[row]).toArray());
    }

    /** One value a row. */
    double[] values(Observations runs, Quantity column) {
        return values(runs, column, rows);
    }

    private static double[] values(Observations runs, Quantity column, List<Integer> some) {
        return some.stream().mapToDouble(row -> runs.at(column, row)).toArray();
    }
}
