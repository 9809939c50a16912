package dev.powersweep.orchestrator.dispatch;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongUnaryOperator;

/**
 * Steps that attempts have trained, each counted once. An attempt that finds its cell ended repeats the report that is
 * stored, with steps that an earlier one may have told of.
 */
public final class TrainedSteps {
    /** Per cell, the last step counted. */
    private final Map<String, Long> counted = new HashMap<>();

    /**
     * Tokens of this report's steps that none before it has told of.
     *
     * @param tokensThrough of the first so many steps of the cell together
     */
    public long count(AttemptReport report, LongUnaryOperator tokensThrough) {
        long before = Math.max(report.resumedFromStep(), counted.getOrDefault(report.cell(), 0L));
        counted.merge(report.cell(), report.step(), Math::max);
        return Math.max(0, tokensThrough.applyAsLong(report.step()) - tokensThrough.applyAsLong(before));
    }

    /** What the cell has stored is to be replaced: its steps are trained, and counted, again. */
    public void afresh(String cell) {
        counted.remove(cell);
    }
}
