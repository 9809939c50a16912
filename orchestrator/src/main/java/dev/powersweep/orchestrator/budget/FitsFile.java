package dev.powersweep.orchestrator.budget;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.allocation.DesignCell;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.fits.FitsDocument;
import dev.powersweep.orchestrator.fits.FitsJson;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads what {@code powersweep fit} has written. */
public final class FitsFile {
    private static final double USUAL_CONFIDENCE = 0.95;
    /** How a sweep's note begins that holds for whatever rests on its fits. */
    private static final String UNTUNED = "Rates untuned";

    private static final double SMALLEST = 1e-12;
    private static final double LARGEST = 1e24;

    private FitsFile() {}

    /**
     * The fits of laws that predict a loss.
     *
     * @param place where the text is from, for messages
     */
    public static List<StoredFit> read(String place, String text) {
        FitsDocument document = document(place, text);
        if (document.fits().isEmpty() && document.refusals().isEmpty()) {
            throw new UserError(place + ": there is no list of fits in it; give what powersweep fit --json wrote");
        }
        double confidence =
                document.options().map(FitsDocument.Options::confidence).orElse(USUAL_CONFIDENCE);
        List<StoredFit> fits = new ArrayList<>();
        List<String> untuned = document.notes().stream()
                .filter(note -> note.startsWith(UNTUNED))
                .toList();
        for (FitsDocument.Fit fit : document.fits()) {
            // An estimate that ran away has no number, and a law without one predicts nothing: the others still do.
            law(fit.law())
                    .filter(law -> law.parameters().stream()
                            .map(parameter -> fit.parameters().get(parameter.name()))
                            .allMatch(estimate -> estimate == null || !Double.isNaN(estimate.value())))
                    .ifPresent(law -> fits.add(fit(place, law, fit, confidence, untuned)));
        }
        if (fits.isEmpty()) {
            // What a sweep lacks is the better remedy than a law that was refused.
            throw new UserError(place + ": it holds no fit that predicts a loss; "
                    + document.refusals().stream()
                            .filter(refusal -> refusal.law().equals(USUAL))
                            .map(FitsDocument.Refusal::sentence)
                            .findFirst()
                            .orElse("fit chinchilla or kaplan-nd first"));
        }
        return fits;
    }

    /** The law that most sweeps are planned by. */
    private static final String USUAL = "chinchilla";

    private static FitsDocument document(String place, String text) {
        try {
            return FitsJson.read(text);
        } catch (JsonMappingException foreign) {
            throw new UserError(
                    place + ": not what powersweep fit writes (" + foreign.getOriginalMessage()
                            + (foreign.getPath().isEmpty() ? "" : " at " + foreign.getPathReference())
                            + "); there is no list of fits in it that could be read; write it"
                            + " again with powersweep fit",
                    foreign);
        } catch (JsonProcessingException broken) {
            throw new UserError(
                    place + ": not JSON (" + broken.getOriginalMessage() + "); write it again with powersweep fit",
                    broken);
        }
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

    private static StoredFit fit(
            String place, ParametricLaw law, FitsDocument.Fit fit, double confidence, List<String> notes) {
        List<String> warnings = new ArrayList<>(fit.warnings());
        warnings.addAll(notes);
        Map<String, Double> parameters = new LinkedHashMap<>();
        law.parameters().forEach(parameter -> {
            Estimate estimate = fit.parameters().get(parameter.name());
            if (estimate == null) {
                throw new UserError(place + ": the fit of " + law.name() + " has no number for " + parameter.name()
                        + "; write it again with powersweep fit");
            }
            parameters.put(parameter.name(), estimate.value());
        });
        double[][] refits = fit.replicas().map(FitsDocument.Refits::values).orElse(new double[0][]);
        return new StoredFit(
                law.name(),
                law::predict,
                parameters,
                Arrays.stream(refits)
                        .filter(refit -> refit != null && refit.length == parameters.size())
                        .toArray(double[][]::new),
                confidence,
                fit.quality().map(Quality::noise).orElse(Double.NaN),
                made(place, fit),
                List.copyOf(warnings),
                fit.quality().map(Quality::aicc).orElse(Double.NaN));
    }

    private static List<DesignCell> made(String place, FitsDocument.Fit fit) {
        return fit.residuals().orElse(List.of()).stream()
                .filter(row -> !Double.isNaN(row.at("n")) && !Double.isNaN(row.at("d")))
                .map(row -> DesignCell.of(
                        count(place, "n", row.at("n")),
                        count(place, "d", row.at("d")),
                        Double.isNaN(row.at("b")) ? Double.NaN : count(place, "b", row.at("b"))))
                .toList();
    }

    /** Sizes are doubled from the smallest to the largest when cells are looked for: neither may be out of this world. */
    private static double count(String place, String name, double value) {
        if (!(value >= SMALLEST && value <= LARGEST)) {
            throw new UserError(place + ": a run with " + name + " = " + value + ", where numbers from " + SMALLEST
                    + " to " + LARGEST + " are sizes; write it again with powersweep fit");
        }
        return value;
    }
}
