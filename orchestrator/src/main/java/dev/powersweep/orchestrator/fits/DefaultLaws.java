package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.List;

/** Which laws are fitted when none are named: those that answer different questions of the same runs. */
final class DefaultLaws {
    private static final List<String> JOINT = List.of("kaplan-nd", "chinchilla", "chinchilla-tied");
    private static final List<String> BATCH =
            List.of("critical-batch", "three-term", "three-term-data", "three-term-loss", "steps-batch");
    private static final String FARSEER = "farseer";

    /** Rows from which nine parameters are worth a try. */
    private static final int ROWS_FOR_FARSEER = 45;

    /** All constants fitted: those published hold for C4 alone. */
    private static final String REPETITION = "muennighoff-joint";

    private static final String LEARNING_RATE = "lr-surface";
    private static final String BEST_BATCH = "batch-surface";
    private static final String OPTIMA = "optima";
    private static final String WHOLE_CURVE = "multi-power";

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

    /**
     * Of a table of runs: what its columns allow.
     *
     * @param finished the rows that end a run, with what was set for it
     */
    static List<Law> ofRuns(Observations runs, Observations finished) {
        List<String> names = new ArrayList<>();
        boolean sizes = runs.has(Quantity.N) && runs.distinct(Quantity.N) > 1;
        boolean data = runs.has(Quantity.D) && runs.distinct(Quantity.D) > 1;
        boolean joint = runs.has(Quantity.N) && runs.has(Quantity.D) && runs.has(Quantity.LOSS) && (sizes || !data);
        if (joint) {
            names.addAll(JOINT);
        } else if (sizes && runs.has(Quantity.LOSS)) {
            names.add("kaplan-n");
            names.add("kaplan-n-irreducible");
        }
        if (!joint && !sizes && data && runs.has(Quantity.LOSS)) {
            names.add("kaplan-d");
            names.add("kaplan-d-irreducible");
        } else if (!runs.has(Quantity.N) && !runs.has(Quantity.D) && runs.has(Quantity.C) && runs.has(Quantity.LOSS)) {
            names.add("kaplan-c");
            names.add("kaplan-c-irreducible");
        }
        if (runs.has(Quantity.C) && !runs.derived(Quantity.C) && runs.has(Quantity.N)) {
            names.add(Laws.byName(OPTIMA).refusal(runs).isEmpty() ? OPTIMA : "isoflop");
        }
        if (joint && runs.has(Quantity.STEP)) {
            names.add("envelope");
        }
        if (runs.has(Quantity.B) && runs.has(Quantity.N)) {
            names.addAll(BATCH);
        }
        if (!runs.has(Quantity.N) && Laws.byName(WHOLE_CURVE).refusal(runs).isEmpty()) {
            names.add(WHOLE_CURVE);
            return known(names);
        }
        addWhatVaries(names, finished);
        return known(names);
    }

    private static void addWhatVaries(List<String> names, Observations runs) {
        if (runs.size() >= ROWS_FOR_FARSEER
                && Laws.byName(FARSEER).refusal(runs).isEmpty()) {
            names.add(FARSEER);
        }
        boolean repeated = false;
        for (int i = 0;
                runs.has(Quantity.U) && !runs.derived(Quantity.U) && runs.has(Quantity.D) && i < runs.size();
                i++) {
            repeated |= runs.at(Quantity.D, i) > 1.01 * runs.at(Quantity.U, i);
        }
        if (repeated && runs.has(Quantity.N)) {
            names.add(REPETITION);
        }
        if (runs.has(Quantity.LEARNING_RATE) && runs.distinct(Quantity.LEARNING_RATE) > 2) {
            names.add(LEARNING_RATE);
        }
        if (batchOptimum(runs)) {
            names.add(BEST_BATCH);
        }
    }

    /** Whether one model and data size was trained with several batches, which a quadratic needs at least three of. */
    private static boolean batchOptimum(Observations runs) {
        return runs.has(Quantity.LEARNING_RATE)
                && runs.has(Quantity.B)
                && runs.has(Quantity.LOSS)
                && runs.distinct(Quantity.B) > 2
                && Laws.byName(BEST_BATCH).refusal(runs).isEmpty();
    }

    private static List<Law> known(List<String> names) {
        return names.stream().map(Laws::byName).toList();
    }
}
