package dev.powersweep.fitting.result;

/**
 * A law fitted without the largest scale of one direction and asked to predict it, beside predicting no change from the nearest
 * run that was kept.
 *
 * @param error root mean square of ln predicted − ln observed over the rows left out
 * @param baseline the same of the loss of the nearest kept run, near in ln N, ln D and ln B
 * @param rows left out
 */
public record AxisHoldOut(double error, double baseline, int rows) {
    /** Whether the law predicts better than "no change" does. */
    public boolean beatsNoChange() {
        return error < baseline;
    }
}
