package dev.powersweep.orchestrator.fits;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.HoldOut;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.Prediction;
import dev.powersweep.fitting.result.Profile;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Quantity;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Map;

/** Fits as JSON. Numbers keep all their digits; what is not a finite number is null. */
public final class FitsJson {
    /** Refits written beside the parameters; enough for an interval of anything that follows from them. */
    private static final int REPLICAS = 500;

    private FitsJson() {}

    /** Whether the bootstrap refits are written too. */
    public enum Detail {
        /** Estimates and intervals: for people and scripts. */
        SUMMARY,
        /** With refits and residuals: for {@code plan} and {@code report}. */
        FULL
    }

    public static String write(FitSet set, Detail detail) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.setPrettyPrinter(new DefaultPrettyPrinter());
            json.writeStartObject();
            json.writeNumberField("runs", set.runs());
            json.writeNumberField("rows", set.rows());
            json.writeStringField("source", set.source());
            json.writeArrayFieldStart("fits");
            for (FitSet.Fitted fitted : set.fitted()) {
                fit(json, fitted, detail);
            }
            json.writeEndArray();
            json.writeArrayFieldStart("refusals");
            for (FitSet.Refused refused : set.refused()) {
                json.writeStartObject();
                json.writeStringField("law", refused.law());
                json.writeStringField("reason", refused.reason().name());
                json.writeStringField("sentence", refused.sentence());
                json.writeStringField("selection", refused.selection());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeArrayFieldStart("reading");
            for (Reading reading : set.readings()) {
                json.writeStartObject();
                json.writeStringField("sentence", reading.sentence());
                json.writeStringField("basis", reading.basis());
                json.writeEndObject();
            }
            json.writeEndArray();
            strings(json, "notes", set.notes());
            options(json, set.options());
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text.append('\n').toString();
    }

    private static void fit(JsonGenerator json, FitSet.Fitted fitted, Detail detail) throws IOException {
        FitResult result = fitted.result();
        json.writeStartObject();
        json.writeStringField("law", result.law());
        json.writeStringField("title", fitted.title());
        json.writeStringField("formula", result.formula());
        json.writeStringField("response", result.response().label());
        json.writeNumberField("rows", result.rows());
        json.writeNumberField("runs", result.runs());
        json.writeStringField("selection", fitted.selection());
        json.writeObjectFieldStart("objective");
        json.writeStringField("name", result.objective().name());
        number(json, "delta", result.objective().delta());
        number(json, "sum", result.objective().sum());
        number(json, "mean", result.objective().mean());
        json.writeEndObject();
        estimates(json, "parameters", result.parameters());
        estimates(json, "derived", result.derived());
        convergence(json, result.convergence());
        identifiability(json, result);
        json.writeObjectFieldStart("quality");
        number(json, "aicc", result.quality().aicc());
        json.writeNumberField("freeParameters", result.quality().freeParameters());
        number(json, "noise", result.quality().noise());
        number(json, "rSquared", result.quality().rSquared());
        json.writeEndObject();
        if (result.holdOut().isPresent()) {
            json.writeFieldName("holdOut");
            holdOut(json, result.holdOut().get());
        }
        json.writeObjectFieldStart("rollOut");
        number(json, "rmsLog", result.rollOutError().orElse(Double.NaN));
        json.writeArrayFieldStart("steps");
        for (HoldOut step : result.rollOut()) {
            holdOut(json, step);
        }
        json.writeEndArray();
        json.writeEndObject();
        bands(json, result);
        strings(json, "warnings", result.warnings());
        if (detail == Detail.FULL) {
            replicas(json, result.replicas());
            residuals(json, result);
        }
        json.writeEndObject();
    }

    private static void estimates(JsonGenerator json, String name, Map<String, Estimate> estimates) throws IOException {
        json.writeObjectFieldStart(name);
        for (Map.Entry<String, Estimate> entry : estimates.entrySet()) {
            json.writeObjectFieldStart(entry.getKey());
            number(json, "value", entry.getValue().value());
            number(json, "low", entry.getValue().low());
            number(json, "high", entry.getValue().high());
            json.writeStringField("unit", entry.getValue().unit());
            json.writeEndObject();
        }
        json.writeEndObject();
    }

    private static void convergence(JsonGenerator json, Convergence convergence) throws IOException {
        json.writeObjectFieldStart("convergence");
        json.writeBooleanField("certified", convergence.certified());
        json.writeNumberField("starts", convergence.starts());
        number(json, "reachedBest", convergence.reachedBest());
        number(json, "gradientNorm", convergence.gradientNorm());
        number(json, "hessianCondition", convergence.hessianCondition());
        json.writeNumberField("iterations", convergence.iterations());
        json.writeStringField("how", convergence.how());
        json.writeEndObject();
    }

