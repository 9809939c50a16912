package dev.powersweep.orchestrator.report;

import java.util.Arrays;

/**
 * Thins a curve for drawing without hiding its extremes: the abscissa is cut into buckets of equal width on a log axis,
 * and of each bucket the lowest and the highest point stay, in their order.
 */
public record Downsample(double[] x, double[] y) {

    /**
     * Thins a curve.
     *
     * @param x positive and increasing
     * @param y finite
     * @param buckets at most twice as many points stay, and the first and the last
     */
    public static Downsample minMax(double[] x, double[] y, int buckets) {
        int n = x.length;
        if (n <= 2 * buckets + 2) {
            return new Downsample(x, y);
        }
        double from = Math.log(x[0]);
        double width = (Math.log(x[n - 1]) - from) / buckets;
        int[] kept = new int[2 * buckets + 4];
        int count = 0;
        int i = 0;
        while (i < n) {
            int bucket = bucket(x[i], from, width, buckets);
            int low = i;
            int high = i;
            int next = i;
            while (next < n && bucket(x[next], from, width, buckets) == bucket) {
                low = y[next] < y[low] ? next : low;
                high = y[next] > y[high] ? next : high;
                next++;
            }
            count = keep(kept, count, i == 0 ? 0 : Math.min(low, high));
            count = keep(kept, count, Math.min(low, high));
            count = keep(kept, count, Math.max(low, high));
            i = next;
        }
        count = keep(kept, count, n - 1);
        double[] thinX = new double[count];
        double[] thinY = new double[count];
        for (int k = 0; k < count; k++) {
            thinX[k] = x[kept[k]];
            thinY[k] = y[kept[k]];
        }
        return new Downsample(thinX, thinY);
    }

    /**
     * The geometric mean of each bucket, at the geometric mean of its abscissae.
     *
     * @param x positive and increasing
     * @param y positive
     */
    public static Downsample mean(double[] x, double[] y, int buckets) {
        int n = x.length;
        double from = Math.log(x[0]);
        double width = Math.max(1e-9, (Math.log(x[n - 1]) - from) / buckets);
        double[] meanX = new double[buckets];
        double[] meanY = new double[buckets];
        int count = 0;
        for (int i = 0; i < n; count++) {
            int bucket = bucket(x[i], from, width, buckets);
            int first = i;
            double sumX = 0;
            double sumY = 0;
            while (i < n && bucket(x[i], from, width, buckets) == bucket) {
                sumX += Math.log(x[i]);
                sumY += Math.log(y[i]);
                i++;
            }
            meanX[count] = Math.exp(sumX / (i - first));
            meanY[count] = Math.exp(sumY / (i - first));
        }
        return new Downsample(Arrays.copyOf(meanX, count), Arrays.copyOf(meanY, count));
    }

    private static int keep(int[] kept, int count, int index) {
        if (count > 0 && kept[count - 1] == index) {
            return count;
        }
        kept[count] = index;
        return count + 1;
    }

    private static int bucket(double x, double from, double width, int buckets) {
        return Math.min(buckets - 1, (int) ((Math.log(x) - from) / width));
    }
}
