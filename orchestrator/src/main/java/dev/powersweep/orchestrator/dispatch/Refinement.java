package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.plan.StepKind;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Model;
import java.util.HashMap;
import java.util.Map;

/**
 * Learns from finished cells how far predictions are off: by kind of step where one of the kind has finished, else by
 * model, else over all.
 */
final class Refinement {
    /** Sum of log ratios, and their number. */
    private static final class Mean {
        private double logs;
        private double weights;

        void add(double ratio, double weight) {
            logs += weight * Math.log(ratio);
            weights += weight;
        }

        double ratio() {
            return Math.exp(logs / weights);
        }
    }

    private final Map<StepKind, Mean> kinds = new HashMap<>();
    private final Map<Model, Mean> models = new HashMap<>();
    private final Mean all = new Mean();

    /** @param seconds that the cell took of its slot */
    void finished(Cell cell, double predictedSeconds, double seconds) {
        if (predictedSeconds <= 0 || seconds <= 0) {
            return;
        }
        double ratio = seconds / predictedSeconds;
        // Long cells tell more.
        kinds.computeIfAbsent(StepKind.of(cell), any -> new Mean()).add(ratio, seconds);
        models.computeIfAbsent(cell.model(), any -> new Mean()).add(ratio, seconds);
        all.add(ratio, seconds);
    }

    /** What a prediction for cells of this kind is to be multiplied by; 1 before the first cell has finished. */
    double ratio(StepKind kind) {
        Mean mean = kinds.get(kind);
        if (mean == null) {
            mean = models.getOrDefault(kind.model(), all);
        }
        return mean.weights == 0 ? 1 : mean.ratio();
    }
}
