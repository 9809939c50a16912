package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.batch.BranchedCriticalBatchLaw;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Refits;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.Convention;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Fits laws to what a sweep has brought. */
public final class SweepFitter {
    /** A run that warmed up for more than this share of its steps never trained at its learning rate. */
    private static final double LONGEST_WARMUP = 0.5;

    /** Laws in one variable need the others out of the way; the rest is chosen by the columns a law needs. */
    private static final Map<String, Selection> SELECTIONS = Map.of(
            "kaplan-n", Selection.LARGEST_DATA,
            "kaplan-n-irreducible", Selection.LARGEST_DATA,
            "kaplan-d", Selection.LARGEST_MODEL,
            "kaplan-d-irreducible", Selection.LARGEST_MODEL,
            "kaplan-c", Selection.FRONTIER,
            "kaplan-c-irreducible", Selection.FRONTIER,
            "critical-batch", Selection.ALL,
            "envelope", Selection.CURVES,
            "multi-power", Selection.SCHEDULES);

    private SweepFitter() {}

    /** What a sweep's fits are made with unless a user says otherwise: the grid stays, its residuals are drawn anew. */
    public static FitOptions options() {
        return FitOptions.defaults().bootstrap(500).resampling(FitOptions.Resampling.RESIDUAL);
    }

    /**
     * Fits the named laws, or all that there are; what a law refuses is part of the answer.
     *
     * @throws UserError where no cell has finished
     */
    public static FitSet fit(SweepResults results, List<String> names, FitOptions options) {
        return fit(results, names, options, Refits.Runner.HERE);
    }

    /** The cells that laws in N and D are fitted to. */
    static Observations joint(SweepResults results) {
        return Selection.BEST_BATCH.observations(results, usable(results, Convention.NON_EMBEDDING, new ArrayList<>()));
    }

    /** The same, with bootstrap refits computed elsewhere. */
    public static FitSet fit(SweepResults results, List<String> names, FitOptions options, Refits.Runner refits) {
        return fit(results, names, options, Convention.NON_EMBEDDING, refits);
    }

    /**
     * The same under another count of the parameters.
     *
     * @param convention how N, and with it C = 6·N·D, is counted
     */
    public static FitSet fit(
            SweepResults told, List<String> names, FitOptions options, Convention convention, Refits.Runner refits) {
        SweepResults results = told.counted(convention);
        int unknown = told.usable().size() - results.usable().size();
        if (unknown > 0) {
            throw new UserError(told.place() + ": --convention " + convention.label() + " counts "
                    + convention.text() + ", which the program of " + unknown
                    + " finished cells does not report; fit without it, by non-embedding parameters");
        }
        List<String> notes = new ArrayList<>();
        List<CellResult> usable = usable(results, convention, notes);
        TriedRates rates = new TriedRates(usable);
        notes.addAll(rates.notes());
        WarmedUp.note(usable).ifPresent(notes::add);
        List<Law> laws = new ArrayList<>(
                names.isEmpty()
                        ? DefaultLaws.ofSweep(Selection.ALL.observations(results, usable))
                        : names.stream().map(Laws::byName).toList());
        BranchedPoints branched = BranchedPoints.of(results, options);
        if (names.isEmpty() && !results.branches().isEmpty()) {
            laws.add(Laws.byName(BranchedCriticalBatchLaw.NAME));
        }
        notes.addAll(branched.notes());
        Map<String, FitSet.Outcome> outcomes = new LinkedHashMap<>();
        laws.forEach(law -> outcomes.put(law.name(), null));
        Map<Rows, List<Law>> groups = new LinkedHashMap<>();
        for (Law law : laws) {
            if (law.name().equals(BranchedCriticalBatchLaw.NAME)) {
                outcomes.put(law.name(), branched.fit(law, options));
                continue;
            }
            List<CellResult> cells = WarmedUp.without(law, usable);
            if (cells.isEmpty()) {
                outcomes.put(law.name(), LawGroup.refused(law, selection(law).text(), WarmedUp.nothingLeft(law)));
            } else if (!inOwnQuantities(law, results, cells, options, refits, outcomes)) {
                groups.computeIfAbsent(
                                new Rows(selection(law, rates), WarmedUp.holdsForOneBatch(law)),
                                rows -> new ArrayList<>())
                        .add(law);
            }
        }
        List<Reading> verdicts = new ArrayList<>();
        groups.forEach((of, group) -> {
            Selection selection = of.selection();
            try {
                Observations rows = selection.observations(results, WarmedUp.without(group.get(0), usable));
                Optional<String> verdict = LawGroup.fit(group, rows, selection.text(), options, refits, outcomes);
                String basis = "Laws compared on these cells: " + selection.text() + ".";
                verdict.ifPresent(sentence -> {
                    if (selection == Selection.BEST_BATCH) {
                        verdicts.add(new Reading(sentence, basis));
                    } else {
                        notes.add(sentence + " " + basis);
                    }
                });
            } catch (FitRefusal refusal) {
                group.forEach(law -> outcomes.put(law.name(), LawGroup.refused(law, selection.text(), refusal)));
            }
        });
        List<FitSet.Outcome> all = List.copyOf(outcomes.values());
        List<Reading> readings = new ArrayList<>(Readings.of(
                Quotable.of(all, notes),
                usable.stream()
                        .filter(CellResult::constantBatch)
                        .mapToDouble(CellResult::batchTokens)
                        .max()
                        .orElse(Double.NaN)));
        readings.addAll(verdicts);
        if (outcomes.get(BranchedCriticalBatchLaw.NAME) instanceof FitSet.Fitted) {
            readings.addAll(BranchReadings.of(branched, options));
        }
        rates.reading().ifPresent(readings::add);
        return new FitSet(results.place(), usable.size(), usable.size(), notes, options, all, readings);
    }

