package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;

/** The keys of {@code run}. */
final class RunKeys {
    /** Thirty years, so that every sum of nanoseconds fits. */
    private static final double MOST_SECONDS = 1e9;

    private static final Numeric<Double> SECONDS = Numeric.above(0, MOST_SECONDS);
    private static final Numeric<Double> SECONDS_OR_NONE = Numeric.closed(0, MOST_SECONDS);

    private static final SpecKey<Double> CHECKPOINT =
            withDefault("checkpointSeconds", SECONDS_OR_NONE, "60", "Between checkpoints; 0 for one at the end only.");
    private static final SpecKey<Double> REPORT =
            withDefault("reportSeconds", SECONDS, "1", "Most time between a trainer's progress reports.");
    private static final SpecKey<Double> TIMEOUT = withDefault(
            "timeoutSeconds",
            SECONDS_OR_NONE,
            "0",
            "After which an attempt counts as timed out; 0 for ten times the prediction and at least ten minutes.");
    private static final SpecKey<Double> HANG =
            withDefault("hangSeconds", SECONDS, "300", "Without any report after which a trainer counts as stuck.");
    private static final SpecKey<Integer> MAX_ATTEMPTS = withDefault(
            "maxAttempts",
            Numeric.whole(1, 1_000_000),
            "3",
            "Attempts a cell may use up by failures it is to blame for; lost executors never count.");
    private static final SpecKey<Integer> EQUAL_FAILURES = withDefault(
            "equalFailuresToStop",
            Numeric.whole(0, 1_000_000),
            "10",
            "Failures of one class and message in a row that stop the sweep; 0 to never stop.");
    private static final SpecKey<Double> PROBE = withDefault(
            "probeSeconds",
            SECONDS_OR_NONE,
            "6",
            "Most time, on each slot, for measuring how fast cells train before they are planned, and at most a twentieth of what the sweep will take; 0 to measure nothing.");

    static final Section<RunSpec> SECTION = Section.of(
            run -> new RunSpec(
                    run.get(CHECKPOINT),
                    run.get(REPORT),
                    run.get(TIMEOUT),
                    run.get(HANG),
                    run.get(MAX_ATTEMPTS),
                    run.get(EQUAL_FAILURES),
                    run.get(PROBE)),
            CHECKPOINT,
            REPORT,
            TIMEOUT,
            HANG,
            MAX_ATTEMPTS,
            EQUAL_FAILURES,
            PROBE);

    private RunKeys() {}
}
