package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Rows whose model size, tokens or loss are counted in another unit than those of the others: 500 for a model of 500
 * million parameters beside 250000000. Three signs are looked for, a group of rows that stands apart by its values or by its
 * tokens per parameter, rows that do better than others of a hundred times their size on no fewer tokens, and rows that
 * lie apart from a law of the loss. A group counts as one in another unit where the law that is fitted to all rows, these
 * counted in that unit, misses them by a fraction of what it misses otherwise; or, where sizes and tokens grow together and no
 * law can tell them apart, where their tokens per parameter are off by just such a factor.
 */
final class MixedUnits {
    private static final int FEWEST_ROWS = 8;

    /** More rows tell nothing further; those in another unit are a part of them too. */
    private static final int MOST_ROWS = 400;

    /** A law that misses by less than this rms share of the loss needs no other unit. */
    private static final double MISS = 0.01;

    /** By so much must a unit of sizes or tokens improve it. */
    private static final double BETTER = 3;

    /** The same for a single row and for losses, which other numbers would improve as well. */
    private static final double MUCH_BETTER = 6;

    /** Neighbours among sizes further apart than this may part two units. */
    private static final double GAP = 8;

    private static final int MOST_GAPS = 3;
    private static final int ROUNDS = 4;

    /** Of rows that stand as they are: one in sixty of such parts holds none of a half in another unit. */
    private static final int GUESSES = 200;

    private static final int FEW_ROWS = 6;
    private static final double MOST_OF_THEM = 0.75;

    /** A model does not beat one of a hundred times its size on as many tokens. */
    private static final double SMALLER = 100;

    /** Share of a group that does too well for its size. */
    private static final double TOO_GOOD = 0.25;

    /** Counted in its own unit, a group is not further from the others than this. */
    private static final double FAR = 1000;

    /** Of tokens per parameter, where no law can tell: within a group, and off the factor. */
    private static final double SPREAD = 10;

    private static final double OFF = 3;

    /**
     * A unit that some rows may be counted in.
     *
     * @param words what one of their numbers counts
     */
    private record Unit(Quantity column, double factor, String words) {
        double of(double value) {
            return column != Quantity.LOSS ? value * factor : factor == 0 ? Math.log(value) : value * factor;
        }
    }

    private static final List<Unit> UNITS = List.of(
            new Unit(Quantity.N, 1e3, "thousands"),
            new Unit(Quantity.N, 1e6, "millions"),
            new Unit(Quantity.N, 1e9, "billions"),
            new Unit(Quantity.D, 1e3, "thousands"),
            new Unit(Quantity.D, 1e6, "millions"),
            new Unit(Quantity.D, 1e9, "billions"),
            new Unit(Quantity.D, 512, "sequences of some 512 tokens"),
            new Unit(Quantity.D, 2048, "sequences of some 2048 tokens"),
            new Unit(Quantity.D, 8192, "sequences of some 8192 tokens"));

    private static final List<Unit> LOSSES =
            List.of(new Unit(Quantity.LOSS, Math.log(2), "bits"), new Unit(Quantity.LOSS, 0, "perplexities"));

    private record Suspicion(Unit unit, boolean[] group, double before, double after) {}

    private final double[] n;
    private final double[] d;
    private final double[] loss;

    private MixedUnits(double[] n, double[] d, double[] loss) {
        this.n = n;
        this.d = d;
        this.loss = loss;
    }

    /**
     * @param rows that are fitted
     * @param named whether the user named a quantity's column, and so said that it is meant as it stands
     * @throws UserError naming rows and unit
     */
    static void refuse(
            RawTable table,
            Map<Quantity, double[]> numbers,
            Map<Quantity, String> headers,
            List<Integer> rows,
            Predicate<Quantity> named) {
        boolean sizes = numbers.containsKey(Quantity.N) || numbers.containsKey(Quantity.D);
        if (!sizes || !numbers.containsKey(Quantity.LOSS) || rows.size() < FEWEST_ROWS) {
            return;
        }
        int every = (rows.size() + MOST_ROWS - 1) / MOST_ROWS;
        List<Integer> looked = IntStream.range(0, rows.size())
                .filter(i -> i % every == 0)
                .mapToObj(rows::get)
                .toList();
        boolean positive = numbers.entrySet().stream()
                .filter(entry -> Set.of(Quantity.N, Quantity.D, Quantity.LOSS).contains(entry.getKey()))
                .allMatch(entry -> looked.stream().allMatch(row -> entry.getValue()[row] > 0));
        if (!positive) {
            return;
        }
        MixedUnits units = new MixedUnits(
                column(numbers, Quantity.N, looked),
                column(numbers, Quantity.D, looked),
                column(numbers, Quantity.LOSS, looked));
        units.suspicion(named).ifPresent(found -> {
            throw new UserError(sentence(table, numbers, headers, looked, found));
        });
    }

