package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.hipparchus.distribution.continuous.TDistribution;

/**
 * The best learning rate as a power rule η = k · N^p · B^q · D^r (the form of Bi et al. 2024 and Li et al. 2025), from runs
 * that tried several rates at each (N, B, D).
 *
 * <p>Each (N, B, D) gives ln η at the minimum of a quadratic in ln η, fitted to the rates within a factor of
 * {@value #NEAR} of the best one tried and its next neighbours; rows count less the higher their loss, so that diverged
 * and far rows do not move the minimum. A minimum at or beyond the lowest or highest rate is a bound and does not enter
 * the rule. The exponents are an ordinary least-squares line through the minima, with Student's intervals. A quantity
 * of one value has exponent 0.
 *
 * @param coefficient k, for N in parameters, B and D in tokens
 * @param exponents of N, B and D; without interval where it is not determined, 0 where the quantity does not vary
 * @param optima one for each (N, B, D), the bounds among them
 * @param scatter factor by which a minimum lies off the rule, exp of the residual standard deviation; NaN where no
 *     degree of freedom is left
 */
public record RateRule(double coefficient, Map<Quantity, Estimate> exponents, List<Optimum> optima, double scatter) {
    private static final double NEAR = 5;
    /** Share of the height above the lowest loss by which a quadratic may be off there. */
    private static final double MISFIT = 0.3;
    /** Nats; the noise of an evaluation. */
    private static final double NOISE = 0.003;

    /** Runs that differ in their learning rate alone. */
    public record Trial(double n, double b, double d, double[] rates, double[] losses) {}

    /** Where the best rate of a trial lies. */
    public enum Place {
        INSIDE,
        /** At or below the lowest rate tried. */
        LOWER_EDGE,
        /** At or above the highest rate tried. */
        UPPER_EDGE,
        /** Fewer than three rates, or no minimum. */
        UNKNOWN
    }

    /**
     * @param rate at the minimum; the best rate tried where the place is not inside
     * @param standardError of ln rate; NaN where no degree of freedom is left
     * @param loss at the minimum, nats; the lowest one measured where the place is not inside, which is an upper bound
     */
    public record Optimum(double n, double b, double d, Place place, double rate, double standardError, double loss) {}

    public RateRule {
        exponents = Map.copyOf(exponents);
        optima = List.copyOf(optima);
    }

    /** η of a run. */
    public double rate(double n, double b, double d) {
        return coefficient
                * Math.pow(n, exponents.get(Quantity.N).value())
                * Math.pow(b, exponents.get(Quantity.B).value())
                * Math.pow(d, exponents.get(Quantity.D).value());
    }

    /**
     * Fits the rule.
     *
     * @param level of the intervals, e.g. 0.95
     * @throws FitRefusal where no trial has its minimum inside its rates, or N, B and D move together
     */
    public static RateRule fit(List<Trial> trials, double level) {
        List<Optimum> optima = trials.stream().map(RateRule::best).toList();
        List<Optimum> inside =
                optima.stream().filter(one -> one.place == Place.INSIDE).toList();
        if (inside.isEmpty()) {
            long edge =
                    optima.stream().filter(one -> one.place != Place.UNKNOWN).count();
            throw new FitRefusal(
                    edge == 0 ? FitRefusal.Reason.TOO_FEW_POINTS : FitRefusal.Reason.EDGE_MINIMUM,
                    "no best learning rate lies inside the rates that were tried (" + edge + " of " + optima.size()
                            + " at an edge); try at least three rates a factor of two apart around the best one at each"
                            + " model, data and batch size");
        }
        Map<Quantity, ToDoubleFunction<Optimum>> columns = varying(inside);
        double[][] design = new double[inside.size()][];
        double[] response = new double[inside.size()];
        for (int i = 0; i < inside.size(); i++) {
            Optimum one = inside.get(i);
            List<Double> row = new ArrayList<>(List.of(1.0));
            columns.values().forEach(of -> row.add(Math.log(of.applyAsDouble(one))));
            design[i] = row.stream().mapToDouble(Double::doubleValue).toArray();
            response[i] = Math.log(one.rate);
        }
        LeastSquares line = LeastSquares.solve(design, response)
                .orElseThrow(() -> new FitRefusal(
                        FitRefusal.Reason.COLLINEAR,
                        inside.size() + " best learning rates do not tell the exponents of "
                                + columns.keySet() + " apart: vary each of them at fixed values of the others, with at"
                                + " least three rates at each"));
        Map<Quantity, Estimate> exponents = new EnumMap<>(Quantity.class);
        List.of(Quantity.N, Quantity.B, Quantity.D).forEach(name -> exponents.put(name, new Estimate(0, 0, 0, "1")));
        int column = 1;
        for (Quantity name : columns.keySet()) {
            exponents.put(name, estimate(line, column++, level));
        }
        return new RateRule(
                Math.exp(line.coefficients()[0]), exponents, optima, Math.exp(Math.sqrt(line.residualVariance())));
    }

