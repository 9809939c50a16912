package dev.powersweep.orchestrator.spec;

import java.util.List;

/**
 * When and on what cells are evaluated.
 *
 * @param tokens held-out tokens scored each time
 * @param sets held-out sets beside the corpus's own, in the order of the specification
 */
public record EvaluationSpec(Interval interval, long tokens, List<Set> sets) {
    public EvaluationSpec {
        sets = List.copyOf(sets);
    }

    /** What lies between two evaluations; the last step is always evaluated. */
    public sealed interface Interval {
        /** Equally spaced over each run. */
        record TimesPerRun(int times) implements Interval {}

        record EverySteps(long steps) implements Interval {}

        record EveryTokens(long tokens) implements Interval {}
    }

    /** Text of its own, never trained on by this sweep unless the corpus holds it too. */
    public record Set(String name, List<String> paths) {
        public Set {
            paths = List.copyOf(paths);
        }
    }
}
