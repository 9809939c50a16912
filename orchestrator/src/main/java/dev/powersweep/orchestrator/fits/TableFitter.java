package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.batch.BranchedCriticalBatchLaw;
import dev.powersweep.fitting.isoflop.EnvelopeLaw;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Refits;
import dev.powersweep.orchestrator.runtable.RunTable;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Fits laws to a table of anybody's runs. */
public final class TableFitter {
    private static final String OF_COMPUTE =
            " is a law of C_min = C/(1 + B/B_crit(L)) and takes c for it, as it stands in the table; fit kaplan-c where that is"
                    + " the compute at the batch of each run.";

    /** Laws of quantities that a sweep corrects by its critical batch, and a table of runs must hold. */
    private static final Map<String, String> OF_MINIMA = Map.of(
            "kaplan-cmin", "kaplan-cmin" + OF_COMPUTE,
            "kaplan-cmin-irreducible", "kaplan-cmin-irreducible" + OF_COMPUTE,
            "kaplan-ns",
                    "kaplan-ns is a law of S_min = S/(1 + B_crit(L)/B) and takes s for it, as it stands in the table; the steps"
                            + " at the batch of each run are more.");

    private TableFitter() {}

    /**
     * Fits the named laws, or all that the table's columns allow.
     *
     * @param laws names as scripts use them; none for all that apply
     * @param everyRow whether laws without rates and batches take every run of a model and data size rather than the best
     * @param refits where bootstrap refits are computed
     * @throws UserError where the table lacks a column that a named law needs, or holds branches and another law than theirs is named
     */
    public static FitSet fit(
            RunTable table, List<String> laws, boolean everyRow, FitOptions options, Refits.Runner refits) {
        List<Law> named = named(table, laws);
        Set<Quantity> needed = named.isEmpty() ? varied(table) : EnumSet.noneOf(Quantity.class);
        named.forEach(law -> {
            table.require(law.name(), law.needs());
            needed.addAll(law.needs());
        });
        Observations all = table.observations(needed);
        Observations finished = table.finished(all);
        List<Law> wanted = named.isEmpty() ? DefaultLaws.ofRuns(all, finished) : named;
        if (!everyRow) {
            table.requireOneText();
        }
        Optional<Set<Integer>> best = everyRow ? Optional.empty() : table.bestOfEach();
        List<String> notes = new ArrayList<>();
        notes.add("Columns: " + table.mapping() + ".");
        notes.addAll(table.remarks());
        table.mixture().ifPresent(notes::add);
        named.stream().map(Law::name).filter(OF_MINIMA::containsKey).forEach(law -> notes.add(OF_MINIMA.get(law)));
        String selection = "every row";
        if (finished.size() < all.size()) {
            selection = "the last row of every run";
            notes.add(all.size() + " rows belong to " + all.runs()
                    + " runs; laws of finished runs take the last row of each.");
        }
        List<Law> alongRuns = wanted.stream().filter(TableFitter::ofCurves).toList();
        List<Law> ofBest = wanted.stream()
                .filter(law -> best.isPresent() && !ofCurves(law) && !knowsSettings(law))
                .toList();
        Optional<Set<Integer>> bestOfBatch = everyRow ? Optional.empty() : table.bestOfEachBatch();
        List<Law> ofBatches = wanted.stream()
                .filter(law -> bestOfBatch.isPresent() && !ofCurves(law) && knowsBatchAlone(law))
                .toList();
        List<Law> ofEnds = wanted.stream()
                .filter(law -> !ofCurves(law) && !ofBest.contains(law) && !ofBatches.contains(law))
                .toList();
        if (!ofBest.isEmpty()) {
            table.bestOfEachSaid().ifPresent(notes::add);
        }
        Map<String, FitSet.Outcome> outcomes = new LinkedHashMap<>();
        wanted.forEach(law -> outcomes.put(law.name(), null));
        Optional<String> verdict = LawGroup.fit(ofEnds, finished, selection, options, refits, outcomes);
        if (!ofBatches.isEmpty()) {
            table.bestOfEachBatchSaid().ifPresent(notes::add);
            Observations tuned = finished.where(
                    row -> bestOfBatch.orElseThrow().contains(table.ends().get(row)));
            Optional<String> ofTuned = LawGroup.fit(
                    ofBatches, tuned, "of every model, data and batch size the best", options, refits, outcomes);
            verdict = ofTuned.isPresent() ? ofTuned : verdict;
        }
        if (best.isPresent()) {
            Observations tuned =
                    finished.where(row -> best.get().contains(table.ends().get(row)));
            Optional<String> ofTuned =
                    LawGroup.fit(ofBest, tuned, "of every model and data size the best", options, refits, outcomes);
            verdict = ofTuned.isPresent() ? ofTuned : verdict;
        }
        LawGroup.fit(alongRuns, all, "every row", options, refits, outcomes);
        List<FitSet.Outcome> each = List.copyOf(outcomes.values());
        double largestBatch = all.has(Quantity.B)
                ? Arrays.stream(all.column(Quantity.B)).max().orElse(Double.NaN)
                : Double.NaN;
        List<Reading> readings = new ArrayList<>(Readings.of(Quotable.of(each, notes), largestBatch));
        verdict.ifPresent(sentence -> readings.add(new Reading(sentence, "Laws compared on the same rows.")));
        return new FitSet(table.source(), all.size(), all.runs(), notes, options, each, readings);
    }

    /** The laws that were asked for; of branches the only one that knows them. */
    private static List<Law> named(RunTable table, List<String> laws) {
        if (!table.offers(Quantity.BRANCH)) {
            return laws.stream().map(Laws::byName).toList();
        }
        laws.stream()
                .filter(law -> !law.equals(BranchedCriticalBatchLaw.NAME))
                .findFirst()
                .ifPresent(law -> {
                    throw new UserError(table.source() + ": with --columns branch=… rows are branches, whose learning"
                            + " rate never fell, and --law " + law + " is a law of whole runs; ask for --law "
                            + BranchedCriticalBatchLaw.NAME + ", or leave branch=… out where rows are runs");
                });
        return List.of(Laws.byName(BranchedCriticalBatchLaw.NAME));
    }

    /** Without a model size the data, without both the compute, and without all three a curve and its rates. */
    private static Set<Quantity> varied(RunTable table) {
        for (Quantity quantity : List.of(Quantity.N, Quantity.D, Quantity.C)) {
            if (table.offers(quantity)) {
                return EnumSet.of(quantity, Quantity.LOSS);
            }
        }
        Set<Quantity> curve = EnumSet.of(Quantity.STEP, Quantity.LEARNING_RATE, Quantity.LOSS);
        return curve.stream().allMatch(table::offers) ? curve : EnumSet.of(Quantity.N);
    }

    /** Whether a law tells runs of one size with different rates or batches apart. */
    private static boolean knowsSettings(Law law) {
        return law.needs().contains(Quantity.LEARNING_RATE)
                || law.needs().contains(Quantity.B)
                || law.needs().contains(Quantity.S);
    }

    /** Whether a law knows the batch or the steps, and takes the learning rate for tuned. */
    private static boolean knowsBatchAlone(Law law) {
        return knowsSettings(law) && !law.needs().contains(Quantity.LEARNING_RATE);
    }

    private static boolean ofCurves(Law law) {
        return law instanceof EnvelopeLaw || law.needs().contains(Quantity.STEP);
    }
}
