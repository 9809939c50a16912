package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.law.KaplanForms;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Compute beside 6·N·D. Their quotient is compared with one. Embeddings and attention in one account and not in the other
 * move it by less than a half, or by more in small models and less and less as models grow; any other factor is explained
 * and asked about, never divided out without a word.
 */
final class ComputeAccount {
    private static final double ROUNDING = 0.05;

    /** Attention and embeddings counted in compute or in parameters alone, a second forward pass (4/3). */
    private static final double LEAST = 0.8;

    private static final double MOST = 1.6;

    /** Beyond this embeddings and attention do not reach even in the smallest models that tables hold. */
    private static final double FAR = 10;

    /** Nor these in any model. */
    private static final double FARTHEST = 100;

    /** Rank correlation of |ln quotient| with N from which the quotient counts as nearing one. */
    private static final double NEARING = -0.5;

    /** Share of rows outside the band that are told and not asked about. */
    private static final double FEW = 0.1;

    private static final double[] UNITS = {1, 1e3, 1e6, 1e9, 1e12};
    private static final double[] WORK_UNITS = {
        1, 1e9, 1e12, 1e15, 1e18, 1e21, KaplanForms.FLOPS_PER_PF_DAY, 1e-9, 1e-12, 1e-18
    };
    /** Within these a correction of units leaves something that people train. */
    private static final double SMALLEST_MODEL = 1e4;

    private static final double LARGEST_MODEL = 1e14;
    private static final double LEAST_DATA = 1e5;
    private static final double MOST_DATA = 1e16;
    private static final double FEWEST_TOKENS = 0.1;
    private static final double MOST_TOKENS = 1e5;

    private final String file;
    private final double[] n;
    private final double[] d;
    private final double[] ratios;
    private final double ratio;
    private final Map<Quantity, String> headers;
    private final String data;

    private ComputeAccount(
            String file, double[] n, double[] d, double[] c, Map<Quantity, String> headers, String data) {
        this.file = file;
        this.n = n;
        this.d = d;
        this.headers = headers;
        this.data = data;
        ratios = new double[n.length];
        Arrays.setAll(ratios, i -> c[i] / (6 * n[i] * d[i]));
        ratio = Quantities.median(ratios);
    }

    /**
     * Compares compute with 6·N·D; D may be batch times steps.
     *
     * @param steps steps of each row; null where there are none
     * @param named whether the user named the column of compute, and so said that it is meant as it stands
     * @param lines where each row stands in its file
     * @return what to tell; empty where both agree
     * @throws UserError where they differ by more than accounts of compute do
     */
    static Optional<String> compare(
            String file,
            Map<Quantity, double[]> numbers,
            Map<Quantity, String> headers,
            double[] steps,
            String stepsHeader,
            boolean named,
            List<String> lines) {
        double[] n = numbers.get(Quantity.N);
        double[] c = numbers.get(Quantity.C);
        double[] given = numbers.get(Quantity.D);
        double[] b = numbers.get(Quantity.B);
        if (n == null || c == null || n.length == 0 || (given == null && (b == null || steps == null))) {
            return Optional.empty();
        }
        double[] d = given;
        if (given == null) {
            d = new double[n.length];
            Arrays.setAll(d, i -> b[i] * steps[i]);
        }
        String data = given == null ? headers.get(Quantity.B) + "·" + stepsHeader : headers.get(Quantity.D);
        return new ComputeAccount(file, n, d, c, headers, data).told(named, lines);
    }

