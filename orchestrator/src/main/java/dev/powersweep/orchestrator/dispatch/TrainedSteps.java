package dev.powersweep.orchestrator.dispatch;

import java.util.HashMap;
import java.util.Map;

/**
 * Steps that attempts have trained, each counted once. An attempt that finds its cell ended repeats the report that is
 * stored, with steps that an earlier one may have told of.
 */
public final class TrainedSteps {
    /** Per cell, the last step counted. */
    private final Map<String, Long> counted = new HashMap<>();

    /** Steps of this report that none before it has told of. */
    public long count(AttemptReport report) {
        long before = Math.max(report.resumedFromStep(), counted.getOrDefault(report.cell(), 0L));
        counted.merge(report.cell(), report.step(), Math::max);
        return Math.max(0, report.step() - before);
    }

    /** What the cell has stored is to be replaced: its steps are trained, and counted, again. */
    public void afresh(String cell) {
        counted.remove(cell);
    }
}
