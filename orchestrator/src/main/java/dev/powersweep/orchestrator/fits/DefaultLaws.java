package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.Laws;
import dev.powersweep.fitting.runs.Column;
import dev.powersweep.fitting.runs.Observations;
import java.util.ArrayList;
import java.util.List;

/** Which laws are fitted when none are named: those that answer different questions of the same runs. */
final class DefaultLaws {
    private static final List<String> JOINT = List.of("kaplan-nd", "chinchilla", "chinchilla-tied");
    private static final List<String> BATCH =
            List.of("critical-batch", "three-term", "three-term-data", "three-term-loss");
    private static final String REPETITION = "muennighoff";
    private static final String LEARNING_RATE = "lr-surface";
    private static final String BEST_BATCH = "batch-surface";
    private static final String OPTIMA = "optima";

    private DefaultLaws() {}

    /** Of a sweep: laws in one variable on their own cells, the joint laws, IsoFLOP, the envelope and the batch axis. */
    static List<Law> ofSweep(Observations cells) {
        List<String> names = new ArrayList<>(List.of(
                "kaplan-n",
                "kaplan-n-irreducible",
                "kaplan-d",
                "kaplan-d-irreducible",
                "kaplan-c",
                "kaplan-c-irreducible"));
        names.addAll(JOINT);
        names.add("isoflop");
        names.add("envelope");
        names.addAll(BATCH);
        addWhatVaries(names, cells);
        return known(names);
    }

    /** Of a table of runs: what its columns allow. */
    static List<Law> ofRuns(Observations runs) {
        List<String> names = new ArrayList<>();
        boolean joint = runs.has(Column.N) && runs.has(Column.D) && runs.has(Column.LOSS);
        if (joint) {
            names.addAll(JOINT);
        } else if (runs.has(Column.N) && runs.has(Column.LOSS)) {
            names.add("kaplan-n");
            names.add("kaplan-n-irreducible");
        }
        if (runs.has(Column.C) && !runs.derived(Column.C) && runs.has(Column.N)) {
            names.add(Laws.byName(OPTIMA).refusal(runs).isEmpty() ? OPTIMA : "isoflop");
        }
        if (joint && runs.has(Column.STEP)) {
            names.add("envelope");
        }
        if (runs.has(Column.B) && runs.has(Column.N)) {
            names.addAll(BATCH);
        }
        addWhatVaries(names, runs);
        return known(names);
    }

    private static void addWhatVaries(List<String> names, Observations runs) {
        boolean repeated = false;
        for (int i = 0; runs.has(Column.U) && !runs.derived(Column.U) && runs.has(Column.D) && i < runs.size(); i++) {
            repeated |= runs.at(Column.D, i) > 1.01 * runs.at(Column.U, i);
        }
        if (repeated && runs.has(Column.N)) {
            names.add(REPETITION);
        }
        if (runs.has(Column.LEARNING_RATE) && runs.distinct(Column.LEARNING_RATE) > 2) {
            names.add(LEARNING_RATE);
        }
        if (batchOptimum(runs)) {
            names.add(BEST_BATCH);
        }
    }

    /** Whether one model and data size was trained with several batches, which a quadratic needs at least three of. */
    private static boolean batchOptimum(Observations runs) {
        return runs.has(Column.LEARNING_RATE)
                && runs.has(Column.B)
                && runs.has(Column.LOSS)
                && runs.distinct(Column.B) > 2
                && Laws.byName(BEST_BATCH).refusal(runs).isEmpty();
    }

    private static List<Law> known(List<String> names) {
        return names.stream().map(Laws::byName).toList();
    }
}
