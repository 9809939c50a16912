package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.optimise.Problem;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.Observations;
import java.io.Serializable;
import java.util.List;

/**
 * Bootstrap refits of one fit, to be computed anywhere: equal numbers give equal refits on every thread and machine.
 *
 * @param law that was fitted
 * @param runs that were fitted
 * @param options of the fit
 * @param starts internal parameters to descend from, the best fit first
 */
public record Refits(ParametricLaw law, Observations runs, FitOptions options, List<double[]> starts)
        implements Serializable {
    /** Copies the list. */
    public Refits {
        starts = List.copyOf(starts);
    }

    /** Where refits are computed: in this process, or spread over machines. */
    @FunctionalInterface
    public interface Runner {
        /** On the threads that the options name. */
        Runner HERE = refits -> refits.run(0, refits.options().bootstrap());

        /** Every refit in order: published parameters, one row each. */
        double[][] all(Refits refits);
    }

    /**
     * Refits {@code from … to − 1}.
     *
     * @return published parameters, one row a refit
     */
    public double[][] run(int from, int to) {
        BoundLaw bound = law.bind(runs);
        Problem problem = new Problem(
                bound.model(), runs.log(law.response()), runs.weights(), options.objective(), options.delta());
        return new Bootstrap(runs, bound, problem, starts, options).refits(from, to);
    }
}
