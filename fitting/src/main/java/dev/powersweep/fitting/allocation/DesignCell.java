package dev.powersweep.fitting.allocation;

/**
 * A run that could be trained.
 *
 * @param n parameters N
 * @param d tokens D
 * @param b batch in tokens B
 * @param flops what it costs, in training FLOPs
 */
public record DesignCell(double n, double d, double b, double flops) {

    /** A cell that costs 6·N·D. */
    public static DesignCell of(double n, double d, double b) {
        return new DesignCell(n, d, b, 6 * n * d);
    }
}
