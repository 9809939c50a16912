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
import java.util.stream.Collectors;

/**
 * Columns that say one thing twice: compute beside 6·N·D, and tokens beside batch times steps. Their quotient is compared
 * with one; a factor between them is explained, and asked about, never divided out in silence.
 */
final class Redundancy {
    /** Accounts of compute differ by this much at most: the forward pass alone, or embeddings and attention of small models. */
    private static final double LEAST_ACCOUNT = 1 / 3.5;

    private static final double LARGEST_ACCOUNT = 10;

    private static final double ROUNDING = 0.05;
    /** Ramps of the batch and steps that were skipped. */
    private static final double RAMP = 0.3;

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

    /** A model of this size is not trained on so few tokens a step. */
    private static final double LARGE_MODEL = 1e6;

    private static final double FEW = 16_384;

    private Redundancy() {}

    /**
     * Compares compute with 6·N·D.
     *
     * @return what to tell; empty where both agree
     * @throws UserError where they differ by more than accounts of compute do
     */
    static Optional<String> compute(String file, Map<Quantity, double[]> numbers, Map<Quantity, String> headers) {
        double[] n = numbers.get(Quantity.N);
        double[] d = numbers.get(Quantity.D);
        double[] c = numbers.get(Quantity.C);
        if (n == null || d == null || c == null || n.length == 0) {
            return Optional.empty();
        }
        double[] ratios = new double[n.length];
        Arrays.setAll(ratios, i -> c[i] / (6 * n[i] * d[i]));
        double ratio = Quantities.median(ratios);
        if (!(ratio > 0) || Quantities.near(ratio, 1, ROUNDING)) {
            return Optional.empty();
        }
        String found = headers.get(Quantity.C) + " is " + Quantities.text(ratio) + " times 6·" + headers.get(Quantity.N)
                + "·" + headers.get(Quantity.D) + (constant(ratios) ? " in every row" : " in the middle row");
        if (ratio < LARGEST_ACCOUNT && ratio > LEAST_ACCOUNT) {
            return Optional.of(Character.toUpperCase(found.charAt(0)) + found.substring(1)
                    + ": compute is taken as given, by whatever account; laws in n and d do not use it.");
        }
        throw new UserError(
                file + ": " + found + explanation(ratio, Quantities.median(n), Quantities.median(d), headers)
                        + "; say which with --columns, or leave compute out with --columns c=none");
    }

    /** The fewest changes of unit that bring compute and 6·N·D together and leave sizes that people train. */
    private static String explanation(double ratio, double n, double d, Map<Quantity, String> headers) {
        record Change(double n, double d, double c, int changes) {}
        List<Change> changes = new ArrayList<>();
        for (double un : UNITS) {
            for (double ud : UNITS) {
                for (double uc : WORK_UNITS) {
                    double left = ratio * uc / (un * ud);
                    boolean trained = n * un >= SMALLEST_MODEL
                            && n * un <= LARGEST_MODEL
                            && d * ud >= LEAST_DATA
                            && d * ud <= MOST_DATA
                            && d * ud >= n * un * FEWEST_TOKENS
                            && d * ud <= n * un * MOST_TOKENS;
                    if (trained && Quantities.near(left, 1, 1)) {
                        changes.add(new Change(un, ud, uc, (un == 1 ? 0 : 1) + (ud == 1 ? 0 : 1) + (uc == 1 ? 0 : 1)));
                    }
                }
            }
        }
        List<String> sayings = new ArrayList<>();
        int fewest = changes.stream().mapToInt(Change::changes).min().orElse(0);
        changes.stream()
                .filter(change -> change.changes() == fewest)
                .sorted(Comparator.comparingDouble(Change::n).reversed())
                .limit(2)
                .forEach(change -> sayings.add(List.of(
                                assignment(Quantity.N, headers, change.n()),
                                assignment(Quantity.D, headers, change.d()),
                                assignment(Quantity.C, headers, change.c()))
                        .stream()
                        .filter(text -> !text.isEmpty())
                        .collect(Collectors.joining(","))));
        if (sayings.isEmpty() && context(ratio)) {
            return " (" + Quantities.text(Math.rint(ratio)) + " = the context? Then " + headers.get(Quantity.D)
                    + " counts sequences: " + assignment(Quantity.D, headers, Math.rint(ratio)) + ")";
        }
        return sayings.isEmpty()
                ? " (one of the three is counted in another unit)"
                : " (counted in other units? " + String.join(" or ", sayings) + " would agree)";
    }

