package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Comparison;
import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.FitResult;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.Laws;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.runs.Column;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Fits laws to a table of anybody's runs. */
public final class RunFits {
    private RunFits() {}

    /**
     * Fits the named laws, or all that the table's columns allow.
     *
     * @param laws names as scripts use them; none for all that apply
     */
    public static FitSet fit(RunTable table, List<String> laws, FitOptions options) {
        List<Law> wanted = laws.isEmpty()
                ? Laws.all().stream()
                        .filter(law -> law.needs().stream().allMatch(table::offers))
                        .toList()
                : laws.stream().map(Laws::byName).toList();
        Set<Column> needed = EnumSet.of(Column.LOSS);
        if (laws.isEmpty()) {
            needed.add(Column.N);
        }
        wanted.forEach(law -> needed.addAll(law.needs()));
        Observations all = table.observations(needed);
        Observations finished = finished(all);
        List<String> notes = new ArrayList<>();
        notes.add("Columns: " + table.mapping() + ".");
        if (finished.size() < all.size()) {
            notes.add(all.size() + " rows belong to " + all.runs()
                    + " runs; laws of finished runs take the last row of each.");
        }
        List<FitOutcome> outcomes = new ArrayList<>();
        Optional<String> verdict = rivals(wanted, finished, options, outcomes);
        for (Law law : wanted) {
            if (!ofFinishedRuns(law)) {
                outcomes.add(one(law, all, "every row", options));
            }
        }
        List<Reading> readings = new ArrayList<>(Readings.of(outcomes));
        verdict.ifPresent(sentence -> readings.add(new Reading(sentence, "Comparison of laws on the same rows.")));
        return new FitSet(table.source(), all.size(), all.runs(), notes, options, outcomes, readings);
    }

    /** Laws of one kind on the same rows are compared with each other. */
    private static Optional<String> rivals(
            List<Law> wanted, Observations finished, FitOptions options, List<FitOutcome> outcomes) {
        List<Law> laws = wanted.stream().filter(RunFits::ofFinishedRuns).toList();
        if (laws.isEmpty()) {
            return Optional.empty();
        }
        Comparison comparison = Comparison.of(laws, finished, options);
        for (Law law : laws) {
            for (FitResult fit : comparison.fits()) {
                if (fit.law().equals(law.name())) {
                    outcomes.add(new FitOutcome.Fitted(law.title(), "the last row of every run", fit));
                }
            }
            for (Comparison.Refused refused : comparison.refused()) {
                if (refused.law().equals(law.name())) {
                    outcomes.add(refused(law, "the last row of every run", refused.refusal()));
                }
            }
        }
        return comparison.fits().size() > 1 ? Optional.of(comparison.verdict()) : Optional.empty();
    }

    private static FitOutcome one(Law law, Observations runs, String selection, FitOptions options) {
        try {
            return new FitOutcome.Fitted(law.title(), selection, law.fit(runs, options));
        } catch (FitRefusal refusal) {
            return refused(law, selection, refusal);
        }
    }

    static FitOutcome.Refused refused(Law law, String selection, FitRefusal refusal) {
        return new FitOutcome.Refused(law.name(), law.title(), selection, refusal.reason(), refusal.sentence());
    }

    private static boolean ofFinishedRuns(Law law) {
        return law instanceof ParametricLaw parametric
                && parametric.response() == Column.LOSS
                && !law.needs().contains(Column.STEP);
    }

    private static Observations finished(Observations all) {
        return all.has(Column.STEP) && all.runs() < all.size() ? all.finals() : all;
    }
}
