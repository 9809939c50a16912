package dev.powersweep.fitting.optimise;

/**
 * ln of a sum of fixed powers, {@code base + γ·ln Σ_k c_k u_k}: a {@link PowerSumModel} whose exponents are held. It needs one
 * logarithm a row and no exponential, which makes the many nodes of a grid of exponents cheap.
 */
final class PowersModel implements TwoStageModel {
    private final int rows;
    private final double[][] powers;
    private final double gamma;
    private final double base;

    /**
     * @param powers [term][row]; shared, not copied
     * @param gamma the outer exponent, 1 for none
     * @param base added to the logarithm
     */
    PowersModel(int rows, double[][] powers, double gamma, double base) {
        this.rows = rows;
        this.powers = powers;
        this.gamma = gamma;
        this.base = base;
    }

    @Override
    public int dimension() {
        return powers.length;
    }

    @Override
    public int rows() {
        return rows;
    }

    private double sum(double[] theta, int row) {
        double sum = 0;
        for (int k = 0; k < powers.length; k++) {
            sum += theta[k] * powers[k][row];
        }
        return sum;
    }

    @Override
    public double value(double[] theta, int row) {
        return base + gamma * Math.log(sum(theta, row));
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, int offset) {
        double sum = sum(theta, row);
        for (int k = 0; k < powers.length; k++) {
            gradient[offset + k] = gamma * powers[k][row] / sum;
        }
        return base + gamma * Math.log(sum);
    }

    @Override
    public void addCurvature(
            double[] theta, int row, double factor, double[] gradient, int offset, double[] curvature) {
        int p = powers.length;
        for (int j = 0; j < p; j++) {
            double gj = -factor / gamma * gradient[offset + j];
            for (int k = 0; k <= j; k++) {
                curvature[j * p + k] += gj * gradient[offset + k];
            }
        }
    }

    @Override
    public void addCurvature(
            double[] theta, int[] which, int count, double[] factors, double[] gradients, double[] curvature) {
        double[] scaled = new double[count];
        for (int i = 0; i < count; i++) {
            scaled[i] = -factors[i] / gamma;
        }
        RowSums.addSquares(powers.length, gradients, scaled, count, curvature);
    }
}
