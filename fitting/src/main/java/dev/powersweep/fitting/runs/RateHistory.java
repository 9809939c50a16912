package dev.powersweep.fitting.runs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The learning rate along one run, as its rows tell it: what each row has behind it, and every change of the rate on the way.
 *
 * <p>Between two rows the rate is a straight line; an interval over which it changes much is cut into pieces, changes that are
 * tiny are taken together. Before the first row it rises linearly from zero, a warm-up. A run of a single row has trained at
 * its rate from the first step.
 *
 * @param rows positions of the run's rows, by step
 * @param sum sum of the rates over the steps up to each row: Σ η
 * @param change of the rate in each piece, η_after − η_before; negative where it falls
 * @param rate in the middle of each piece
 * @param before sum of the rates up to the middle of each piece, ascending
 */
public record RateHistory(int[] rows, double[] sum, double[] change, double[] rate, double[] before) {
    private static final int WARM_UP_PIECES = 24;

    /** A piece may change the logarithm of the rate by so much. */
    private static final double LARGEST_PIECE = 0.1;

    private static final int MOST_PIECES = 32;

    /** Changes below this share of the largest rate are taken together with the next. */
    private static final double SMALLEST_PIECE = 1.0 / 512;

    /** The histories of all runs, in the order of their numbers. */
    public static List<RateHistory> of(Observations runs) {
        List<List<Integer>> rows = new ArrayList<>();
        for (int run = 0; run < runs.runs(); run++) {
            rows.add(new ArrayList<>());
        }
        IntStream.range(0, runs.size()).forEach(row -> rows.get(runs.runOf(row)).add(row));
        List<RateHistory> histories = new ArrayList<>();
        for (List<Integer> of : rows) {
            of.sort(Comparator.comparingDouble(row -> runs.at(Quantity.STEP, row)));
            histories.add(of(
                    of.stream().mapToInt(Integer::intValue).toArray(),
                    of.stream().mapToDouble(row -> runs.at(Quantity.STEP, row)).toArray(),
                    of.stream()
                            .mapToDouble(row -> runs.at(Quantity.LEARNING_RATE, row))
                            .toArray()));
        }
        return histories;
    }

    private static RateHistory of(int[] rows, double[] step, double[] rate) {
        double[] sum = new double[rows.length];
        Pieces pieces = new Pieces(Arrays.stream(rate).max().orElseThrow());
        if (rows.length == 1) {
            sum[0] = rate[0] * step[0];
        } else {
            sum[0] = rate[0] * step[0] / 2;
            pieces.line(0, step[0], 0, rate[0], WARM_UP_PIECES);
        }
        for (int i = 1; i < rows.length; i++) {
            double steps = step[i] - step[i - 1];
            sum[i] = sum[i - 1] + steps * (rate[i - 1] + rate[i]) / 2;
            double ratio = Math.abs(Math.log(rate[i] / rate[i - 1]));
            int count = (int) Math.min(MOST_PIECES, Math.max(1, Math.ceil(ratio / LARGEST_PIECE)));
            pieces.line(sum[i - 1], steps, rate[i - 1], rate[i], count);
        }
        return pieces.history(rows, sum);
    }

    /** Changes of the rate as they are collected. */
    private static final class Pieces {
        private final double smallest;
        private final List<double[]> all = new ArrayList<>();
        /** Changes too small to stand alone: their sum, and their means weighted by size of rate and of place. */
        private double change;

        private double size;
        private double rateSum;
        private double placeSum;

        Pieces(double largestRate) {
            this.smallest = largestRate * SMALLEST_PIECE;
        }

        /** A straight line of the rate over some steps. */
        void line(double sumBefore, double steps, double from, double to, int count) {
            for (int j = 0; j < count && to != from; j++) {
                double middle = (j + 0.5) / count;
                double at = from + (to - from) * middle;
                add((to - from) / count, at, sumBefore + steps * middle * (from + at) / 2);
            }
        }

        private void add(double by, double at, double place) {
            if (change * by < 0) {
                close();
            }
            change += by;
            size += Math.abs(by);
            rateSum += Math.abs(by) * at;
            placeSum += Math.abs(by) * place;
            if (size >= smallest) {
                close();
            }
        }

        private void close() {
            if (size > 0) {
                all.add(new double[] {change, rateSum / size, placeSum / size});
            }
            change = 0;
            size = 0;
            rateSum = 0;
            placeSum = 0;
        }

        RateHistory history(int[] rows, double[] sum) {
            close();
            return new RateHistory(rows, sum, column(0), column(1), column(2));
        }

        private double[] column(int c) {
            return all.stream().mapToDouble(piece -> piece[c]).toArray();
        }
    }
}
