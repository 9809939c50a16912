package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.law.Parameter;
import dev.powersweep.fitting.law.Pinned;
import dev.powersweep.fitting.optimise.Minimum;
import dev.powersweep.fitting.optimise.Newton;
import dev.powersweep.fitting.optimise.Problem;
import dev.powersweep.fitting.optimise.Workers;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.Profile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import org.hipparchus.distribution.continuous.TDistribution;
import org.hipparchus.special.Erf;

/**
 * The best objective for every fixed value of one parameter, and the interval in which it stays within the likelihood's
 * threshold (χ² with one degree of freedom, noise scale at maximum likelihood).
 *
 * <p>The walk goes outwards from the best value in steps of the logarithm that adapt to the slope, with every other parameter
 * optimised again from its last place and from each rival minimum. An end that the walk does not reach is open: the data do
 * not bound the parameter on that side.
 */
final class ProfileLikelihood {
    private static final int MOST_STEPS = 60;
    private static final double WIDEST = Math.log(1e6);

    private final BoundLaw law;
    private final List<Parameter> parameters;
    private final Problem problem;
    private final FitOptions options;
    private final double best;
    private final List<double[]> minima;
    private final double threshold;
    private final DoubleUnaryOperator excess;

    /**
     * The profile likelihood: the excess is minus twice the log likelihood, the threshold that of χ².
     *
     * @param minima published parameters, the best first, rivals after it
     */
    static ProfileLikelihood of(
            BoundLaw law, List<Parameter> parameters, Problem problem, FitOptions options, List<double[]> minima) {
        double weight = Arrays.stream(problem.weights()).sum();
        double best = problem.value(law.internal(minima.get(0)));
        double z = Math.sqrt(2) * Erf.erfInv(options.confidence());
        DoubleUnaryOperator minusTwo =
                sum -> NoiseModel.minusTwoLogLikelihood(options.objective(), options.delta(), sum, weight);
        double lowest = minusTwo.applyAsDouble(best);
        return new ProfileLikelihood(
                law, parameters, problem, options, minima, sum -> minusTwo.applyAsDouble(sum) - lowest, z * z);
    }

    /**
     * Student's t for squared errors and few rows: with the others at their best, {@code ν·(S(b)/S − 1)} is t² of ν degrees of
     * freedom, exactly where the model is linear.
     *
     * @param problem of squared errors
     * @param spare ν, rows minus parameters, at least 1
     */
    static ProfileLikelihood student(
            BoundLaw law,
            List<Parameter> parameters,
            Problem problem,
            FitOptions options,
            double[] minimum,
            int spare) {
        double best = problem.value(law.internal(minimum));
        double t = new TDistribution(spare).inverseCumulativeProbability((1 + options.confidence()) / 2);
        return new ProfileLikelihood(
                law, parameters, problem, options, List.of(minimum), sum -> spare * (sum / best - 1), t * t);
    }

    private ProfileLikelihood(
            BoundLaw law,
            List<Parameter> parameters,
            Problem problem,
            FitOptions options,
            List<double[]> minima,
            DoubleUnaryOperator excess,
            double threshold) {
        this.law = law;
        this.parameters = parameters;
        this.problem = problem;
        this.options = options;
        this.minima = minima;
        this.best = problem.value(law.internal(minima.get(0)));
        this.excess = excess;
        this.threshold = threshold;
    }

    /** One profile a parameter; parameters that cannot be held (a product of others) are left out. */
    List<Profile> all() {
        Profile[] profiles = new Profile[parameters.size()];
        int p = problem.model().dimension();
        Workers.run(
                options.threads(),
                profiles.length,
                () -> new Newton(p),
                (newton, j) -> profiles[j] = of(newton, j).orElse(null));
        return Arrays.stream(profiles).filter(Objects::nonNull).toList();
    }

    private Optional<Profile> of(Newton newton, int parameter) {
        double centre = minima.get(0)[parameter];
        if (!(centre > 1e-8) || law.pin(parameter, centre).isEmpty()) {
            return Optional.empty();
        }
        List<double[]> points = new ArrayList<>();
        points.add(new double[] {centre, best});
        double low = walk(newton, parameter, -1, points);
        double high = walk(newton, parameter, 1, points);
        points.sort((x, y) -> Double.compare(x[0], y[0]));
        return Optional.of(new Profile(
                parameters.get(parameter).name(),
                points.stream().mapToDouble(point -> point[0]).toArray(),
                points.stream().mapToDouble(point -> point[1]).toArray(),
                low,
                high));
    }

    /** Walks one way and returns where the threshold is crossed for the last time. */
    private double walk(Newton newton, int parameter, int sign, List<double[]> points) {
        double[] place = minima.get(0);
        double centre = Math.log(place[parameter]);
        double at = centre;
        double step = 1e-3;
        double before = 0;
        double crossing = sign < 0 ? 0 : Double.POSITIVE_INFINITY;
        for (int count = 0; count < MOST_STEPS && Math.abs(at - centre) < WIDEST; count++) {
            double next = at + sign * step;
            Optional<Pinned> pinned = law.pin(parameter, Math.exp(next));
            if (pinned.isEmpty()) {
                return crossing;
            }
            double[] found = null;
            double value = Double.POSITIVE_INFINITY;
            for (int start = 0; start < minima.size(); start++) {
                Minimum end = descend(newton, pinned.get(), start == 0 ? place : minima.get(start));
                if (end.value() < value) {
                    value = end.value();
                    found = pinned.get().published(end.theta());
                }
            }
            if (found == null) {
                return crossing;
            }
            double moved = excess.applyAsDouble(value);
            if (moved - before > 0.4 * threshold && step > 1e-6) {
                step *= 0.4;
                continue;
            }
            points.add(new double[] {Math.exp(next), value});
            if (before < threshold && moved >= threshold) {
                crossing = Math.exp(at + sign * step * (threshold - before) / (moved - before));
            } else if (moved < threshold) {
                crossing = sign < 0 ? 0 : Double.POSITIVE_INFINITY;
            }
            if (moved > 2 * threshold) {
                return crossing;
            }
            if (moved - before < 0.1 * threshold) {
                step *= 2;
            }
            at = next;
            before = moved;
            place = found;
        }
        return crossing;
    }

    private Minimum descend(Newton newton, Pinned pinned, double[] published) {
        Problem held = new Problem(
                pinned.model(), problem.logTarget(), problem.weights(), problem.objective(), problem.delta());
        return newton.minimise(held, pinned.start(published), pinned.box(), pinned.frozen(), Newton.Effort.REFIT);
    }
}
