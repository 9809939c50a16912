package dev.powersweep.orchestrator.results;

/**
 * A loss measured along a run, in the order of its steps.
 *
 * @param cell identity of the cell
 * @param step optimiser steps done
 * @param tokens seen
 * @param loss nats per token
 * @param rate learning rate of the step; empty for evaluations
 */
public record LossCurve(String cell, double[] step, double[] tokens, double[] loss, double[] rate) {
    /** A curve of evaluations. */
    public LossCurve(String cell, double[] step, double[] tokens, double[] loss) {
        this(cell, step, tokens, loss, new double[0]);
    }
}
