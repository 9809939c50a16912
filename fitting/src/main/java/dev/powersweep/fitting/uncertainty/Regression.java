package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.result.HoldOut;
import dev.powersweep.fitting.result.Profile;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Point;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.hipparchus.special.Erf;

/**
 * What laws that are lines in logarithms say of themselves: likelihood profiles in closed form and a roll-out of the largest
 * scales.
 *
 * @param names what each measured value is called, by increasing scale
 * @param points where each was measured
 * @param design rows × coefficients
 * @param observed positive values; their logarithms are regressed
 * @param weights above zero
 */
public record Regression(
        List<String> names, List<Point> points, double[][] design, double[] observed, double[] weights) {
    /** Places of a profile on either side of the best. */
    private static final int PLACES = 20;

    /** How far a profile reaches beyond its interval. */
    private static final double REACH = 1.5;

    /** Rows beyond the coefficients that a roll-out must keep. */
    private static final int SPARE = 1;

    /** Most steps of a roll-out. */
    private static final int STEPS = 5;

    private double[] logs() {
        double[] logs = new double[observed.length];
        for (int i = 0; i < logs.length; i++) {
            logs[i] = Math.log(observed[i]);
        }
        return logs;
    }

    /** The fit; empty where the rows do not determine the coefficients. */
    public Optional<LeastSquares> fit() {
        return LeastSquares.solve(design, logs(), weights);
    }

    /**
     * The profile of a coefficient: with the others at their best the sum of squares is a parabola in it, {@code S + (b −
     * b̂)²/G}, and the interval is where {@code n·ln(S(b)/S)} stays below χ² of one degree of freedom.
     *
     * @param parameter its published name
     * @param coefficient its column
     * @param form how it is published
     * @return empty without a spare row, or where the line is exact
     */
    public Optional<Profile> profile(String parameter, int coefficient, Form form, double confidence) {
        return fit().filter(fit -> fit.degreesOfFreedom() > 0 && fit.residualSumOfSquares() > 0)
                .map(fit -> {
                    double z = Math.sqrt(2) * Erf.erfInv(confidence);
                    double gram = fit.inverseGram()[coefficient][coefficient];
                    double sum = fit.residualSumOfSquares();
                    double half = Math.sqrt(sum * gram * Math.expm1(z * z / observed.length));
                    double best = fit.coefficients()[coefficient];
                    double[] values = new double[2 * PLACES + 1];
                    double[] objective = new double[values.length];
                    for (int k = 0; k < values.length; k++) {
                        double away = REACH * half * (k - PLACES) / PLACES * (form == Form.NEGATED ? -1 : 1);
                        values[k] = form.published(best + away);
                        objective[k] = sum + away * away / gram;
                    }
                    double one = form.published(best - half);
                    double other = form.published(best + half);
                    return new Profile(parameter, values, objective, Math.min(one, other), Math.max(one, other));
                });
    }

    /** How a coefficient becomes a published parameter. */
    public enum Form {
        /** As it is: an exponent. */
        PLAIN {
            @Override
            double published(double coefficient) {
                return coefficient;
            }
        },
        /** With the other sign: the exponent of a fall. */
        NEGATED {
            @Override
            double published(double coefficient) {
                return -coefficient;
            }
        },
        /** As a power of e: the factor of a power law. */
        EXPONENTIAL {
            @Override
            double published(double coefficient) {
                return Math.exp(coefficient);
            }
        };

        abstract double published(double coefficient);
    }

    /**
     * Leaves out the largest, then the two largest and so on, and lets the rest predict the next one each time.
     *
     * @return the largest scale first; none with fewer than two rows to spare
     */
    public List<HoldOut> rollOut() {
        List<HoldOut> steps = new ArrayList<>();
        for (int held = observed.length - 1; held >= columns() + SPARE && steps.size() < STEPS; held--) {
            int kept = held;
            first(kept).fit().ifPresent(fit -> steps.add(step(fit, kept)));
        }
        return steps;
    }

    private HoldOut step(LeastSquares fit, int held) {
        double predicted = predict(fit, held);
        double miss = Math.log(predicted / observed[held]);
        double within = 0;
        for (int i = 0; i < held; i++) {
            within += Math.pow(Math.log(predict(fit, i) / observed[i]), 2) / held;
        }
        return new HoldOut(
                names.get(held),
                1,
                held,
                Math.abs(miss),
                miss,
                Math.sqrt(within),
                List.of(new Residual(names.get(held), points.get(held), observed[held], predicted, miss)));
    }

    private double predict(LeastSquares fit, int row) {
        double log = 0;
        for (int j = 0; j < columns(); j++) {
            log += design[row][j] * fit.coefficients()[j];
        }
        return Math.exp(log);
    }

    private int columns() {
        return design.length == 0 ? 0 : design[0].length;
    }

    private Regression first(int rows) {
        return new Regression(
                names.subList(0, rows),
                points.subList(0, rows),
                Arrays.copyOf(design, rows),
                Arrays.copyOf(observed, rows),
                Arrays.copyOf(weights, rows));
    }
}
