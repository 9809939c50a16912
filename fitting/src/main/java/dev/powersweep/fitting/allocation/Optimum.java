package dev.powersweep.fitting.allocation;

/**
 * A compute-optimal run.
 *
 * @param flops C
 * @param n parameters N
 * @param d tokens D
 * @param loss nats per token; NaN where the law says nothing of it
 */
public record Optimum(double flops, double n, double d, double loss) {}
