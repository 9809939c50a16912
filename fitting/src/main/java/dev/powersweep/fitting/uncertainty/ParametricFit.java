package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.law.Parameter;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.optimise.GlobalSearch;
import dev.powersweep.fitting.optimise.Minimum;
import dev.powersweep.fitting.optimise.Newton;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.optimise.Problem;
import dev.powersweep.fitting.result.AxisHoldOut;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.HoldOut;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.ObjectiveValue;
import dev.powersweep.fitting.result.Profile;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Fits a parametric law and gathers everything a {@link FitResult} says. */
public final class ParametricFit {
    /** Minima whose objective exceeds the best by less are worth telling about. */
    private static final double NEARLY_EQUAL = 0.01;

    /** An objective below this is rounding: there is no noise that could make minima nearly equal. */
    private static final double NOISE_FREE = 1e-24;

    /** Share of the rows that a step of the roll-out leaves out. */
    private static final double SCALE_SHARE = 0.1;

    private static final int ROLL_OUT_STEPS = 5;

    /** Rows beside the parameters below which refits cover too little: {@code FewRowsTest} measures it. */
    static final int FEWEST_SPARE = 6;

    private final ParametricLaw law;
    private final Observations runs;
    private final FitOptions options;
    private final BoundLaw bound;
    private final Problem problem;
    private final Refits.Runner runner;

    /**
     * Fits a law.
     *
     * @param runner where bootstrap refits are computed
     * @throws FitRefusal where the runs do not allow it
     */
    public static FitResult fit(ParametricLaw law, Observations runs, FitOptions options, Refits.Runner runner) {
        law.refusal(runs.weighted()).ifPresent(refused -> {
            throw refused;
        });
        return new ParametricFit(law, runs, options, runner).run();
    }

    /** The same in this process. */
    public static FitResult fit(ParametricLaw law, Observations runs, FitOptions options) {
        return fit(law, runs, options, Refits.Runner.HERE);
    }

    /** A fit to be run in this process. */
    public ParametricFit(ParametricLaw law, Observations runs, FitOptions options) {
        this(law, runs, options, Refits.Runner.HERE);
    }

    /** A fit to be run, its bootstrap refits elsewhere. */
    public ParametricFit(ParametricLaw law, Observations runs, FitOptions options, Refits.Runner runner) {
        this.runner = runner;
        this.law = law;
        this.runs = runs.weighted();
        this.options = options;
        bound = law.bind(this.runs);
        problem = new Problem(
                bound.model(),
                this.runs.log(law.response()),
                this.runs.weights(),
                options.objective(),
                options.delta());
    }

    /** The objective at published parameters, to compare other people's numbers with the minimum. */
    public double objectiveAt(double[] published) {
        return problem.value(bound.internal(published));
    }

