package dev.powersweep.orchestrator.plan;

/**
 * How long one kind of step was measured to take on the slots' machine.
 *
 * @param stepSeconds of one optimiser step
 * @param evaluationTokenSeconds of one held-out token; 0 where it was not measured
 */
public record StepRate(StepKind kind, double stepSeconds, double evaluationTokenSeconds) {}
