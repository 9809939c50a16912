package dev.powersweep.orchestrator.spec;

import java.util.Optional;

/**
 * Checkpoints, reports and the failure policy; nothing here changes a cell's numbers.
 *
 * @param checkpointSeconds between checkpoints
 * @param reportSeconds most seconds between a trainer's progress reports
 * @param timeoutSeconds after which an attempt counts as timed out; 0 for a limit from the prediction
 * @param hangSeconds without any report after which a trainer counts as stuck
 * @param maxAttempts a cell may use up by failures it is to blame for
 * @param equalFailuresToStop failures of one class and message in a row that stop the sweep; 0 to never stop
 * @param probeSeconds most time for measuring training speed before the sweep; 0 to measure nothing
 * @param listeners that see every step
 */
public record RunSpec(
        double checkpointSeconds,
        double reportSeconds,
        double timeoutSeconds,
        double hangSeconds,
        int maxAttempts,
        int equalFailuresToStop,
        double probeSeconds,
        Optional<ListenersSpec> listeners) {}