    /** The fit. */
    public FitResult run() {
        GlobalSearch.Outcome outcome =
                new GlobalSearch(problem, bound, GlobalSearch.Density.FULL, options.threads()).run();
        Minimum best = outcome.best();
        List<Minimum> rivals = outcome.minima().stream()
                .skip(1)
                .filter(other -> other.value() <= best.value() * (1 + NEARLY_EQUAL) && best.value() > NOISE_FREE)
                .toList();

        double[][] refits = refits(best, rivals);

        FitResult.Builder result = FitResult.of(law.name(), law.formula())
                .response(law.response())
                .data(runs.size(), runs.runs())
                .options(options)
                .objective(new ObjectiveValue(
                        options.objective(), options.delta(), best.value(), best.value() / totalWeight()))
                .predictor(law::predict);
        double[] published = bound.published(best.theta());
        List<String> names = law.parameters().stream().map(Parameter::name).toList();
        Map<String, Estimate> parameters = new LinkedHashMap<>();
        Map<String, Profile> student = few() && options.bootstrap() > 0 ? student(published) : Map.of();
        for (int j = 0; j < published.length; j++) {
            int column = j;
            Profile told = student.get(names.get(j));
            double[] interval = told == null
                    ? options.interval(
                            Arrays.stream(refits)
                                    .mapToDouble(row -> row[column])
                                    .toArray(),
                            published[column])
                    : bounded(told);
            parameters.put(
                    names.get(j),
                    new Estimate(
                            published[j],
                            interval[0],
                            interval[1],
                            law.parameters().get(j).unit()));
        }
        parameters.forEach(result::parameter);
        derived(published, refits).forEach(result::derived);
        result.replicas(new Replicas(names, refits));
        List<Residual> residuals = residuals(published);
        result.residuals(residuals);
        result.quality(quality(best.value(), residuals));
        double[] hessian = new Newton(published.length).hessianAt(problem, best.theta());
        Convergence convergence = convergence(outcome, hessian);
        result.convergence(convergence);
        if (!convergence.certified()) {
            result.warn("The minimum is " + convergence.how() + ".");
        }
        if (few() && options.bootstrap() > 0) {
            result.warn(FewRows.warning(runs.runs(), law.parameters().size(), parameters));
        }
        Diagnosis.warnings(law, runs, options, residuals).forEach(result::warn);
        LackOfFit.of(law, runs, residuals)
                .flatMap(test -> test.warning(options.objective().log()))
                .ifPresent(result::warn);
        List<Profile> profiles = profiles(best, rivals);
        result.profiles(profiles);
        result.identifiability(Diagnosis.identifiability(
                law,
                parameters,
                atBound(best.theta(), published),
                rivals(best, rivals),
                convergence,
                new Replicas(names, refits),
                profiles));
        List<HoldOut> steps = rollOut(published);
        result.rollOut(steps);
        Map<Quantity, AxisHoldOut> axes = new AxisHoldOuts(law, runs, options, published).all();
        result.axes(axes);
        axes.forEach((axis, tested) -> {
            if (!tested.beatsNoChange()) {
                result.warn(String.format(
                        Locale.ROOT,
                        "Along %s the law errs %.2g %% on the largest scale where no change from the nearest smaller"
                                + " run errs %.2g %%: it is not to be extrapolated that way.",
                        axis.label(),
                        100 * tested.error(),
                        100 * tested.baseline()));
            }
        });
        steps.stream()
                .findFirst()
                .filter(tried -> tried.rmsLog() > 4 * tried.baselineRmsLog())
                .ifPresent(tried -> result.warn(String.format(
                        Locale.ROOT,
                        "Fitted without the largest scale, the law misses it by %.2g %%, four times its error"
                                + " elsewhere or more: do not extrapolate far.",
                        100 * tried.rmsLog())));
        return result.build();
    }

    private List<Profile> profiles(Minimum best, List<Minimum> rivals) {
        if (options.extras() != FitOptions.Extras.PROFILES) {
            return List.of();
        }
        List<double[]> minima = new ArrayList<>();
        minima.add(bound.published(best.theta()));
        rivals.stream().limit(4).forEach(rival -> minima.add(bound.published(rival.theta())));
        return ProfileLikelihood.of(bound, law.parameters(), problem, options, minima)
                .all();
    }

    /** Names of parameters that ended on a bound, or at nothing. */
    private List<String> atBound(double[] theta, double[] published) {
        List<String> names = new ArrayList<>();
        for (int j = 0; j < theta.length; j++) {
            if (bound.box().atBound(j, theta[j])) {
                names.add(law.parameters().get(j).name());
            } else if (law.parameters().get(j).unit().equals(law.response().unit()) && published[j] < 1e-6) {
                names.add(law.parameters().get(j).name());
            }
        }
        return names;
    }

    /**
     * Bootstrap refits {@code from … to − 1} about a fit already made, for spreading them over machines.
     *
     * @param published parameters of that fit
     */
    public double[][] refits(double[] published, int from, int to) {
        return new Bootstrap(runs, bound, problem, List.of(bound.internal(published)), options).refits(from, to);
    }

    private double[][] refits(Minimum best, List<Minimum> rivals) {
        List<double[]> starts = new ArrayList<>();
        starts.add(best.theta());
        rivals.stream().limit(3).forEach(other -> starts.add(other.theta()));
        return options.bootstrap() == 0 || few() ? new double[0][] : runner.all(new Refits(law, runs, options, starts));
    }

    /** Whether too few rows are left beside the parameters for refits to scatter as the fit does. */
    private boolean few() {
        return runs.runs() - law.parameters().size() < FEWEST_SPARE;
    }

