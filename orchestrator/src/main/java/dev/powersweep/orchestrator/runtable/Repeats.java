package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Text that was seen more than once, and rows of one model and data size whose losses differ by more than seeds do, with nothing that tells them apart. */
final class Repeats {
    /** Of a loss; seeds of one language model differ by a tenth of it. */
    private static final double MORE_THAN_SEEDS = 0.03;

    /** Tokens seen over those of the text, beyond rounding. */
    private static final double ONCE = 1.01;

    private Repeats() {}

    /**
     * Runs that saw their text more than once, which most laws do not know.
     *
     * @param ends positions of the rows that end a run
     */
    static Optional<String> ofText(List<Integer> ends, Map<Quantity, double[]> numbers) {
        double[] d = numbers.get(Quantity.D);
        double[] u = numbers.get(Quantity.U);
        if (d == null || u == null) {
            return Optional.empty();
        }
        double[] epochs = ends.stream()
                .mapToDouble(row -> d[row] / u[row])
                .filter(times -> times > ONCE)
                .toArray();
        return epochs.length == 0
                ? Optional.empty()
                : Optional.of(
                        epochs.length + " of " + ends.size() + " runs saw their text more than once, up to "
                                + Quantities.text(Arrays.stream(epochs).max().orElseThrow())
                                + " times: laws that do not know u take repeated tokens for new ones; muennighoff-joint knows it.");
    }

    /** @param ends positions of the rows that end a run */
    static Optional<String> of(List<Integer> ends, Map<Quantity, double[]> numbers) {
        double[] n = numbers.get(Quantity.N);
        double[] d = numbers.get(Quantity.D);
        double[] u = numbers.get(Quantity.U);
        double[] loss = numbers.get(Quantity.LOSS);
        if (n == null || d == null || loss == null) {
            return Optional.empty();
        }
        Map<List<Double>, double[]> ranges = new HashMap<>();
        for (int row : ends) {
            double[] range = ranges.computeIfAbsent(List.of(n[row], d[row], u == null ? d[row] : u[row]), size ->
                    new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY});
            range[0] = Math.min(range[0], loss[row]);
            range[1] = Math.max(range[1], loss[row]);
        }
        List<Double> apart = ranges.values().stream()
                .map(range -> range[1] / range[0] - 1)
                .filter(share -> share > MORE_THAN_SEEDS)
                .toList();
        return apart.isEmpty()
                ? Optional.empty()
                : Optional.of(String.format(
                        Locale.ROOT,
                        "%d of %d model and data sizes stand more than once, with losses up to %.0f %% apart, which is"
                                + " more than seeds differ, and no column tells their rows apart: all are fitted. Leave"
                                + " out what is wrong, or name what differs with --where.",
                        apart.size(),
                        ranges.size(),
                        100 * apart.stream().mapToDouble(share -> share).max().orElseThrow()));
    }
}