    private Optional<String> told(boolean named, List<String> lines) {
        if (!(ratio > 0)) {
            return Optional.empty();
        }
        boolean far = ratio < 1 / FAR || ratio > FAR;
        if (!far && nearsOne()) {
            return Optional.of(sentence(found()) + " and nears one as " + headers.get(Quantity.N)
                    + " grows, as it does where embeddings or attention are in one account and not in the other: "
                    + "compute is taken as given; laws in n and d do not use it.");
        }
        if (!within(ratio)) {
            if (named && !far) {
                return Optional.of(sentence(found()) + ": taken as it is, as --columns says.");
            }
            throw new UserError(file + ": " + found() + (far ? units() : account()));
        }
        int[] outside = IntStream.range(0, ratios.length)
                .filter(i -> ratios[i] > 0 && !within(ratios[i]))
                .toArray();
        if (outside.length > FEW * ratios.length && !named) {
            throw new UserError(file + ": " + headers.get(Quantity.C) + " is not 6·" + headers.get(Quantity.N) + "·"
                    + data + " in " + some(outside, lines)
                    + ", though it is in others" + otherUnit(outside)
                    + "; mend these rows, keep rows of one kind with --where, or leave compute"
                    + " out with --columns c=none");
        }
        if (outside.length > 0) {
            return Optional.of(sentence(headers.get(Quantity.C)) + " is not 6·" + headers.get(Quantity.N) + "·" + data
                    + " in " + some(outside, lines) + ": it is taken as given; laws in n and d do not use it.");
        }
        return Quantities.near(ratio, 1, ROUNDING)
                ? Optional.empty()
                : Optional.of(sentence(found())
                        + ": compute is taken as given, by whatever account; laws in n and d do not use it.");
    }

    private String found() {
        String where = Quantities.constant(ratios, ROUNDING)
                ? " in every row"
                : " in the middle row (" + Quantities.text(Quantities.quantile(ratios, 0)) + " to "
                        + Quantities.text(Quantities.quantile(ratios, 1)) + ")";
        return headers.get(Quantity.C) + " is " + Quantities.text(ratio) + " times 6·" + headers.get(Quantity.N) + "·"
                + data + where;
    }

    /** What a factor of thousands between rows says; empty for another one. */
    private String otherUnit(int[] rows) {
        double[] off = Arrays.stream(rows).mapToDouble(row -> ratios[row]).toArray();
        double middle = Quantities.median(off);
        boolean larger = middle > 1;
        for (int i = 1; i < UNITS.length; i++) {
            if (Quantities.near(larger ? middle : 1 / middle, UNITS[i], 1) && Quantities.constant(off, 1)) {
                String counted = larger ? headers.get(Quantity.N) + " or " + data : headers.get(Quantity.C);
                return ": there " + counted + " may be counted in units of " + Quantities.factor(UNITS[i]);
            }
        }
        return "";
    }

    private String some(int[] rows, List<String> lines) {
        return rows.length + " of " + ratios.length + " rows (" + lines.get(rows[0]) + ": "
                + Quantities.text(ratios[rows[0]]) + " times)";
    }