    private static double[] column(Map<Quantity, double[]> numbers, Quantity column, List<Integer> rows) {
        double[] values = numbers.get(column);
        return values == null
                ? new double[0]
                : rows.stream().mapToDouble(row -> values[row]).toArray();
    }

    private static String sentence(
            RawTable table,
            Map<Quantity, double[]> numbers,
            Map<Quantity, String> headers,
            List<Integer> looked,
            Suspicion found) {
        Quantity column = found.unit().column();
        String header = headers.get(column);
        List<Integer> rows = IntStream.range(0, looked.size())
                .filter(i -> found.group()[i])
                .mapToObj(looked::get)
                .toList();
        String first = table.place() + " " + table.rows().get(rows.get(0)).place() + ": "
                + Quantities.text(numbers.get(column)[rows.get(0)]);
        String law = found.after() < found.before()
                ? String.format(
                        Locale.ROOT,
                        "counted so, a law of the loss misses the rows by %s %%, and by %s %% as they stand",
                        percent(found.after()),
                        percent(found.before()))
                : "their tokens per parameter are off those of the other rows by that factor";
        return table.file() + ": " + header + " seems to be counted in two units: in " + rows.size() + " of "
                + looked.size() + " rows (" + first + ") in " + found.unit().words() + ", in the others not (" + law
                + "); count all rows in one unit"
                + (apart(numbers.get(column))
                        ? ""
                        : ", or say " + Typed.columns(column, header) + " where they are meant as they stand");
    }

    /** Whether they lie so far apart that they are refused whatever the user says. */
    private static boolean apart(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return IntStream.range(1, sorted.length).anyMatch(i -> sorted[i] > Observations.LARGEST_GAP * sorted[i - 1]);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2g", 100 * share);
    }

    private Optional<Suspicion> suspicion(Predicate<Quantity> named) {
        QuickLaw plain = QuickLaw.of(n, d, loss, QuickLaw.FINE);
        double before = plain.miss();
        List<Suspicion> found = new ArrayList<>();
        if (before >= MISS) {
            List<QuickLaw> guesses = guesses();
            for (Unit unit : UNITS) {
                if (values(unit.column()).length > 0 && !named.test(unit.column())) {
                    for (boolean[] seed : seeds(unit.column())) {
                        settled(unit, seed, before).ifPresent(found::add);
                    }
                    settled(unit, guessed(unit, guesses), before).ifPresent(found::add);
                }
            }
            if (!named.test(Quantity.LOSS)) {
                for (Unit unit : LOSSES) {
                    settled(unit, above(plain), before).ifPresent(found::add);
                }
            }
        } else {
            together(named, before).ifPresent(found::add);
        }
        return found.stream().min(Comparator.comparingDouble(Suspicion::after));
    }

    /** Laws of a few rows each, some of which hold none that are in another unit. */
    private List<QuickLaw> guesses() {
        Random random = new Random(1);
        List<QuickLaw> guesses = new ArrayList<>();
        for (int i = 0; i < GUESSES; i++) {
            int[] rows = random.ints(0, loss.length).distinct().limit(FEW_ROWS).toArray();
            guesses.add(QuickLaw.of(part(n, rows), part(d, rows), part(loss, rows), QuickLaw.COARSE));
        }
        return guesses;
    }

    private static double[] part(double[] values, int[] rows) {
        return values.length == 0
                ? values
                : Arrays.stream(rows).mapToDouble(row -> values[row]).toArray();
    }

    /** The group by the guess that lies nearest to most rows, each as it stands or in the unit. */
    private boolean[] guessed(Unit unit, List<QuickLaw> guesses) {
        double nearest = Double.POSITIVE_INFINITY;
        QuickLaw best = guesses.get(0);
        double[] off = new double[loss.length];
        for (QuickLaw guess : guesses) {
            Arrays.setAll(
                    off,
                    i -> Math.min(Math.abs(residual(guess, unit, i, true)), Math.abs(residual(guess, unit, i, false))));
            double middle = Quantities.quantile(off, MOST_OF_THEM);
            if (middle < nearest) {
                nearest = middle;
                best = guess;
            }
        }
        return inUnit(best, unit);
    }