    private static Estimate estimate(LeastSquares line, int column, double level) {
        double value = line.coefficients()[column];
        if (line.degreesOfFreedom() < 1) {
            return Estimate.of(value, "1");
        }
        double half = new TDistribution(line.degreesOfFreedom()).inverseCumulativeProbability((1 + level) / 2)
                * line.standardError(column);
        return new Estimate(value, value - half, value + half, "1");
    }

    private static Map<Quantity, ToDoubleFunction<Optimum>> varying(List<Optimum> optima) {
        Map<Quantity, ToDoubleFunction<Optimum>> columns = new TreeMap<>(Map.of(
                Quantity.N, Optimum::n,
                Quantity.B, Optimum::b,
                Quantity.D, Optimum::d));
        // Rounding to whole steps makes slightly different numbers of one size.
        columns.values().removeIf(of -> {
            double[] values = optima.stream().mapToDouble(of).sorted().toArray();
            return values[values.length - 1] < 1.05 * values[0];
        });
        return columns;
    }

    /** The best rate of a trial. */
    public static Optimum best(Trial trial) {
        int best = 0;
        for (int i = 1; i < trial.losses.length; i++) {
            best = trial.losses[i] < trial.losses[best] ? i : best;
        }
        double rate = trial.rates[best];
        double lowest = trial.losses[best];
        int[] near = IntStream.range(0, trial.rates.length)
                .filter(i -> Math.abs(Math.log(trial.rates[i] / rate)) <= Math.log(NEAR) || next(trial, rate, i))
                .filter(i -> Double.isFinite(trial.losses[i]))
                .toArray();
        double[] rates = Arrays.stream(near).mapToDouble(i -> trial.rates[i]).toArray();
        double[] losses = Arrays.stream(near).mapToDouble(i -> trial.losses[i]).toArray();
        double[] weights = Arrays.stream(losses)
                .map(loss -> 1 / (NOISE * NOISE + MISFIT * MISFIT * (loss - lowest) * (loss - lowest)))
                .map(weight -> weight * NOISE * NOISE)
                .toArray();
        QuadraticOptimum fitted = QuadraticOptimum.fit(new double[][] {rates}, losses, weights);
        if (fitted instanceof QuadraticOptimum.Minimum minimum && bracketed(trial, rate)) {
            return new Optimum(
                    trial.n,
                    trial.b,
                    trial.d,
                    Place.INSIDE,
                    minimum.setting(0),
                    minimum.standardError()[0],
                    minimum.loss());
        }
        Place place = trial.rates.length < 3
                ? Place.UNKNOWN
                : rate == Arrays.stream(trial.rates).max().orElseThrow()
                        ? Place.UPPER_EDGE
                        : rate == Arrays.stream(trial.rates).min().orElseThrow() ? Place.LOWER_EDGE : Place.UNKNOWN;
        return new Optimum(trial.n, trial.b, trial.d, place, rate, Double.NaN, lowest);
    }

    /** Whether no rate that was tried lies between that of a row and the best one. */
    private static boolean next(Trial trial, double best, int row) {
        double rate = trial.rates[row];
        return Arrays.stream(trial.rates).noneMatch(other -> (other - rate) * (other - best) < 0);
    }

    /** Whether higher and lower rates than the best one were tried. */
    private static boolean bracketed(Trial trial, double rate) {
        return Arrays.stream(trial.rates).anyMatch(tried -> tried < rate)
                && Arrays.stream(trial.rates).anyMatch(tried -> tried > rate);
    }
}
