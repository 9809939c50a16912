package dev.powersweep.fitting.runs;

import dev.powersweep.fitting.runs.FitRefusal.Reason;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * Runs as columns of numbers, checked once so that laws need not check again. Immutable and serialisable.
 *
 * <p>Guarantees: every column has the same length; every number is finite and positive; no two rows are equal in
 * everything; no column jumps by so much that its rows must be counted in different units. Rows are grouped into runs by the
 * run id; without one, every row is a run of its own. One number may be infinite: the loss of a branch ({@link Quantity#BRANCH})
 * that diverged.
 *
 * <p>Columns that follow from others are filled in: {@code D = B·S} or {@code C/(6·N)}, {@code N = C/(6·D)},
 * {@code S = D/B}, {@code C = 6·N·D}, {@code U = D}; {@link #derived(Column)} says which were.
 */
public final class Observations implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Neighbouring sizes further apart than this are taken for a mix of units. */
    public static final double LARGEST_GAP = 3e4;

    /** Rows whose compute differs by such a factor from what N and D say in the others are counted in other units. */
    private static final double LARGEST_MISCOUNT = 1e3;

    private final EnumMap<Quantity, double[]> columns;
    private final EnumSet<Quantity> derived;
    private final int[] run;
    private final List<String> runNames;
    private final int size;

    private Observations(
            EnumMap<Quantity, double[]> columns, EnumSet<Quantity> derived, int[] run, List<String> runNames) {
        this.columns = columns;
        this.derived = derived;
        this.run = run;
        this.runNames = runNames;
        this.size = run.length;
    }

    /** Starts an empty set of columns. */
    public static Builder builder() {
        return new Builder();
    }

    /** The usual three columns: parameters, tokens, loss. */
    public static Observations of(double[] parameters, double[] tokens, double[] loss) {
        return builder()
                .column(Quantity.N, parameters)
                .column(Quantity.D, tokens)
                .column(Quantity.LOSS, loss)
                .build();
    }

    /** Number of rows. */
    public int size() {
        return size;
    }

    /** Whether a row is a branch that diverged: its loss is infinite. */
    public boolean diverged(int row) {
        return has(Quantity.LOSS) && at(Quantity.LOSS, row) == Double.POSITIVE_INFINITY;
    }

    /** Number of distinct runs. */
    public int runs() {
        return runNames.size();
    }

    /** Index of the run that a row belongs to, 0 … {@link #runs()} − 1. */
    public int runOf(int row) {
        return run[row];
    }

    /** Name of a run as given, or the row number (from 1) where no run ids were given. */
    public String runName(int runIndex) {
        return runNames.get(runIndex);
    }

    /** Whether the column is there, given or derived. */
    public boolean has(Quantity column) {
        return columns.containsKey(column);
    }

    /** Whether the column was computed from others. */
    public boolean derived(Quantity column) {
        return derived.contains(column);
    }

    /** The columns that are there. */
    public Set<Quantity> columns() {
        return Collections.unmodifiableSet(columns.keySet());
    }

    /**
     * A copy of the column.
     *
     * @throws FitRefusal MISSING_COLUMN where it is not there
     */
    public double[] column(Quantity column) {
        return require(column).clone();
    }

    /** The natural logarithm of the column, newly computed. */
    public double[] log(Quantity column) {
        double[] logs = require(column).clone();
        for (int i = 0; i < logs.length; i++) {
            logs[i] = Math.log(logs[i]);
        }
        return logs;
    }

    /** One number. */
    public double at(Quantity column, int row) {
        return require(column)[row];
    }

    /** Weights of the rows; ones where no weights were given. */
    public double[] weights() {
        double[] weights = columns.get(Quantity.WEIGHT);
        if (weights != null) {
            return weights.clone();
        }
        double[] ones = new double[size];
        Arrays.fill(ones, 1);
        return ones;
    }

    /** The rows of weight above zero. */
    public Observations weighted() {
        double[] weights = columns.get(Quantity.WEIGHT);
        return weights == null || Arrays.stream(weights).allMatch(weight -> weight > 0)
                ? this
                : where(row -> weights[row] > 0);
    }

    /** A row as a point, without its loss and weight. */
    public Point point(int row) {
        EnumMap<Quantity, Double> values = new EnumMap<>(Quantity.class);
        columns.forEach((column, numbers) -> {
            if (column != Quantity.LOSS && column != Quantity.WEIGHT) {
                values.put(column, numbers[row]);
            }
        });
        return new Point(values);
    }

    /** Number of different values in the column; values equal to 1e-9 relative count once. */
    public int distinct(Quantity column) {
        double[] sorted = column(column);
        Arrays.sort(sorted);
        int count = 0;
        double last = Double.NEGATIVE_INFINITY;
        for (double value : sorted) {
            if (value - last > 1e-9 * value) {
                count++;
                last = value;
            }
        }
        return count;
    }

    /** The rows for which the predicate holds, in order. */
    public Observations where(IntPredicate keep) {
        int[] rows = java.util.stream.IntStream.range(0, size).filter(keep).toArray();
        EnumMap<Quantity, double[]> kept = new EnumMap<>(Quantity.class);
        columns.forEach((column, numbers) -> kept.put(
                column, Arrays.stream(rows).mapToDouble(row -> numbers[row]).toArray()));
        Map<Integer, Integer> renumbered = new LinkedHashMap<>();
        List<String> names = new ArrayList<>();
        int[] runsKept = new int[rows.length];
        for (int i = 0; i < rows.length; i++) {
            int old = run[rows[i]];
            runsKept[i] = renumbered.computeIfAbsent(old, key -> {
                names.add(runNames.get(key));
                return names.size() - 1;
            });
        }
        return new Observations(kept, EnumSet.copyOf(derived), runsKept, List.copyOf(names));
    }

    /**
     * A copy with other numbers in one column.
     *
     * @param values above zero, one a row
     */
    public Observations with(Quantity column, double[] values) {
        EnumMap<Quantity, double[]> changed = new EnumMap<>(columns);
        changed.put(column, values.clone());
        return new Observations(changed, EnumSet.copyOf(derived), run.clone(), runNames);
    }

    /** The last row of every run by step (by order where there are no steps): the finished models. */
    public Observations finals() {
        int[] last = new int[runs()];
        Arrays.fill(last, -1);
        double[] steps = columns.get(Quantity.STEP);
        for (int i = 0; i < size; i++) {
            int known = last[run[i]];
            if (known < 0 || steps == null || steps[i] >= steps[known]) {
                last[run[i]] = i;
            }
        }
        Set<Integer> rows = new java.util.HashSet<>();
        for (int row : last) {
            rows.add(row);
        }
        return where(rows::contains);
    }

    private double[] require(Quantity column) {
        double[] numbers = columns.get(column);
        if (numbers == null) {
            throw new FitRefusal(
                    Reason.MISSING_COLUMN,
                    "The runs have no column " + column.described() + "; name the one that holds it.");
        }
        return numbers;
    }

    /** Collects columns; {@link #build()} checks them. */
    public static final class Builder {
        private final EnumMap<Quantity, double[]> columns = new EnumMap<>(Quantity.class);
        private String[] runs;
        private String place = "row";
        private long[] places = {};

        private Builder() {}

        /**
         * Says where rows stand in their file, so that refusals name that rather than the position among the rows given.
         *
         * @param what is counted, as "line"
         * @param numbers one a row
         */
        public Builder places(String what, long... numbers) {
            this.place = what;
            this.places = numbers.clone();
            return this;
        }

        /** Where a row stands: "row 3", or "line 4" of a file. */
        private String at(int row) {
            return place + " " + placeOf(row);
        }

        private long placeOf(int row) {
            return row < places.length ? places[row] : row + 1L;
        }

        private String capital() {
            return place.substring(0, 1).toUpperCase(Locale.ROOT) + place.substring(1);
        }

        /** Sets a column; NaN is refused when building. An earlier column of the same kind is replaced. */
        public Builder column(Quantity column, double[] values) {
            columns.put(column, values.clone());
            return this;
        }

        /** Model size in parameters. */
        public Builder parameters(double... values) {
            return column(Quantity.N, values);
        }

        /** Tokens seen. */
        public Builder tokens(double... values) {
            return column(Quantity.D, values);
        }

        /** Final losses. */
        public Builder loss(double... values) {
            return column(Quantity.LOSS, values);
        }

        /** Ids that say which rows belong to one run. */
        public Builder runs(String... ids) {
            this.runs = ids.clone();
            return this;
        }

        /** Ids that say which rows belong to one run. */
        public Builder runs(int... ids) {
            this.runs = Arrays.stream(ids).mapToObj(Integer::toString).toArray(String[]::new);
            return this;
        }

        /**
         * Checks and builds.
         *
         * @throws FitRefusal LENGTH_MISMATCH, NOT_FINITE, NOT_POSITIVE, DUPLICATE_ROWS, MIXED_UNITS or TOO_FEW_POINTS (no
         *     rows at all)
         */
        public Observations build() {
            int size = columns.isEmpty() ? 0 : columns.values().iterator().next().length;
            if (size == 0) {
                throw new FitRefusal(Reason.TOO_FEW_POINTS, "There are no runs to fit: give at least one row.");
            }
            checkLengths(size);
            columns.forEach(this::checkNumbers);
            EnumSet<Quantity> derived = derive(size);
            refuseDuplicates(size, derived);
            for (Quantity column : List.of(Quantity.N, Quantity.D, Quantity.LOSS, Quantity.B, Quantity.C, Quantity.U)) {
                if (columns.containsKey(column) && !derived.contains(column)) {
                    refuseMixedUnits(column, columns.get(column));
                }
            }
            refuseMixedCompute(size, derived);
            return group(size, derived);
        }

        /** Compute given beside N and D is some multiple of 6·N·D, by the accounting, but the same one in every row. */
        private void refuseMixedCompute(int size, EnumSet<Quantity> derived) {
            for (Quantity column : List.of(Quantity.N, Quantity.D, Quantity.C)) {
                if (!columns.containsKey(column) || derived.contains(column)) {
                    return;
                }
            }
            double[] ratio = new double[size];
            Arrays.setAll(
                    ratio,
                    i -> columns.get(Quantity.C)[i] / (6 * columns.get(Quantity.N)[i] * columns.get(Quantity.D)[i]));
            double[] sorted = ratio.clone();
            Arrays.sort(sorted);
            double middle = sorted[size / 2];
            for (int i = 0; i < size; i++) {
                if (ratio[i] > middle * LARGEST_MISCOUNT || ratio[i] < middle / LARGEST_MISCOUNT) {
                    throw new FitRefusal(
                            Reason.MIXED_UNITS,
                            String.format(
                                    Locale.ROOT,
                                    "In %s c is %.3g times 6·n·d, in most rows %.3g times; count n, d and c of every"
                                            + " row in the same units.",
                                    at(i),
                                    ratio[i],
                                    middle));
                }
            }
        }

        private void checkLengths(int size) {
            columns.forEach((column, values) -> {
                if (values.length != size) {
                    throw new FitRefusal(
                            Reason.LENGTH_MISMATCH,
                            "Column " + column.label() + " has " + values.length + " rows where "
                                    + columns.keySet().iterator().next().label() + " has " + size
                                    + "; give every column one value a row.");
                }
            });
            if (runs != null && runs.length != size) {
                throw new FitRefusal(
                        Reason.LENGTH_MISMATCH,
                        "There are " + runs.length + " run ids for " + size + " rows; give every row one.");
            }
        }

        private void checkNumbers(Quantity column, double[] values) {
            for (int i = 0; i < values.length; i++) {
                boolean diverged = column == Quantity.LOSS
                        && columns.containsKey(Quantity.BRANCH)
                        && values[i] == Double.POSITIVE_INFINITY;
                if (!Double.isFinite(values[i]) && !diverged) {
                    throw new FitRefusal(
                            Reason.NOT_FINITE,
                            capital() + " " + placeOf(i) + " has " + column.label() + " = " + values[i]
                                    + "; remove the row (a diverged run tells nothing about the law) or mend the"
                                    + " value.");
                }
                // Along a run the learning rate may fall to zero.
                boolean zeroAllowed = column == Quantity.WEIGHT
                        || column == Quantity.STEP
                        || column == Quantity.LEARNING_RATE && columns.containsKey(Quantity.STEP);
                if (values[i] < 0 || (values[i] == 0 && !zeroAllowed)) {
                    throw new FitRefusal(
                            Reason.NOT_POSITIVE,
                            capital() + " " + placeOf(i) + " has " + column.label() + " = " + number(values[i])
                                    + " where " + column.unit() + " above zero are needed; mend or remove the row.");
                }
            }
        }

        private EnumSet<Quantity> derive(int size) {
            EnumSet<Quantity> derived = EnumSet.noneOf(Quantity.class);
            fill(derived, size, Quantity.D, Quantity.B, Quantity.S, (b, s) -> b * s);
            fill(derived, size, Quantity.D, Quantity.C, Quantity.N, (c, n) -> c / (6 * n));
            fill(derived, size, Quantity.N, Quantity.C, Quantity.D, (c, d) -> c / (6 * d));
            fill(derived, size, Quantity.S, Quantity.D, Quantity.B, (d, b) -> d / b);
            fill(derived, size, Quantity.C, Quantity.N, Quantity.D, (n, d) -> 6 * n * d);
            fill(derived, size, Quantity.U, Quantity.D, Quantity.D, (d, again) -> d);
            return derived;
        }

        private void fill(
                EnumSet<Quantity> derived,
                int size,
                Quantity target,
                Quantity first,
                Quantity second,
                java.util.function.DoubleBinaryOperator rule) {
            if (columns.containsKey(target) || !columns.containsKey(first) || !columns.containsKey(second)) {
                return;
            }
            double[] a = columns.get(first);
            double[] b = columns.get(second);
            double[] values = new double[size];
            Arrays.setAll(values, i -> rule.applyAsDouble(a[i], b[i]));
            columns.put(target, values);
            derived.add(target);
        }

        private void refuseDuplicates(int size, EnumSet<Quantity> derived) {
            if (!columns.containsKey(Quantity.LOSS)) {
                return;
            }
            Map<List<Object>, Integer> seen = new HashMap<>();
            for (int i = 0; i < size; i++) {
                List<Object> key = new ArrayList<>();
                for (Map.Entry<Quantity, double[]> entry : columns.entrySet()) {
                    if (!derived.contains(entry.getKey())) {
                        key.add(entry.getValue()[i]);
                    }
                }
                if (runs != null) {
                    key.add(runs[i]);
                }
                Integer before = seen.putIfAbsent(key, i);
                if (before != null) {
                    throw new FitRefusal(
                            Reason.DUPLICATE_ROWS,
                            capital() + "s " + placeOf(before) + " and " + placeOf(i)
                                    + " are equal in every column (loss "
                                    + columns.get(Quantity.LOSS)[i]
                                    + "); remove one, or tell repeated runs apart by a run column.");
                }
            }
        }

        private void refuseMixedUnits(Quantity column, double[] values) {
            Integer[] order = new Integer[values.length];
            Arrays.setAll(order, i -> i);
            Arrays.sort(order, java.util.Comparator.comparingDouble(i -> values[i]));
            for (int k = 1; k < order.length; k++) {
                double low = values[order[k - 1]];
                double high = values[order[k]];
                if (high / low > LARGEST_GAP && Double.isFinite(high)) {
                    throw new FitRefusal(
                            Reason.MIXED_UNITS,
                            "Column " + column.label() + " jumps from " + number(low) + " (" + at(order[k - 1])
                                    + ") to " + number(high)
                                    + " (" + at(order[k]) + ") with nothing between; count every row in the same unit ("
                                    + column.unit()
                                    + ", not thousands, millions or billions of them).");
                }
            }
        }

        private Observations group(int size, EnumSet<Quantity> derived) {
            int[] run = new int[size];
            List<String> names = new ArrayList<>();
            if (runs == null) {
                for (int i = 0; i < size; i++) {
                    run[i] = i;
                    names.add(Integer.toString(i + 1));
                }
            } else {
                Map<String, Integer> index = new HashMap<>();
                for (int i = 0; i < size; i++) {
                    run[i] = index.computeIfAbsent(runs[i], id -> {
                        names.add(id);
                        return names.size() - 1;
                    });
                }
            }
            return new Observations(new EnumMap<>(columns), derived, run, List.copyOf(names));
        }

        private static String number(double value) {
            return value == Math.rint(value) && Math.abs(value) < 1e7
                    ? Long.toString((long) value)
                    : String.format(Locale.ROOT, "%.4g", value);
        }
    }
}