    private static String assignment(Quantity column, Map<Quantity, String> headers, double unit) {
        return unit == 1
                ? ""
                : column.label() + "=" + headers.get(column).replaceAll("\\*[^*]*E[+-]?\\d+$", "") + "*"
                        + String.format(java.util.Locale.ROOT, "%.6g", unit)
                                .replaceAll("\\.?0+(e|$)", "$1")
                                .replace("e+", "e")
                                .replaceAll("e0(\\d)", "e$1");
    }

    /**
     * Compares tokens with batch times steps.
     *
     * @param batchOfWhat whether the batch's header leaves open if it counts tokens or sequences
     * @return why the batch cannot be used as tokens; empty where it can
     * @throws UserError where a batch that says it counts tokens contradicts the tokens
     */
    static Optional<UserError> batch(
            String file,
            Map<Quantity, double[]> numbers,
            Map<Quantity, String> headers,
            double[] steps,
            String stepsHeader,
            boolean batchOfWhat,
            Optional<Context> context) {
        double[] b = numbers.get(Quantity.B);
        double[] d = numbers.get(Quantity.D);
        if (b == null || b.length == 0) {
            return Optional.empty();
        }
        String batch = headers.get(Quantity.B);
        if (steps != null && d != null) {
            double[] ratios = new double[b.length];
            Arrays.setAll(ratios, i -> d[i] / (b[i] * steps[i]));
            double ratio = Quantities.median(
                    Arrays.stream(ratios).filter(Double::isFinite).toArray());
            if (!(ratio > 0) || Quantities.near(ratio, 1, RAMP)) {
                return Optional.empty();
            }
            double factor = Math.rint(ratio);
            String why = ratio > 1 && factor >= 2 && Quantities.near(factor, ratio, ROUNDING)
                    ? (context(ratio) || batchOfWhat
                                    ? " (" + Quantities.text(factor) + " = the context? Then " + batch
                                            + " counts sequences"
                                    : " (" + Quantities.text(factor) + " batches a step?")
                            + ": --columns b=" + batch + "*" + Quantities.text(factor) + " says so)"
                    : " (one of the three is counted in another unit)";
            UserError contradiction =
                    new UserError(file + ": " + headers.get(Quantity.D) + " is " + Quantities.text(ratio)
                            + " times " + batch + "·" + stepsHeader
                            + (constant(ratios) ? " in every row" : " in the middle row") + why
                            + "; say what it counts with --columns b=…, or leave it out with --columns b=none");
            if (batchOfWhat) {
                return Optional.of(contradiction);
            }
            throw contradiction;
        }
        double n = numbers.containsKey(Quantity.N) ? Quantities.median(numbers.get(Quantity.N)) : 0;
        double most = Arrays.stream(b).max().orElse(0);
        if (batchOfWhat && n >= LARGE_MODEL && most < FEW) {
            String length = context.map(Context::header).orElse("2048");
            return Optional.of(new UserError(file + ": '" + batch + "' holds up to " + Quantities.text(most)
                    + " and does not say of what; say --columns b=" + batch + "*" + length
                    + " where it counts sequences of that many tokens"
                    + (context.isPresent() ? "" : ", with their length for 2048,")
                    + " or b=" + batch + " where it counts tokens"));
        }
        return Optional.empty();
    }

    /** The column that holds the context's length. */
    record Context(String header) {}

    private static boolean context(double ratio) {
        double power = Math.log(ratio) / Math.log(2);
        double round = Math.rint(power);
        return round >= 5 && round <= 20 && Quantities.near(ratio, Math.pow(2, round), ROUNDING);
    }

    private static boolean constant(double[] ratios) {
        return Quantities.near(Quantities.quantile(ratios, 0), Quantities.quantile(ratios, 0.999999), ROUNDING);
    }
}
