package dev.powersweep.fitting.isoflop;

/**
 * The training loss of one run against the compute spent on it, by increasing compute.
 *
 * <p>Only runs at a constant learning rate may be read at their intermediate points: under a cosine schedule every
 * unfinished point lies above what a run of that length would reach (Hägele et al. 2024).
 *
 * @param n parameters N
 * @param flops FLOPs spent so far, strictly increasing
 * @param tokens tokens seen so far
 * @param loss training loss in nats per token
 * @param weight of the run, above zero
 */
public record TrainingCurve(double n, double[] flops, double[] tokens, double[] loss, double weight) {
    /** A run of weight one. */
    public TrainingCurve(double n, double[] flops, double[] tokens, double[] loss) {
        this(n, flops, tokens, loss, 1);
    }

    /** Fewer records than this are evaluations rather than steps, and stay as they are. */
    private static final int FEWEST_TO_SMOOTH = 50;
    /** About ten records under the kernel, the window of Hoffmann et al. 2022. */
    private static final double WINDOW = 2.5;

    /** The smoothing that a curve of so many records gets before it is read. */
    public static double window(int records) {
        return records >= FEWEST_TO_SMOOTH ? WINDOW : 0;
    }

    /**
     * The curve with each loss replaced by a Gaussian-weighted mean over its neighbours (in number of records).
     *
     * @param window the kernel's standard deviation in records; 0 leaves the curve as it is
     */
    public TrainingCurve smoothed(double window) {
        if (window <= 0) {
            return this;
        }
        int reach = (int) Math.ceil(3 * window);
        double[] smooth = new double[loss.length];
        for (int i = 0; i < loss.length; i++) {
            double sum = 0;
            double weights = 0;
            // A symmetric reach at every point: a one-sided mean would lift the falling curve's end.
            int near = Math.min(reach, Math.min(i, loss.length - 1 - i));
            for (int j = i - near; j <= i + near; j++) {
                double weight = Math.exp(-0.5 * (j - i) * (j - i) / (window * window));
                sum += weight * loss[j];
                weights += weight;
            }
            smooth[i] = sum / weights;
        }
        return new TrainingCurve(n, flops, tokens, smooth, weight);
    }

    /** The FLOPs of the first record. */
    double start() {
        return flops[0];
    }

    /** The FLOPs of the last record. */
    double end() {
        return flops[flops.length - 1];
    }

    /** Loss at a compute inside the curve, straight lines of ln L on ln C between records. */
    double lossAt(double compute) {
        return between(compute, loss);
    }

    /** Tokens at a compute inside the curve. */
    double tokensAt(double compute) {
        return between(compute, tokens);
    }

    private double between(double compute, double[] values) {
        int low = 0;
        int high = flops.length - 1;
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (flops[middle] <= compute) {
                low = middle;
            } else {
                high = middle;
            }
        }
        double share = Math.log(compute / flops[low]) / Math.log(flops[high] / flops[low]);
        return values[low] * Math.pow(values[high] / values[low], share);
    }
}
