package dev.powersweep.fitting.optimise;

/** A model with some of its parameters held at fixed values: the rest, in order, are the parameters. */
public final class HeldModel implements LossModel {
    private final LossModel whole;
    private final double[] held;
    private final int[] free;

    /**
     * @param held values of every parameter of the whole model; those of the free ones do not matter
     * @param free indices of the parameters that stay free, ascending
     */
    public HeldModel(LossModel whole, double[] held, int... free) {
        this.whole = whole;
        this.held = held.clone();
        this.free = free.clone();
    }

    /** All parameters of the whole model. */
    public double[] whole(double[] theta) {
        double[] all = held.clone();
        for (int j = 0; j < free.length; j++) {
            all[free[j]] = theta[j];
        }
        return all;
    }

    @Override
    public int dimension() {
        return free.length;
    }

    @Override
    public int rows() {
        return whole.rows();
    }

    @Override
    public double value(double[] theta, int row) {
        return whole.value(whole(theta), row);
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, int offset, double[] hessian) {
        int p = held.length;
        double[] g = new double[p];
        double[] h = new double[p * p];
        double value = whole.value(whole(theta), row, g, 0, h);
        for (int j = 0; j < free.length; j++) {
            gradient[offset + j] = g[free[j]];
            for (int k = 0; k <= j; k++) {
                hessian[j * free.length + k] = h[free[j] * p + free[k]];
            }
        }
        return value;
    }
}