    /** Intervals of few rows, by parameter: Student's t about the least squares fit of the logarithms. */
    private Map<String, Profile> student(double[] published) {
        int spare = runs.runs() - law.parameters().size();
        if (spare < 1) {
            return Map.of();
        }
        Problem squares =
                new Problem(bound.model(), problem.logTarget(), problem.weights(), Objective.MSE_LOG, options.delta());
        Minimum best = new GlobalSearch(squares, bound, GlobalSearch.Density.SPARSE, options.threads())
                .run(bound.internal(published))
                .best();
        if (!(best.value() > NOISE_FREE)) {
            return Map.of();
        }
        Map<String, Profile> intervals = new LinkedHashMap<>();
        ProfileLikelihood.student(bound, law.parameters(), squares, options, bound.published(best.theta()), spare)
                .all()
                .forEach(profile -> intervals.put(profile.parameter(), profile));
        return intervals;
    }

    /** An interval that the rows bound from above; from below every parameter is bounded by zero. */
    private static double[] bounded(Profile profile) {
        return profile.high() < Double.POSITIVE_INFINITY
                ? new double[] {profile.low(), profile.high()}
                : new double[] {Double.NaN, Double.NaN};
    }

    private double totalWeight() {
        return Arrays.stream(problem.weights()).sum();
    }

    private Map<String, Estimate> derived(double[] published, double[][] refits) {
        Map<String, Estimate> best = law.derived(published);
        List<String> names = List.copyOf(best.keySet());
        double[][] replicas = new double[names.size()][refits.length];
        for (int i = 0; i < refits.length && !names.isEmpty(); i++) {
            Map<String, Estimate> row = law.derived(refits[i]);
            for (int j = 0; j < replicas.length; j++) {
                replicas[j][i] = row.get(names.get(j)).value();
            }
        }
        Map<String, Estimate> values = new LinkedHashMap<>();
        for (int j = 0; j < replicas.length; j++) {
            Estimate estimate = best.get(names.get(j));
            double[] interval = options.interval(replicas[j], estimate.value());
            values.put(names.get(j), new Estimate(estimate.value(), interval[0], interval[1], estimate.unit()));
        }
        return values;
    }

    private List<Residual> residuals(double[] published) {
        List<Residual> residuals = new ArrayList<>();
        double[] predictions = law.predictions(published, runs);
        for (int i = 0; i < runs.size(); i++) {
            double predicted = predictions[i];
            residuals.add(new Residual(
                    runs.runName(runs.runOf(i)),
                    runs.point(i),
                    runs.at(law.response(), i),
                    predicted,
                    problem.residual(Math.log(predicted), i)));
        }
        return residuals;
    }

    private Quality quality(double sum, List<Residual> residuals) {
        int n = residuals.size();
        int k = law.parameters().size() + 1;
        double minusTwo = NoiseModel.minusTwoLogLikelihood(options.objective(), options.delta(), sum, totalWeight());
        double aicc = n - k - 1 > 0 ? minusTwo + 2.0 * k + 2.0 * k * (k + 1) / (n - k - 1) : Double.NaN;
        double meanObserved =
                residuals.stream().mapToDouble(Residual::observed).average().orElseThrow();
        double explained = 0;
        double total = 0;
        double square = 0;
        for (Residual residual : residuals) {
            explained += Math.pow(residual.observed() - residual.predicted(), 2);
            total += Math.pow(residual.observed() - meanObserved, 2);
            square += residual.residual() * residual.residual();
        }
        return new Quality(aicc, k, Math.sqrt(square / Math.max(1, n - k + 1)), 1 - explained / total);
    }

