package dev.powersweep.orchestrator.fits;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.FitRefusal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What was asked of the fits that a {@code fits.json} holds, so that they can be made again.
 *
 * @param laws names as scripts use them
 */
public record Asked(List<String> laws, FitOptions options) {
    public Asked {
        laws = List.copyOf(laws);
    }

    /** Reads it from what {@link FitsJson} wrote; empty where the text is something else. */
    public static Optional<Asked> of(String fitsJson) {
        try {
            JsonNode root = new ObjectMapper().readTree(fitsJson);
            JsonNode options = root.path("options");
            List<String> laws = new ArrayList<>();
            boolean profiles = false;
            for (JsonNode fit : root.path("fits")) {
                laws.add(fit.path("law").asText());
                profiles |= !fit.at("/identifiability/profiles").isEmpty();
            }
            for (JsonNode refusal : root.path("refusals")) {
                laws.add(refusal.path("law").asText());
            }
            if (laws.isEmpty() || !options.isObject()) {
                return Optional.empty();
            }
            laws.forEach(Laws::byName);
            FitOptions asked = FitOptions.defaults()
                    .objective(Objective.byName(options.path("objective").asText()))
                    .delta(options.path("delta").asDouble())
                    .bootstrap(options.path("bootstrap").asInt())
                    .resampling(FitOptions.Resampling.valueOf(
                            options.path("resampling").asText()))
                    .seed(options.path("seed").asLong())
                    .confidence(options.path("confidence").asDouble());
            return Optional.of(new Asked(laws, profiles ? asked.profiles() : asked));
        } catch (JsonProcessingException | FitRefusal | IllegalArgumentException foreign) {
            return Optional.empty();
        }
    }
}
