package dev.powersweep.fitting.result;

import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/**
 * Everything a fit has to say. Built by laws through {@link Builder}; immutable.
 *
 * @param law scripted name of the law
 * @param formula the law as text
 * @param response what the law predicts: {@link Quantity#LOSS}, or the column a law of another kind predicts
 * @param rows rows fitted
 * @param runs distinct runs among them
 * @param objective its value at the minimum
 * @param parameters published parameters in the law's order
 * @param derived what follows from them (exponents of the optimal allocation and the like)
 * @param convergence proof of the minimum
 * @param identifiability what the data can tell
 * @param quality how well the law describes the rows
 * @param residuals one a row
 * @param rollOut the largest scale predicted from the smaller ones, then the one below it from what is smaller still, and so
 *     on while the rows allow; none where they are too few
 * @param axes hold-outs along N, D and C, as far as the law knows them and the rows allow
 * @param profiles likelihood profiles, where asked for
 * @param replicas parameters of the bootstrap refits, none where not asked for
 * @param warnings what a careful reader should know
 * @param options how it was fitted
 * @param predictor the law as a function
 */
public record FitResult(
        String law,
        String formula,
        Quantity response,
        int rows,
        int runs,
        ObjectiveValue objective,
        Map<String, Estimate> parameters,
        Map<String, Estimate> derived,
        Convergence convergence,
        Identifiability identifiability,
        Quality quality,
        List<Residual> residuals,
        List<HoldOut> rollOut,
        Map<Quantity, AxisHoldOut> axes,
        List<Profile> profiles,
        Replicas replicas,
        List<String> warnings,
        FitOptions options,
        Predictor predictor) {

    /** Refits that a band is drawn from, at most twice as many: ends of a 95 % interval are then known to a tenth of its width. */
    private static final int BAND_REFITS = 1000;

    /** Copies the collections, keeping their order. */
    public FitResult {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        derived = Collections.unmodifiableMap(new LinkedHashMap<>(derived));
        residuals = List.copyOf(residuals);
        rollOut = List.copyOf(rollOut);
        axes = Collections.unmodifiableMap(new LinkedHashMap<>(axes));
        profiles = List.copyOf(profiles);
        warnings = List.copyOf(warnings);
    }

    /** The largest scale predicted from the smaller ones; empty where there were too few rows. */
    public Optional<HoldOut> holdOut() {
        return rollOut.stream().findFirst();
    }

    /** Root mean square of ln predicted − ln observed over every row that the roll-out predicted; empty without one. */
    public OptionalDouble rollOutError() {
        int rows = rollOut.stream().mapToInt(HoldOut::heldOut).sum();
        double square = rollOut.stream()
                .mapToDouble(step -> step.heldOut() * step.rmsLog() * step.rmsLog())
                .sum();
        return rows == 0 ? OptionalDouble.empty() : OptionalDouble.of(Math.sqrt(square / rows));
    }

    /** Whether no direction that was tested is predicted worse than by "no change"; true where none was. */
    public boolean beatsNoChange() {
        return axes.values().stream().allMatch(AxisHoldOut::beatsNoChange);
    }

    /** A parameter's or derived quantity's value by name. */
    public double value(String name) {
        Estimate estimate = parameters.getOrDefault(name, derived.get(name));
        if (estimate == null) {
            throw new IllegalArgumentException(
                    law + " has no quantity " + name + "; it has " + parameters.keySet() + " and " + derived.keySet());
        }
        return estimate.value();
    }

    /** The parameter values in order, as {@link Predictor} takes them. */
    public double[] values() {
        return parameters.values().stream().mapToDouble(Estimate::value).toArray();
    }

    /**
     * The law's value at a point. Bands come from the bootstrap refits and are NaN without them: the confidence band from the
     * refits' own predictions, the prediction band from these with one of the fit's residuals drawn onto each, widened by the
     * parameters that were spent on them.
     */
    public Prediction predict(Point at) {
        double value = predictor.at(values(), at);
        int stride = Math.max(1, replicas.size() / BAND_REFITS);
        int size = replicas.size() / stride;
        double widen = Math.sqrt(
                residuals.size() / Math.max(1.0, residuals.size() - Math.max(0, quality.freeParameters() - 1.0)));
        double[] curve = new double[size];
        double[] outcome = new double[size];
        for (int k = 0; k < size; k++) {
            curve[k] = predictor.at(replicas.values()[k * stride], at);
            outcome[k] = curve[k];
            if (!residuals.isEmpty()) {
                SplittableRandom random = new SplittableRandom(options.seed() * 31 + k);
                double residual =
                        widen * residuals.get(random.nextInt(residuals.size())).residual();
                outcome[k] = objective.objective().log() ? curve[k] * Math.exp(-residual) : curve[k] - residual;
            }
        }
        double[] confidence = options.interval(curve, value);
        double[] prediction = options.interval(outcome, value);
        // Of few refits the quantiles with residuals can fall short of those without by chance.
        return new Prediction(
                value,
                confidence[0],
                confidence[1],
                Math.min(confidence[0], prediction[0]),
                Math.max(confidence[1], prediction[1]));
    }

    /** Starts a result for a law. */
    public static Builder of(String law, String formula) {
        return new Builder(law, formula);
    }

    /** Collects the parts; what is not said keeps a neutral value. */
    public static final class Builder {
        private final String law;
        private final String formula;
        private Quantity response = Quantity.LOSS;
        private int rows;
        private int runs;
        private ObjectiveValue objective;
        private final Map<String, Estimate> parameters = new LinkedHashMap<>();
        private final Map<String, Estimate> derived = new LinkedHashMap<>();
        private Convergence convergence = Convergence.closedForm("closed form");
        private Identifiability identifiability =
                new Identifiability("Every parameter follows from the data.", List.of());
        private Quality quality = new Quality(Double.NaN, 0, Double.NaN, Double.NaN);
        private List<Residual> residuals = List.of();
        private List<HoldOut> rollOut = List.of();
        private Map<Quantity, AxisHoldOut> axes = Map.of();
        private List<Profile> profiles = List.of();
        private Replicas replicas;
        private final List<String> warnings = new ArrayList<>();
        private FitOptions options = FitOptions.defaults();
        private Predictor predictor = (values, at) -> Double.NaN;

        private Builder(String law, String formula) {
            this.law = law;
            this.formula = formula;
        }

        /** What the law predicts, where it is not the loss. */
        public Builder response(Quantity column) {
            response = column;
            return this;
        }

        /** Rows and runs fitted. */
        public Builder data(int rowCount, int runCount) {
            rows = rowCount;
            runs = runCount;
            return this;
        }

        /** The objective at the minimum. */
        public Builder objective(ObjectiveValue value) {
            objective = value;
            return this;
        }

        /** Adds a parameter. */
        public Builder parameter(String name, Estimate estimate) {
            parameters.put(name, estimate);
            return this;
        }

        /** Adds a derived quantity. */
        public Builder derived(String name, Estimate estimate) {
            derived.put(name, estimate);
            return this;
        }

        /** Proof of the minimum. */
        public Builder convergence(Convergence proof) {
            convergence = proof;
            return this;
        }

        /** What the data can tell. */
        public Builder identifiability(Identifiability verdict) {
            identifiability = verdict;
            return this;
        }

        /** How well the law describes the rows. */
        public Builder quality(Quality measure) {
            quality = measure;
            return this;
        }

        /** One residual a row. */
        public Builder residuals(List<Residual> all) {
            residuals = all;
            return this;
        }

        /** Hold-outs, the largest scale first. */
        public Builder rollOut(List<HoldOut> steps) {
            rollOut = steps;
            return this;
        }

        /** Hold-outs along single directions. */
        public Builder axes(Map<Quantity, AxisHoldOut> tested) {
            axes = tested;
            return this;
        }

        /** Likelihood profiles. */
        public Builder profiles(List<Profile> all) {
            profiles = all;
            return this;
        }

        /** Parameters of the bootstrap refits. */
        public Builder replicas(Replicas all) {
            replicas = all;
            return this;
        }

        /** Adds a warning. */
        public Builder warn(String sentence) {
            warnings.add(sentence);
            return this;
        }

        /** How it was fitted. */
        public Builder options(FitOptions used) {
            options = used;
            return this;
        }

        /** The law as a function. */
        public Builder predictor(Predictor law) {
            predictor = law;
            return this;
        }

        /** The finished result. */
        public FitResult build() {
            Replicas refits = replicas == null ? Replicas.none(List.copyOf(parameters.keySet())) : replicas;
            ObjectiveValue value = objective == null
                    ? new ObjectiveValue(options.objective(), options.delta(), Double.NaN, Double.NaN)
                    : objective;
            return new FitResult(
                    law,
                    formula,
                    response,
                    rows,
                    runs,
                    value,
                    parameters,
                    derived,
                    convergence,
                    identifiability,
                    quality,
                    residuals,
                    rollOut,
                    axes,
                    profiles,
                    refits,
                    warnings,
                    options,
                    predictor);
        }
    }
}
