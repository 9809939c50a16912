package dev.powersweep.orchestrator.budget;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.allocation.DesignCell;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads what {@code powersweep fit} has written. */
public final class FitsFile {
    private FitsFile() {}

    /**
     * The fits of laws that predict a loss.
     *
     * @param place where the text is from, for messages
     */
    public static List<StoredFit> read(String place, String text) {
        JsonNode root;
        try {
            root = new ObjectMapper().readTree(text);
        } catch (JsonProcessingException broken) {
            throw new UserError(
                    place + ": not JSON (" + broken.getOriginalMessage() + "); write it again with powersweep fit",
                    broken);
        }
        if (!root.path("fits").isArray()) {
            throw new UserError(place + ": there is no list of fits in it; give what powersweep fit --json wrote");
        }
        List<StoredFit> fits = new ArrayList<>();
        for (JsonNode fit : root.path("fits")) {
            law(fit.path("law").asText())
                    .ifPresent(law -> fits.add(fit(
                            place,
                            law,
                            fit,
                            root.path("options").path("confidence").asDouble(0.95))));
        }
        if (fits.isEmpty()) {
            throw new UserError(place + ": it holds no fit that predicts a loss; fit chinchilla or kaplan-nd first");
        }
        return fits;
    }

    private static Optional<ParametricLaw> law(String name) {
        for (Law law : Laws.all()) {
            if (law.name().equals(name)
                    && law instanceof ParametricLaw parametric
                    && parametric.response() == Quantity.LOSS) {
                return Optional.of(parametric);
            }
        }
        return Optional.empty();
    }

    private static StoredFit fit(String place, ParametricLaw law, JsonNode fit, double confidence) {
        Map<String, Double> parameters = new LinkedHashMap<>();
        law.parameters().forEach(parameter -> {
            JsonNode value = fit.path("parameters").path(parameter.name()).path("value");
            if (!value.isNumber()) {
                throw new UserError(place + ": the fit of " + law.name() + " has no number for " + parameter.name()
                        + "; write it again with powersweep fit");
            }
            parameters.put(parameter.name(), value.asDouble());
        });
        JsonNode rows = fit.path("replicas").path("values");
        List<double[]> replicas = new ArrayList<>();
        for (JsonNode row : rows) {
            double[] values = new double[row.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = row.get(i).asDouble(Double.NaN);
            }
            if (values.length == parameters.size()) {
                replicas.add(values);
            }
        }
        return new StoredFit(
                law.name(),
                law::predict,
                parameters,
                replicas.toArray(double[][]::new),
                confidence,
                fit.path("quality").path("noise").asDouble(Double.NaN),
                made(fit),
                warnings(fit));
    }

    private static List<String> warnings(JsonNode fit) {
        List<String> warnings = new ArrayList<>();
        fit.path("warnings").forEach(warning -> warnings.add(warning.asText()));
        return warnings;
    }

    private static List<DesignCell> made(JsonNode fit) {
        List<DesignCell> made = new ArrayList<>();
        for (JsonNode row : fit.path("residuals")) {
            if (row.path("n").isNumber() && row.path("d").isNumber()) {
                double d = row.path("d").asDouble();
                made.add(
                        DesignCell.of(row.path("n").asDouble(), d, row.path("b").asDouble(Double.NaN)));
            }
        }
        return made;
    }
}
