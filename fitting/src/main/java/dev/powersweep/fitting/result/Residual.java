package dev.powersweep.fitting.result;

import dev.powersweep.fitting.runs.Point;

/**
 * What the fit leaves of one row.
 *
 * @param run name of the run
 * @param at where the row lies
 * @param observed what was measured
 * @param predicted what the law says
 * @param residual predicted minus observed, in logs or in nats as the objective has it
 */
public record Residual(String run, Point at, double observed, double predicted, double residual) {}