    private static String sentence(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    private static boolean within(double ratio) {
        return ratio > LEAST && ratio < MOST;
    }

    /** Whether the quotient lies on one side of one and comes nearer to it as models grow. */
    private boolean nearsOne() {
        if (Quantities.constant(ratios, ROUNDING)) {
            return false;
        }
        double side = Math.signum(Math.log(ratio));
        boolean oneSide = Arrays.stream(ratios)
                .allMatch(r -> r > 1 / FARTHEST && r < FARTHEST && side * Math.log(r) > -Math.log1p(ROUNDING));
        double[] distances =
                Arrays.stream(ratios).map(r -> Math.abs(Math.log(r))).toArray();
        return oneSide
                && Quantities.rankCorrelation(n, distances).stream().anyMatch(correlation -> correlation <= NEARING);
    }

    /** A factor that units do not explain, and how to say what is meant. */
    private String account() {
        double factor = 1 / ratio;
        String said = "";
        String counted = assignment(Quantity.C, factor);
        for (Account known : Account.KNOWN) {
            if (Quantities.near(ratio, known.ratio(), ROUNDING)) {
                said = " (" + known.meaning() + "?)";
                counted = assignment(Quantity.C, 1 / known.ratio());
            }
        }
        double epochs = Math.rint(ratio);
        String data = headers.containsKey(Quantity.D) && epochs >= 2 && Quantities.near(ratio, epochs, ROUNDING)
                ? assignment(Quantity.D, epochs) + " where " + headers.get(Quantity.D) + " are seen "
                        + Quantities.text(epochs) + " times, "
                : "";
        return said + "; say which with --columns: " + data + counted + " to count it as 6·N·D, "
                + assignment(Quantity.C, 1) + " where it is meant as it stands, or c=none to leave compute out";
    }

    private record Account(double ratio, String meaning) {
        static final List<Account> KNOWN = List.of(
                new Account(1.0 / 6, "N·D"),
                new Account(1.0 / 3, "2·N·D, the forward pass alone"),
                new Account(0.5, "3·N·D, a multiplication and its addition counted as one"),
                new Account(2.0 / 3, "4·N·D, the backward pass alone"));
    }

    /** The fewest changes of unit that bring compute and 6·N·D together and leave sizes that people train. */
    private String units() {
        record Change(double n, double d, double c, int changes) {}
        double size = Quantities.median(n);
        double tokens = Quantities.median(d);
        List<Change> changes = new ArrayList<>();
        for (double un : UNITS) {
            for (double ud : UNITS) {
                for (double uc : WORK_UNITS) {
                    double left = ratio * uc / (un * ud);
                    boolean trained = size * un >= SMALLEST_MODEL
                            && size * un <= LARGEST_MODEL
                            && tokens * ud >= LEAST_DATA
                            && tokens * ud <= MOST_DATA
                            && tokens * ud >= size * un * FEWEST_TOKENS
                            && tokens * ud <= size * un * MOST_TOKENS;
                    if (trained && Quantities.near(left, 1, 1)) {
                        changes.add(new Change(un, ud, uc, (un == 1 ? 0 : 1) + (ud == 1 ? 0 : 1) + (uc == 1 ? 0 : 1)));
                    }
                }
            }
        }
        int fewest = changes.stream().mapToInt(Change::changes).min().orElse(0);
        List<String> sayings = changes.stream()
                .filter(change -> change.changes() == fewest && (change.d() == 1 || headers.containsKey(Quantity.D)))
                .sorted(Comparator.comparingDouble(Change::n).reversed())
                .limit(2)
                .map(change -> Stream.of(
                                change.n() == 1 ? "" : said(Quantity.N, change.n()),
                                change.d() == 1 ? "" : said(Quantity.D, change.d()),
                                change.c() == 1 ? "" : said(Quantity.C, change.c()))
                        .filter(text -> !text.isEmpty())
                        .collect(Collectors.collectingAndThen(Collectors.joining(","), Typed::word)))
                .toList();
        String end = "; say which with --columns, or leave compute out with --columns c=none";
        if (!sayings.isEmpty()) {
            return " (counted in other units? " + String.join(" or ", sayings) + " would agree)" + end;
        }
        return headers.containsKey(Quantity.D) && Quantities.context(ratio)
                ? " (" + Quantities.text(Math.rint(ratio)) + " = the context? Then " + headers.get(Quantity.D)
                        + " counts sequences: " + assignment(Quantity.D, Math.rint(ratio)) + ")" + end
                : " (one of the three is counted in another unit)" + end;
    }

    /** As {@code --columns} takes it; what the column's own header multiplies with stays. */
    private String assignment(Quantity column, double unit) {
        return Typed.word(said(column, unit));
    }

    private String said(Quantity column, double unit) {
        String header = headers.get(column);
        int times = header.lastIndexOf('*');
        OptionalDouble own = OptionalDouble.empty();
        if (times >= 0) {
            try {
                own = OptionalDouble.of(Double.parseDouble(header.substring(times + 1)));
            } catch (NumberFormatException anotherHeader) {
                own = OptionalDouble.empty();
            }
        }
        double factor = unit * own.orElse(1);
        String name = own.isPresent() ? header.substring(0, times) : header;
        return column.label() + "=" + name + (factor == 1 ? "" : "*" + Quantities.factor(factor));
    }
}