    private boolean[] inUnit(QuickLaw law, Unit unit) {
        boolean[] group = new boolean[loss.length];
        for (int i = 0; i < group.length; i++) {
            group[i] = Math.abs(residual(law, unit, i, true)) + MISS < Math.abs(residual(law, unit, i, false));
        }
        return group;
    }

    private double[] values(Quantity column) {
        return column == Quantity.N ? n : column == Quantity.D ? d : loss;
    }

    /** Improves a group until it stays, and keeps it where its unit explains what the law misses. */
    private Optional<Suspicion> settled(Unit unit, boolean[] seed, double before) {
        boolean[] group = seed.clone();
        QuickLaw law = null;
        for (int round = 0; round < ROUNDS; round++) {
            int size = size(group);
            if (size == 0 || size == group.length) {
                return Optional.empty();
            }
            law = counted(unit, group);
            boolean[] better = inUnit(law, unit);
            if (Arrays.equals(better, group)) {
                break;
            }
            group = better;
        }
        int size = size(group);
        if (size == 0 || size == group.length || law == null) {
            return Optional.empty();
        }
        double after = counted(unit, group).miss();
        boolean surely = size > 1 && unit.column() != Quantity.LOSS;
        boolean enough = after * (surely ? BETTER : MUCH_BETTER) <= before;
        return enough && near(unit, group) && tooGood(unit, group)
                ? Optional.of(new Suspicion(unit, group, before, after))
                : Optional.empty();
    }

    private QuickLaw counted(Unit unit, boolean[] group) {
        return QuickLaw.of(
                unit.column() == Quantity.N ? counted(unit, n, group) : n,
                unit.column() == Quantity.D ? counted(unit, d, group) : d,
                unit.column() == Quantity.LOSS ? counted(unit, loss, group) : loss,
                QuickLaw.FINE);
    }

    private static double[] counted(Unit unit, double[] values, boolean[] group) {
        double[] counted = values.clone();
        for (int i = 0; i < counted.length; i++) {
            counted[i] = group[i] ? unit.of(values[i]) : values[i];
        }
        return counted;
    }

    private double residual(QuickLaw law, Unit unit, int row, boolean inUnit) {
        double size = n.length == 0 ? 0 : n[row];
        double tokens = d.length == 0 ? 0 : d[row];
        double measured = loss[row];
        if (inUnit) {
            size = unit.column() == Quantity.N ? unit.of(size) : size;
            tokens = unit.column() == Quantity.D ? unit.of(tokens) : tokens;
            measured = unit.column() == Quantity.LOSS ? unit.of(measured) : measured;
        }
        return measured > 0 ? Math.log(measured / law.predict(size, tokens)) : Double.POSITIVE_INFINITY;
    }

    private boolean near(Unit unit, boolean[] group) {
        double[] values = values(unit.column());
        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        double leastOf = Double.POSITIVE_INFINITY;
        double mostOf = 0;
        for (int i = 0; i < values.length; i++) {
            if (group[i]) {
                leastOf = Math.min(leastOf, unit.of(values[i]));
                mostOf = Math.max(mostOf, unit.of(values[i]));
            } else {
                least = Math.min(least, values[i]);
                most = Math.max(most, values[i]);
            }
        }
        return mostOf >= least / FAR && leastOf <= most * FAR;
    }

    /** Groups that may be in another unit: what stands apart, and what does too well for its size. */
    private List<boolean[]> seeds(Quantity column) {
        double[] values = values(column);
        List<boolean[]> seeds = new ArrayList<>(below(values));
        if (n.length > 0 && d.length > 0) {
            double[] ratio = new double[n.length];
            Arrays.setAll(ratio, i -> column == Quantity.N ? n[i] / d[i] : d[i] / n[i]);
            seeds.addAll(below(ratio));
        }
        seeds.add(tooGood(column));
        Set<List<Boolean>> seen = new HashSet<>();
        seeds.removeIf(seed -> {
            List<Boolean> list =
                    IntStream.range(0, seed.length).mapToObj(i -> seed[i]).toList();
            return !seen.add(list);
        });
        return seeds;
    }

    /** Rows that do better than one of a hundred times their size on no fewer tokens, or the same with both exchanged. */
    private boolean[] tooGood(Quantity column) {
        double[] values = values(column);
        double[] other = column == Quantity.N ? d : n;
        boolean[] tooGood = new boolean[values.length];
        for (int i = 0; i < values.length; i++) {
            for (int j = 0; j < values.length; j++) {
                tooGood[i] |= values[i] * SMALLER < values[j]
                        && (other.length == 0 || other[i] <= other[j])
                        && loss[i] < loss[j];
            }
        }
        return tooGood;
    }

