package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.linear.Correlation;
import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Regression;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The best setting as k·N^p_N·D^p_D, with the powers that swept sizes tell apart.
 *
 * @param powers {@code p_N} and {@code p_D}, or one of them, or none
 */
record SettingPower(List<String> powers) {
    private static final double COLLINEAR = 0.98;

    /** Which of N and D vary among the optima. */
    static SettingPower of(double[] n, double[] d) {
        boolean byN = spread(n) > 0.05;
        boolean byD = spread(d) > 0.05;
        if (byN && byD && (n.length < 4 || Math.abs(Correlation.ofLogs(n, d)) > COLLINEAR)) {
            return new SettingPower(List.of("p_N"));
        }
        List<String> powers = new ArrayList<>();
        if (byN) {
            powers.add("p_N");
        }
        if (byD) {
            powers.add("p_D");
        }
        return new SettingPower(powers);
    }

    private static double spread(double[] values) {
        return Math.log(Arrays.stream(values).max().orElseThrow()
                / Arrays.stream(values).min().orElseThrow());
    }

    /** k and the powers, as {@link #published} orders them. */
    List<String> names() {
        List<String> names = new ArrayList<>(List.of("k"));
        names.addAll(powers);
        return names;
    }

    Regression regression(List<SettingSweep> sweeps, List<Double> settings) {
        double[][] design = new double[sweeps.size()][1 + powers.size()];
        double[] ones = new double[sweeps.size()];
        for (int i = 0; i < design.length; i++) {
            SettingSweep sweep = sweeps.get(i);
            design[i][0] = 1;
            ones[i] = 1;
            for (int j = 0; j < powers.size(); j++) {
                design[i][1 + j] = Math.log(powers.get(j).equals("p_N") ? sweep.n() : sweep.d());
            }
        }
        return new Regression(
                sweeps.stream().map(SettingSweep::place).toList(),
                sweeps.stream().map(SettingSweep::point).toList(),
                design,
                settings.stream().mapToDouble(Double::doubleValue).toArray(),
                ones);
    }

    static double[] published(LeastSquares fit) {
        double[] values = fit.coefficients().clone();
        values[0] = Math.exp(values[0]);
        return values;
    }

    double predict(double[] parameters, Point at) {
        double log = Math.log(parameters[0]);
        for (int j = 1; j < parameters.length; j++) {
            log += parameters[j] * Math.log(at.get(powers.get(j - 1).equals("p_N") ? Quantity.N : Quantity.D));
        }
        return Math.exp(log);
    }
}