    private Convergence convergence(GlobalSearch.Outcome outcome, double[] hessian) {
        Minimum best = outcome.best();
        double condition = Spectrum.condition(hessian, best.theta().length);
        double share = outcome.starts() == 0 ? 0 : outcome.reachedBest() / (double) outcome.starts();
        boolean stationary = best.gradientNorm() < 1e-8;
        boolean curved = Double.isFinite(condition);
        boolean lowest = best.value() <= outcome.lowestNode() * (1 + 1e-9) + 1e-16 * problem.gradientScale();
        boolean certified = stationary && curved && lowest;
        String how = certified
                ? "stationary, curved upwards in every direction, and no lower point among " + outcome.nodes()
                        + " fixed shapes with their best coefficients; " + outcome.reachedBest() + " of "
                        + outcome.starts() + " distant starts end here"
                : "not certified: "
                        + (stationary ? "" : "the gradient does not vanish; ")
                        + (curved ? "" : "the objective is flat in some direction; ")
                        + (lowest ? "" : "a lower point was seen on the grid of shapes; ")
                        + outcome.reachedBest() + " of " + outcome.starts() + " distant starts end here";
        return new Convergence(
                outcome.starts(),
                share,
                best.gradientNorm(),
                condition,
                best.iterations(),
                certified ? Convergence.Proof.CERTIFIED : Convergence.Proof.UNPROVEN,
                how);
    }

    private List<Identifiability.Rival> rivals(Minimum best, List<Minimum> rivals) {
        List<Identifiability.Rival> listed = new ArrayList<>();
        for (Minimum rival : rivals) {
            double[] values = bound.published(rival.theta());
            Map<String, Double> parameters = new LinkedHashMap<>();
            for (int j = 0; j < values.length; j++) {
                parameters.put(law.parameters().get(j).name(), values[j]);
            }
            listed.add(new Identifiability.Rival(
                    parameters, rival.value(), rival.value() / Math.max(best.value(), Double.MIN_NORMAL) - 1));
        }
        return listed;
    }

    /**
     * Leaves out the rows of the largest scale, the top tenth, at least two rows, and all that share the smallest scale among
     * them; then as many again below them, and so on. Each time what is smaller still predicts the rows just left out.
     */
    private List<HoldOut> rollOut(double[] fitted) {
        double[] scale = runs.column(law.scale());
        double[] sorted = scale.clone();
        Arrays.sort(sorted);
        int top = Math.max(2, (int) Math.round(SCALE_SHARE * sorted.length));
        List<HoldOut> steps = new ArrayList<>();
        double above = Double.POSITIVE_INFINITY;
        int left = sorted.length;
        while (steps.size() < ROLL_OUT_STEPS && left > top) {
            double threshold = sorted[left - top] * (1 - 1e-9);
            double ceiling = above;
            Observations small = runs.where(i -> scale[i] < threshold);
            if (small.size() == 0 || law.refusal(small).isPresent()) {
                break;
            }
            steps.add(holdOut(small, fitted, threshold, ceiling));
            above = threshold;
            left = small.size();
        }
        return steps;
    }

    /** Fits the small scales and predicts the rows from the threshold up to the ceiling. */
    private HoldOut holdOut(Observations small, double[] fitted, double threshold, double ceiling) {
        double[] scale = runs.column(law.scale());
        BoundLaw smallBound = law.bind(small);
        Problem smallProblem = new Problem(
                smallBound.model(), small.log(law.response()), small.weights(), options.objective(), options.delta());
        GlobalSearch.Outcome outcome = new GlobalSearch(
                        smallProblem, smallBound, GlobalSearch.Density.SPARSE, options.threads())
                .run(smallBound.internal(fitted));
        double[] published = smallBound.published(outcome.best().theta());
        List<Residual> held = new ArrayList<>();
        double square = 0;
        double mean = 0;
        double baseline = 0;
        double[] predictions = law.predictions(published, runs);
        for (int i = 0; i < runs.size(); i++) {
            double predicted = predictions[i];
            double log = Math.log(predicted / runs.at(law.response(), i));
            if (scale[i] < threshold) {
                baseline += log * log;
            } else if (scale[i] < ceiling) {
                square += log * log;
                mean += log;
                held.add(new Residual(
                        runs.runName(runs.runOf(i)), runs.point(i), runs.at(law.response(), i), predicted, log));
            }
        }
        String label = law.scale().label();
        String from = String.format(Locale.ROOT, "%.4g", threshold);
        return new HoldOut(
                Double.isInfinite(ceiling)
                        ? label + " at or above " + from + " " + law.scale().unit()
                        : label + " from " + from + " to " + String.format(Locale.ROOT, "%.4g", ceiling) + " "
                                + law.scale().unit(),
                held.size(),
                small.size(),
                Math.sqrt(square / held.size()),
                mean / held.size(),
                Math.sqrt(baseline / small.size()),
                held);
    }
}