    /** Whether many of the group do too well for their size, which no noise and no second kind of loss explains. */
    private boolean tooGood(Unit unit, boolean[] group) {
        if (unit.column() == Quantity.LOSS) {
            return true;
        }
        boolean[] all = tooGood(unit.column());
        long good =
                IntStream.range(0, group.length).filter(i -> group[i] && all[i]).count();
        return good >= Math.max(1, size(group) * TOO_GOOD);
    }

    /** The rows below each of the widest gaps. */
    private static List<boolean[]> below(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return IntStream.range(1, sorted.length)
                .filter(i -> sorted[i] > GAP * sorted[i - 1])
                .boxed()
                .sorted(Comparator.comparingDouble(i -> sorted[i - 1] / sorted[i]))
                .limit(MOST_GAPS)
                .map(i -> {
                    boolean[] group = new boolean[values.length];
                    for (int row = 0; row < values.length; row++) {
                        group[row] = values[row] <= sorted[i - 1];
                    }
                    return group;
                })
                .toList();
    }

    /** The rows above the widest gap between residuals. */
    private boolean[] above(QuickLaw law) {
        double[] residuals = new double[loss.length];
        Arrays.setAll(
                residuals, i -> Math.log(loss[i] / law.predict(n.length == 0 ? 0 : n[i], d.length == 0 ? 0 : d[i])));
        double[] sorted = residuals.clone();
        Arrays.sort(sorted);
        int widest = 1;
        for (int i = 1; i < sorted.length; i++) {
            widest = sorted[i] - sorted[i - 1] > sorted[widest] - sorted[widest - 1] ? i : widest;
        }
        boolean[] group = new boolean[loss.length];
        for (int i = 0; i < group.length; i++) {
            group[i] = residuals[i] >= sorted[widest];
        }
        return group;
    }

    /** Sizes and tokens that grow together fit a law in one of them, whatever the other counts. */
    private Optional<Suspicion> together(Predicate<Quantity> named, double miss) {
        if (n.length == 0 || d.length == 0) {
            return Optional.empty();
        }
        double[] ratio = new double[n.length];
        Arrays.setAll(ratio, i -> d[i] / n[i]);
        List<Suspicion> found = new ArrayList<>();
        for (boolean[] low : below(ratio)) {
            for (Unit unit : UNITS) {
                boolean[] group = low.clone();
                for (int i = 0; unit.column() == Quantity.N && i < group.length; i++) {
                    group[i] = !group[i];
                }
                double own = middle(ratio, group);
                double others = middle(ratio, inverse(group));
                double factor = unit.column() == Quantity.N ? own / others : others / own;
                if (!named.test(unit.column())
                        && unit.factor() >= FAR
                        && Quantities.near(factor, unit.factor(), OFF - 1)
                        && tight(ratio, group)
                        && tight(ratio, inverse(group))
                        && among(values(unit.column()), unit, group)) {
                    found.add(new Suspicion(unit, group, miss, miss));
                }
            }
        }
        return found.stream().min(Comparator.comparingInt(each -> size(each.group())));
    }

    private static boolean tight(double[] values, boolean[] group) {
        double[] own = own(values, group);
        return Quantities.quantile(own, 1) <= SPREAD * Quantities.quantile(own, 0);
    }

    /** Whether the group, counted in the unit, reaches into what the others span. */
    private static boolean among(double[] values, Unit unit, boolean[] group) {
        double[] own = own(values, group);
        double[] others = own(values, inverse(group));
        return unit.of(Quantities.quantile(own, 1)) * SPREAD >= Quantities.quantile(others, 0)
                && unit.of(Quantities.quantile(own, 0)) <= SPREAD * Quantities.quantile(others, 1);
    }

    private static double middle(double[] values, boolean[] group) {
        return Quantities.median(own(values, group));
    }

    private static double[] own(double[] values, boolean[] group) {
        return IntStream.range(0, values.length)
                .filter(i -> group[i])
                .mapToDouble(i -> values[i])
                .toArray();
    }

    private static boolean[] inverse(boolean[] group) {
        boolean[] inverse = new boolean[group.length];
        for (int i = 0; i < group.length; i++) {
            inverse[i] = !group[i];
        }
        return inverse;
    }

    private static int size(boolean[] group) {
        int size = 0;
        for (boolean in : group) {
            size += in ? 1 : 0;
        }
        return size;
    }
}
