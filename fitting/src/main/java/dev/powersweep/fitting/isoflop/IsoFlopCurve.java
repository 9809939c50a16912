package dev.powersweep.fitting.isoflop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The runs of one compute budget, sorted by model size, one run per size.
 *
 * @param flops the budget C
 * @param n parameters N, strictly increasing
 * @param d tokens D of each run
 * @param loss final loss in nats per token
 * @param weight of each run, above zero
 */
public record IsoFlopCurve(double flops, double[] n, double[] d, double[] loss, double[] weight) {
    /** A budget whose runs have equal weights. */
    public IsoFlopCurve(double flops, double[] n, double[] d, double[] loss) {
        this(flops, n, d, loss, ones(n.length));
    }

    /** Budgets that differ by less than this share are one budget: grids round tokens to whole batches. */
    public static final double DEFAULT_TOLERANCE = 0.02;

    /**
     * Sizes that differ by less than this share are one size, counted a little differently: a spline would take their
     * noise for slope.
     */
    static final double SAME_SIZE = 0.01;

    /**
     * Groups runs into budgets. A budget takes in runs whose FLOPs lie within the tolerance of its cheapest run; its C is
     * the geometric mean. Several runs of one size (to 1 %) in one budget are represented by the lowest loss, as Porian et al.
     * 2024 do, because they usually differ in batch size or learning rate.
     *
     * @param flops C of each run
     * @param n N of each run
     * @param d D of each run
     * @param loss loss of each run
     * @param tolerance relative, e.g. {@link #DEFAULT_TOLERANCE}
     * @return budgets by increasing C
     */
    public static List<IsoFlopCurve> group(double[] flops, double[] n, double[] d, double[] loss, double tolerance) {
        return group(flops, n, d, loss, ones(flops.length), tolerance);
    }

    /** The same of runs of unequal weight; runs of weight zero are left out. */
    public static List<IsoFlopCurve> group(
            double[] flops, double[] n, double[] d, double[] loss, double[] weight, double tolerance) {
        Integer[] order = IntStream.range(0, flops.length)
                .filter(i -> weight[i] > 0)
                .boxed()
                .toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparingDouble(i -> flops[i]));
        List<IsoFlopCurve> curves = new ArrayList<>();
        int start = 0;
        while (start < order.length) {
            int end = start + 1;
            while (end < order.length && flops[order[end]] <= flops[order[start]] * (1 + tolerance)) {
                end++;
            }
            curves.add(curve(Arrays.copyOfRange(order, start, end), flops, n, d, loss, weight));
            start = end;
        }
        return curves;
    }

    private static IsoFlopCurve curve(
            Integer[] rows, double[] flops, double[] n, double[] d, double[] loss, double[] weight) {
        double lowest = Arrays.stream(rows).mapToDouble(i -> flops[i]).min().orElseThrow();
        double meanLog = 0;
        for (int row : rows) {
            meanLog += Math.log(flops[row] / lowest) / rows.length;
        }
        Arrays.sort(rows, Comparator.<Integer>comparingDouble(i -> n[i]).thenComparingDouble(i -> loss[i]));
        int size = 0;
        int[] kept = new int[rows.length];
        for (int row : rows) {
            if (size == 0 || n[row] > n[kept[size - 1]] * (1 + SAME_SIZE)) {
                kept[size++] = row;
            } else if (loss[row] < loss[kept[size - 1]]) {
                kept[size - 1] = row;
            }
        }
        int[] best = Arrays.copyOf(kept, size);
        return new IsoFlopCurve(
                lowest * Math.exp(meanLog),
                Arrays.stream(best).mapToDouble(i -> n[i]).toArray(),
                Arrays.stream(best).mapToDouble(i -> d[i]).toArray(),
                Arrays.stream(best).mapToDouble(i -> loss[i]).toArray(),
                Arrays.stream(best).mapToDouble(i -> weight[i]).toArray());
    }

    /** How many sizes the budget holds. */
    public int sizes() {
        return n.length;
    }

    /** The same design with other losses. */
    public IsoFlopCurve withLoss(double[] other) {
        return new IsoFlopCurve(flops, n, d, other, weight);
    }

    /** The mean weight of the runs. */
    double meanWeight() {
        return Arrays.stream(weight).average().orElse(1);
    }

    private static double[] ones(int count) {
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        return ones;
    }
}
