package dev.powersweep.orchestrator.view;

import java.util.Arrays;

/**
 * A curve that never grows beyond a number of points: when it is full every second point goes, and from then on only
 * every second one that comes is kept. So it holds points spread evenly over all that were seen, and always the newest.
 */
public final class Curve {
    private final double[] x;
    private final double[] y;
    private int size;
    private long stride = 1;
    private long seen;
    private boolean lastIsExtra;

    /** @param limit points at most, ≥ 4 */
    public Curve(int limit) {
        x = new double[limit];
        y = new double[limit];
    }

    /** Adds a point; one that does not lie beyond the last one, or is no number, is passed over. */
    public void add(double atX, double atY) {
        if (!Double.isFinite(atX) || !Double.isFinite(atY) || (size > 0 && atX <= x[size - 1])) {
            return;
        }
        if (lastIsExtra) {
            size--;
        }
        if (size == x.length) {
            halve();
        }
        x[size] = atX;
        y[size] = atY;
        size++;
        lastIsExtra = seen % stride != 0;
        seen++;
    }

    private void halve() {
        int kept = 0;
        for (int i = 0; i < size; i += 2) {
            x[kept] = x[i];
            y[kept] = y[i];
            kept++;
        }
        size = kept;
        stride *= 2;
    }

    public int size() {
        return size;
    }

    public double[] x() {
        return Arrays.copyOf(x, size);
    }

    public double[] y() {
        return Arrays.copyOf(y, size);
    }
}
