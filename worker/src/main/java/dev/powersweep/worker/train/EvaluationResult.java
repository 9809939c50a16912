package dev.powersweep.worker.train;

/**
 * @param loss mean over all tokens, nats/token
 * @param standardError of that mean, from the spread of the sequences' mean losses; NaN for a single sequence
 * @param tokens scored
 */
public record EvaluationResult(double loss, double standardError, long tokens) {}