    private static void identifiability(JsonGenerator json, FitResult result) throws IOException {
        json.writeObjectFieldStart("identifiability");
        json.writeStringField("verdict", result.identifiability().verdict());
        json.writeArrayFieldStart("rivals");
        for (Identifiability.Rival rival : result.identifiability().rivals()) {
            json.writeStartObject();
            json.writeObjectFieldStart("parameters");
            for (Map.Entry<String, Double> entry : rival.parameters().entrySet()) {
                number(json, entry.getKey(), entry.getValue());
            }
            json.writeEndObject();
            number(json, "objective", rival.objective());
            number(json, "excess", rival.excess());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeObjectFieldStart("profiles");
        for (Profile profile : result.profiles()) {
            json.writeObjectFieldStart(profile.parameter());
            number(json, "low", profile.low());
            number(json, "high", profile.high());
            numbers(json, "values", profile.values());
            numbers(json, "objective", profile.objective());
            json.writeEndObject();
        }
        json.writeEndObject();
        json.writeEndObject();
    }

    private static void holdOut(JsonGenerator json, HoldOut holdOut) throws IOException {
        json.writeStartObject();
        json.writeStringField("scale", holdOut.scale());
        json.writeNumberField("heldOut", holdOut.heldOut());
        json.writeNumberField("fitted", holdOut.fitted());
        number(json, "rmsLog", holdOut.rmsLog());
        number(json, "meanLog", holdOut.meanLog());
        number(json, "baselineRmsLog", holdOut.baselineRmsLog());
        json.writeEndObject();
    }

    /** The law along each of its variables, with both bands. */
    private static void bands(JsonGenerator json, FitResult result) throws IOException {
        json.writeArrayFieldStart("bands");
        for (LawBand band : LawBand.of(result)) {
            json.writeStartObject();
            json.writeStringField("along", band.along().label());
            json.writeObjectFieldStart("at");
            for (Map.Entry<Quantity, Double> entry : band.middle().values().entrySet()) {
                number(json, entry.getKey().label(), entry.getValue());
            }
            json.writeEndObject();
            numbers(json, "x", band.x());
            numbers(json, "value", band.column(Prediction::value));
            numbers(json, "low", band.column(Prediction::low));
            numbers(json, "high", band.column(Prediction::high));
            numbers(json, "lowOutcome", band.column(Prediction::lowOutcome));
            numbers(json, "highOutcome", band.column(Prediction::highOutcome));
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** Every k-th refit: they are independent, so any selection by position is a fair one. */
    private static void replicas(JsonGenerator json, Replicas replicas) throws IOException {
        json.writeObjectFieldStart("replicas");
        strings(json, "names", replicas.names());
        json.writeArrayFieldStart("values");
        int stride = Math.max(1, (replicas.size() + REPLICAS - 1) / REPLICAS);
        for (int i = 0; i < replicas.size(); i += stride) {
            json.writeStartArray();
            for (double value : replicas.values()[i]) {
                number(json, value);
            }
            json.writeEndArray();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void residuals(JsonGenerator json, FitResult result) throws IOException {
        json.writeArrayFieldStart("residuals");
        for (Residual residual : result.residuals()) {
            json.writeStartObject();
            json.writeStringField("run", residual.run());
            for (Map.Entry<Quantity, Double> entry : residual.at().values().entrySet()) {
                number(json, entry.getKey().label(), entry.getValue());
            }
            number(json, "observed", residual.observed());
            number(json, "predicted", residual.predicted());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void options(JsonGenerator json, FitOptions options) throws IOException {
        json.writeObjectFieldStart("options");
        json.writeStringField("objective", options.objective().label());
        number(json, "delta", options.delta());
        json.writeNumberField("bootstrap", options.bootstrap());
        json.writeStringField("resampling", options.resampling().name());
        json.writeNumberField("seed", options.seed());
        number(json, "confidence", options.confidence());
        json.writeEndObject();
    }

    private static void strings(JsonGenerator json, String name, Iterable<String> strings) throws IOException {
        json.writeArrayFieldStart(name);
        for (String string : strings) {
            json.writeString(string);
        }
        json.writeEndArray();
    }

    private static void numbers(JsonGenerator json, String name, double[] values) throws IOException {
        json.writeArrayFieldStart(name);
        for (double value : values) {
            number(json, value);
        }
        json.writeEndArray();
    }

    private static void number(JsonGenerator json, String name, double value) throws IOException {
        json.writeFieldName(name);
        number(json, value);
    }

    private static void number(JsonGenerator json, double value) throws IOException {
        if (Double.isFinite(value)) {
            json.writeNumber(value);
        } else {
            json.writeNull();
        }
    }
}
