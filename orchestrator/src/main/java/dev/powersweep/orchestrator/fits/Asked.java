package dev.powersweep.orchestrator.fits;

import com.fasterxml.jackson.core.JsonProcessingException;
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
            FitsDocument document = FitsJson.read(fitsJson);
            if (document.options().isEmpty()) {
                return Optional.empty();
            }
            List<String> laws = new ArrayList<>();
            document.fits().forEach(fit -> laws.add(fit.law()));
            document.refusals().forEach(refusal -> laws.add(refusal.law()));
            if (laws.isEmpty()) {
                return Optional.empty();
            }
            laws.forEach(Laws::byName);
            FitsDocument.Options options = document.options().get();
            FitOptions asked = FitOptions.defaults()
                    .objective(Objective.byName(options.objective()))
                    .delta(options.delta())
                    .bootstrap(options.bootstrap())
                    .resampling(FitOptions.Resampling.valueOf(options.resampling()))
                    .seed(options.seed())
                    .confidence(options.confidence());
            boolean profiles = document.fits().stream()
                    .flatMap(fit -> fit.identifiability().stream())
                    .anyMatch(told -> !told.profiles().isEmpty());
            return Optional.of(new Asked(laws, profiles ? asked.profiles() : asked));
        } catch (JsonProcessingException | FitRefusal | IllegalArgumentException foreign) {
            return Optional.empty();
        }
    }
}