    /** What laws are fitted to together. */
    private record Rows(Selection selection, boolean oneBatch) {}

    /** Fits a law that names quantities of its own; false where the ordinary rows are what it names. */
    private static boolean inOwnQuantities(
            Law law,
            SweepResults results,
            List<CellResult> usable,
            FitOptions options,
            Refits.Runner refits,
            Map<String, FitSet.Outcome> outcomes) {
        try {
            Optional<KaplanRows.Chosen> chosen = KaplanRows.of(law, results, usable, options);
            chosen.ifPresent(rows -> {
                LawGroup.fit(List.of(law), rows.rows(), rows.selection(), options, refits, outcomes);
                if (rows.title().isPresent() && outcomes.get(law.name()) instanceof FitSet.Fitted fitted) {
                    outcomes.put(
                            law.name(), new FitSet.Fitted(rows.title().get(), fitted.selection(), fitted.result()));
                }
            });
            return chosen.isPresent();
        } catch (FitRefusal refusal) {
            outcomes.put(law.name(), LawGroup.refused(law, selection(law).text(), refusal));
            return true;
        }
    }

    /** Which cells are fitted, and why the others are not. */
    private static List<CellResult> usable(SweepResults results, Convention convention, List<String> notes) {
        List<CellResult> finished = results.usable();
        if (finished.isEmpty()) {
            throw new UserError(
                    results.place() + ": none of its " + results.cells().size()
                            + " cells has finished, so there is nothing to fit; powersweep status tells where they"
                            + " stand");
        }
        notes.add(finished.size() + " of " + results.cells().size()
                + " cells finished; their validation losses are fitted, against " + convention.text()
                + " and tokens seen.");
        List<CellResult> trained = finished.stream()
                .filter(cell -> cell.warmupSteps() <= LONGEST_WARMUP * cell.steps())
                .toList();
        if (trained.size() < finished.size()) {
            notes.add((finished.size() - trained.size())
                    + " cells are left out because their warm-up took more than half of their steps.");
        }
        long repeated = trained.stream()
                .filter(cell -> cell.tokensDone() > cell.uniqueTokens() * 1.01)
                .count();
        if (repeated > 0) {
            notes.add(repeated
                    + " cells saw their text more than once; laws other than muennighoff, kaplan-d and kaplan-nd"
                    + " count repeated tokens as new ones.");
        }
        long early = trained.stream().filter(CellResult::stoppedEarly).count();
        if (early > 0) {
            notes.add(early + " cells stopped early; they count with the tokens they saw.");
        }
        return trained.isEmpty() ? finished : trained;
    }

    private static Selection selection(Law law, TriedRates rates) {
        Selection chosen = selection(law);
        return chosen == Selection.ALL && rates.several() && !law.needs().contains(Quantity.LEARNING_RATE)
                ? Selection.BEST_RATE
                : chosen;
    }

    private static Selection selection(Law law) {
        Selection fixed = SELECTIONS.get(law.name());
        if (fixed != null) {
            return fixed;
        }
        if (law.needs().contains(Quantity.STEP)) {
            return Selection.CURVES;
        }
        return law.needs().contains(Quantity.B)
                        || law.needs().contains(Quantity.S)
                        || law.needs().contains(Quantity.LEARNING_RATE)
                ? Selection.ALL
                : Selection.BEST_BATCH;
    }
}
