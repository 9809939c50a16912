package dev.powersweep.orchestrator.fits;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.powersweep.fitting.result.AxisHoldOut;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Identifiability.Rival;
import dev.powersweep.fitting.result.ObjectiveValue;
import dev.powersweep.fitting.result.Prediction;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * {@code fits.json}: names and order of the components are those of the file. A number that is not finite is null there and
 * NaN here.
 *
 * @param runs distinct runs that were read
 * @param rows rows that were read
 * @param source what the runs came from
 */
public record FitsDocument(
        int runs,
        int rows,
        String source,
        List<Fit> fits,
        List<Refusal> refusals,
        List<Reading> reading,
        List<String> notes,
        Optional<Options> options) {

    /** Lists that an older or foreign file does not have are empty. */
    public FitsDocument {
        fits = listed(fits);
        refusals = listed(refusals);
        reading = listed(reading);
        notes = listed(notes);
    }

    private static <T> List<T> listed(List<T> values) {
        return values == null ? List.of() : List.copyOf(values);
    }

    private static <K, V> Map<K, V> mapped(Map<K, V> values) {
        return values == null ? Map.of() : values;
    }

    /** Refits kept beside the parameters: enough for an interval of anything that follows from them. */
    private static final int REFITS = 500;

    /** The document of a set of fits. */
    static FitsDocument of(FitSet set, FitsJson.Detail detail) {
        return new FitsDocument(
                set.runs(),
                set.rows(),
                set.source(),
                set.fitted().stream().map(fitted -> fit(fitted, detail)).toList(),
                set.refused().stream()
                        .map(refused -> new Refusal(
                                refused.law(), refused.reason().name(), refused.sentence(), refused.selection()))
                        .toList(),
                set.readings(),
                set.notes(),
                Optional.of(options(set.options())));
    }

    private static Options options(FitOptions options) {
        return new Options(
                options.objective().label(),
                options.delta(),
                options.bootstrap(),
                options.resampling().name(),
                options.seed(),
                options.confidence());
    }

    private static Fit fit(FitSet.Fitted fitted, FitsJson.Detail detail) {
        FitResult result = fitted.result();
        boolean full = detail == FitsJson.Detail.FULL;
        ObjectiveValue objective = result.objective();
        return new Fit(
                result.law(),
                fitted.title(),
                result.formula(),
                result.response().label(),
                result.rows(),
                result.runs(),
                fitted.selection(),
                new Objective(objective.name(), objective.delta(), objective.sum(), objective.mean()),
                result.parameters(),
                result.derived(),
                convergence(result.convergence()),
                Optional.of(identifiability(result)),
                Optional.of(result.quality()),
                holdOuts(result),
                new RollOut(
                        result.rollOutError().orElse(Double.NaN),
                        result.rollOut().stream().map(FitsDocument::holdOut).toList()),
                LawBand.of(result).stream().map(FitsDocument::band).toList(),
                result.warnings(),
                full ? Optional.of(refits(result.replicas())) : Optional.empty(),
                full
                        ? Optional.of(result.residuals().stream()
                                .map(FitsDocument::row)
                                .toList())
                        : Optional.empty());
    }

    private static Convergence convergence(dev.powersweep.fitting.result.Convergence proof) {
        return new Convergence(
                proof.certified(),
                proof.starts(),
                proof.reachedBest(),
                proof.gradientNorm(),
                proof.hessianCondition(),
                proof.iterations(),
                proof.how());
    }

    private static Identifiability identifiability(FitResult result) {
        Map<String, Profile> profiles = new LinkedHashMap<>();
        result.profiles()
                .forEach(profile -> profiles.put(
                        profile.parameter(),
                        new Profile(profile.low(), profile.high(), profile.values(), profile.objective())));
        return new Identifiability(
                result.identifiability().verdict(), result.identifiability().rivals(), profiles);
    }

    private static HoldOut holdOut(dev.powersweep.fitting.result.HoldOut step) {
        return new HoldOut(
                step.scale(), step.heldOut(), step.fitted(), step.rmsLog(), step.meanLog(), step.baselineRmsLog());
    }

    private static Optional<HoldOuts> holdOuts(FitResult fit) {
        if (fit.holdOut().isEmpty() && fit.axes().isEmpty()) {
            return Optional.empty();
        }
        Optional<dev.powersweep.fitting.result.HoldOut> largest = fit.holdOut();
        return Optional.of(new HoldOuts(
                largest.map(dev.powersweep.fitting.result.HoldOut::scale),
                largest.map(dev.powersweep.fitting.result.HoldOut::heldOut),
                largest.map(dev.powersweep.fitting.result.HoldOut::fitted),
                largest.map(dev.powersweep.fitting.result.HoldOut::rmsLog),
                largest.map(dev.powersweep.fitting.result.HoldOut::meanLog),
                largest.map(dev.powersweep.fitting.result.HoldOut::baselineRmsLog),
                Optional.ofNullable(fit.axes().get(Quantity.N)),
                Optional.ofNullable(fit.axes().get(Quantity.D)),
                Optional.ofNullable(fit.axes().get(Quantity.C))));
    }

    private static Band band(LawBand band) {
        return new Band(
                band.along().label(),
                byLabel(band.middle()),
                band.x(),
                band.column(Prediction::value),
                band.column(Prediction::low),
                band.column(Prediction::high),
                band.column(Prediction::lowOutcome),
                band.column(Prediction::highOutcome));
    }

    /** Every k-th refit: they are independent, so any selection by position is a fair one. */
    private static Refits refits(Replicas replicas) {
        int stride = Math.max(1, (replicas.size() + REFITS - 1) / REFITS);
        return new Refits(
                replicas.names(),
                IntStream.range(0, replicas.size())
                        .filter(i -> i % stride == 0)
                        .mapToObj(i -> replicas.values()[i])
                        .toArray(double[][]::new));
    }

    private static Row row(Residual residual) {
        return new Row(residual.run(), byLabel(residual.at()), residual.observed(), residual.predicted());
    }

    private static Map<String, Double> byLabel(Point point) {
        Map<String, Double> values = new LinkedHashMap<>();
        point.values().forEach((quantity, value) -> values.put(quantity.label(), value));
        return values;
    }

    /** One law with its fit; refits and residuals only where the document is full. */
    @JsonInclude(JsonInclude.Include.NON_ABSENT)
    public record Fit(
            String law,
            String title,
            String formula,
            String response,
            int rows,
            int runs,
            String selection,
            Objective objective,
            Map<String, Estimate> parameters,
            Map<String, Estimate> derived,
            Convergence convergence,
            Optional<Identifiability> identifiability,
            Optional<Quality> quality,
            Optional<HoldOuts> holdOut,
            RollOut rollOut,
            List<Band> bands,
            List<String> warnings,
            Optional<Refits> replicas,
            Optional<List<Row>> residuals) {
        public Fit {
            parameters = mapped(parameters);
            derived = mapped(derived);
            warnings = listed(warnings);
        }
    }

    /** A law that the runs do not allow. */
    public record Refusal(String law, String reason, String sentence, String selection) {}

    /** The objective at the minimum. */
    public record Objective(String name, double delta, double sum, double mean) {}

    /** Proof of the minimum. */
    public record Convergence(
            boolean certified,
            int starts,
            double reachedBest,
            double gradientNorm,
            double hessianCondition,
            int iterations,
            String how) {}

    /** What the data can tell; profiles by parameter, where they were asked for. */
    public record Identifiability(String verdict, List<Rival> rivals, Map<String, Profile> profiles) {
        public Identifiability {
            rivals = listed(rivals);
            profiles = mapped(profiles);
        }
    }

    /** A likelihood profile. */
    public record Profile(double low, double high, double[] values, double[] objective) {}

    /** Rows predicted from smaller ones. */
    public record HoldOut(
            String scale, int heldOut, int fitted, double rmsLog, double meanLog, double baselineRmsLog) {}

    /** The largest scale predicted from the smaller ones, and hold-outs along N, D and C; absent where untested. */
    @JsonInclude(JsonInclude.Include.NON_ABSENT)
    public record HoldOuts(
            Optional<String> scale,
            Optional<Integer> heldOut,
            Optional<Integer> fitted,
            Optional<Double> rmsLog,
            Optional<Double> meanLog,
            Optional<Double> baselineRmsLog,
            Optional<AxisHoldOut> n,
            Optional<AxisHoldOut> d,
            Optional<AxisHoldOut> c) {}

    /** Every step of the roll-out and their common error. */
    public record RollOut(double rmsLog, List<HoldOut> steps) {}

    /** The law along one variable, the others at their middle. */
    public record Band(
            String along,
            Map<String, Double> at,
            double[] x,
            double[] value,
            double[] low,
            double[] high,
            double[] lowOutcome,
            double[] highOutcome) {}

    /** Parameters of bootstrap refits, [refit][parameter]. */
    public record Refits(List<String> names, double[][] values) {}

    /** A fitted row: where it lies is told by the names of quantities, beside what was observed and predicted. */
    @JsonPropertyOrder({"run", "observed", "predicted"})
    public record Row(
            String run, @JsonAnySetter @JsonAnyGetter Map<String, Double> at, double observed, double predicted) {
        public Row {
            at = mapped(at);
        }

        /** A quantity of the row; NaN where it has none. */
        public double at(String quantity) {
            return at.getOrDefault(quantity, Double.NaN);
        }
    }

    /** How the fits were asked for. */
    public record Options(
            String objective, double delta, int bootstrap, String resampling, long seed, double confidence) {}
}
