package dev.powersweep.fitting.result;

import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.runs.FitRefusal;
import java.io.Serializable;

/**
 * How to fit. Change one thing with the methods named after it: {@code FitOptions.defaults().bootstrap(4000).seed(7)}.
 *
 * @param objective what is minimised
 * @param delta Huber's threshold, log units or nats as the objective has it; 1e-3 as Hoffmann et al. 2022 have it
 * @param bootstrap number of refits for intervals, 0 for none
 * @param resampling what a refit draws anew
 * @param seed of every random choice; equal seeds give equal results on any number of threads
 * @param threads that work at once, at least 1
 * @param confidence level of intervals and bands, between 0 and 1
 * @param extras which costly additions to make
 */
public record FitOptions(
        Objective objective,
        double delta,
        int bootstrap,
        Resampling resampling,
        long seed,
        int threads,
        double confidence,
        Extras extras)
        implements Serializable {

    /** What a bootstrap refit draws anew. */
    public enum Resampling {
        /** Whole runs with replacement: for rows of one run, which are not independent. */
        RUNS,
        /** The residuals of the fit, added to its predictions: keeps the grid as it is. */
        RESIDUAL,
        /** Normal noise of the residuals' size, added to the predictions. */
        PARAMETRIC
    }

    /** Costly additions to a fit. */
    public enum Extras {
        /** Estimates, intervals and hold-out only. */
        NONE,
        /** A profile likelihood for every parameter too. */
        PROFILES
    }

    /** Checks the ranges. */
    public FitOptions {
        require(delta > 0 && delta < 1e6, "delta", delta, "a number above 0; 0.001 is usual");
        require(bootstrap >= 0, "bootstrap", bootstrap, "a count of refits, 0 for none");
        require(threads >= 1, "threads", threads, "at least 1");
        require(confidence > 0 && confidence < 1, "confidence", confidence, "a number between 0 and 1; 0.95 is usual");
    }

    private static void require(boolean holds, String key, double value, String remedy) {
        if (!holds) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    "Option " + key + " is "
                            + (value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value))
                            + "; give " + remedy + ".");
        }
    }

    /**
     * The interval of a quantity at this level of confidence, from its values in the refits.
     *
     * <p>Residuals and normal noise are drawn about the fit, and the central quantiles of such refits are the interval. Runs drawn
     * with replacement are another matter: refits to nearly absolute values then scatter about a smoothed estimate rather than
     * about the fit, which varies less from data set to data set than the fit does, and central quantiles cover too often, so that
     * the bias of the middle is taken out ({@link Replicas#interval(double[], double, double)}). {@code CoverageTest} holds both to
     * account.
     *
     * @param refitted the quantity in each refit, in any order
     * @param estimate the quantity at the fit
     * @return low and high end, NaN for fewer than ten refits
     */
    public double[] interval(double[] refitted, double estimate) {
        return resampling == Resampling.RUNS
                ? Replicas.interval(refitted, estimate, confidence)
                : Replicas.interval(refitted, confidence);
    }

    /** Huber on log residuals, δ = 1e-3, no bootstrap, seed 1, every processor, 95 %. */
    public static FitOptions defaults() {
        return new FitOptions(
                Objective.HUBER_LOG,
                1e-3,
                0,
                Resampling.RUNS,
                1,
                Runtime.getRuntime().availableProcessors(),
                0.95,
                Extras.NONE);
    }

    /** With another objective. */
    public FitOptions objective(Objective other) {
        return new FitOptions(other, delta, bootstrap, resampling, seed, threads, confidence, extras);
    }

    /** With another Huber threshold. */
    public FitOptions delta(double other) {
        return new FitOptions(objective, other, bootstrap, resampling, seed, threads, confidence, extras);
    }

    /** With this many bootstrap refits. */
    public FitOptions bootstrap(int refits) {
        return new FitOptions(objective, delta, refits, resampling, seed, threads, confidence, extras);
    }

    /** With another kind of bootstrap. */
    public FitOptions resampling(Resampling other) {
        return new FitOptions(objective, delta, bootstrap, other, seed, threads, confidence, extras);
    }

    /** With another seed. */
    public FitOptions seed(long other) {
        return new FitOptions(objective, delta, bootstrap, resampling, other, threads, confidence, extras);
    }

    /** With another number of threads. */
    public FitOptions threads(int other) {
        return new FitOptions(objective, delta, bootstrap, resampling, seed, other, confidence, extras);
    }

    /** With another confidence level. */
    public FitOptions confidence(double other) {
        return new FitOptions(objective, delta, bootstrap, resampling, seed, threads, other, extras);
    }

    /** With a profile likelihood for every parameter. */
    public FitOptions profiles() {
        return new FitOptions(objective, delta, bootstrap, resampling, seed, threads, confidence, Extras.PROFILES);
    }

    /** Without costly additions. */
    public FitOptions plain() {
        return new FitOptions(objective, delta, bootstrap, resampling, seed, threads, confidence, Extras.NONE);
    }
}
