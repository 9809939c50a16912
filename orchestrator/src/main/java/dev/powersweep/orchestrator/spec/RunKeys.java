package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.ValueKind.Many;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;
import dev.powersweep.worker.cell.CellListeners;
import java.util.List;

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
            "After which an attempt counts as timed out; 0 for ten times the prediction, times"
                    + " `resources.cellsPerGpu`, and at least ten minutes.");
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

    private static final SpecKey<List<String>> LISTENER_CLASSES = required(
            "classes",
            new Many<>(Text.of(CellListeners.CLASS, "the name of a class")),
            "Training listeners of Deeplearning4j's kind: its own, or such that `files` hold. Each has a public constructor"
                    + " without parameters, or one of a `dev.powersweep.worker.cell.Cell`.");
    private static final SpecKey<List<String>> LISTENER_FILES = optional(
            "files",
            new Many<>(Text.ANY),
            "none",
            "Jars shipped to where cells are trained, relative to the specification or on any Hadoop file system; a directory"
                    + " stands for all files below it.");
    private static final SpecKey<ListenersSpec> LISTENERS = optional(
            "listeners",
            Section.of(
                    listeners -> new ListenersSpec(listeners.get(LISTENER_CLASSES), listeners.list(LISTENER_FILES)),
                    LISTENER_CLASSES,
                    LISTENER_FILES),
            "none",
            "Training listeners that see every step of all cells; they look on, and are no part of a cell's identity.");

    static final Section<RunSpec> SECTION = Section.of(
            run -> new RunSpec(
                    run.get(CHECKPOINT),
                    run.get(REPORT),
                    run.get(TIMEOUT),
                    run.get(HANG),
                    run.get(MAX_ATTEMPTS),
                    run.get(EQUAL_FAILURES),
                    run.get(PROBE),
                    run.find(LISTENERS)),
            CHECKPOINT,
            REPORT,
            TIMEOUT,
            HANG,
            MAX_ATTEMPTS,
            EQUAL_FAILURES,
            PROBE,
            LISTENERS);

    private RunKeys() {}

    /** Of a specification whose cells a program trains. */
    static void refuseListeners(Settings run) {
        run.refuse(
                LISTENERS,
                "sees steps of PowerSweep's own trainer, and a program of your own trains these cells; take one away");
    }
}
