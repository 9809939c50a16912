package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Tokens beside batch times steps. Their quotient is compared with one; a factor between them is explained, and asked about,
 * never divided out without a word.
 */
final class BatchAccount {
    private static final double ROUNDING = 0.05;
    /** Ramps of the batch and steps that were skipped. */
    private static final double RAMP = 0.3;

    /** A model of this size is not trained on so few tokens a step. */
    private static final double LARGE_MODEL = 1e6;

    private static final double FEW = 16_384;

    private BatchAccount() {}

    /**
     * Compares tokens with batch times steps.
     *
     * @param batchOfWhat whether the batch's header leaves open if it counts tokens or sequences
     * @param remark is told of a small difference
     * @return why the batch cannot be used as tokens; empty where it can
     * @throws UserError where a batch that says it counts tokens contradicts the tokens
     */
    static Optional<UserError> compare(
            String file,
            Map<Quantity, double[]> numbers,
            Map<Quantity, String> headers,
            double[] steps,
            String stepsHeader,
            boolean batchOfWhat,
            Optional<Context> context,
            Consumer<String> remark) {
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
            if (!(ratio > 0) || Quantities.near(ratio, 1, ROUNDING)) {
                return Optional.empty();
            }
            if (Quantities.near(ratio, 1, RAMP)) {
                remark.accept(headers.get(Quantity.D) + " is " + Quantities.text(ratio) + " times " + batch + "·"
                        + stepsHeader
                        + (Quantities.constant(ratios, ROUNDING) ? " in every row" : " in the middle row")
                        + ", as after a ramp of the batch: both are taken as given.");
                return Optional.empty();
            }
            double factor = Math.rint(ratio);
            String why = ratio > 1 && factor >= 2 && Quantities.near(factor, ratio, ROUNDING)
                    ? (Quantities.context(ratio) || batchOfWhat
                                    ? " (" + Quantities.text(factor) + " = the context? Then " + batch
                                            + " counts sequences"
                                    : " (" + Quantities.text(factor) + " batches a step?")
                            + ": " + Typed.columns(Quantity.B, batch + "*" + Quantities.text(factor)) + " says so)"
                    : " (one of the three is counted in another unit)";
            UserError contradiction =
                    new UserError(file + ": " + headers.get(Quantity.D) + " is " + Quantities.text(ratio)
                            + " times " + batch + "·" + stepsHeader
                            + (Quantities.constant(ratios, ROUNDING) ? " in every row" : " in the middle row") + why
                            + "; say what it counts with --columns b=…, or leave it out with --columns b=none");
            if (batchOfWhat) {
                return Optional.of(contradiction);
            }
            throw contradiction;
        }
        double n = numbers.containsKey(Quantity.N) ? Quantities.median(numbers.get(Quantity.N)) : 0;
        double most = Arrays.stream(b).max().orElse(0);
        boolean sequences =
                context.isPresent() && !wholeSequences(b, context.get().lengths());
        if (batchOfWhat && (n >= LARGE_MODEL && most < FEW || sequences)) {
            String length = context.map(Context::header).orElse("2048");
            return Optional.of(new UserError(file + ": '" + batch + "' holds up to " + Quantities.text(most)
                    + " and does not say of what; say " + Typed.columns(Quantity.B, batch + "*" + length)
                    + " where it counts sequences of that many tokens"
                    + (context.isPresent() ? "" : ", with their length for 2048,")
                    + " or " + Typed.assignment(Quantity.B, batch) + " where it counts tokens"));
        }
        return Optional.empty();
    }

    /** Whether the batch of every row may be tokens of whole sequences. */
    private static boolean wholeSequences(double[] b, double[] lengths) {
        return IntStream.range(0, b.length).allMatch(i -> !(lengths[i] > 1) || b[i] % lengths[i] == 0);
    }

    /**
     * The column that holds the context's length.
     *
     * @param lengths of every row, NaN where it is no number
     */
    record Context(String header, double[] lengths) {}
}
