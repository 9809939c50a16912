package dev.powersweep.fitting.result;

import java.util.List;

/**
 * A fit without the largest scale, asked to predict it.
 *
 * @param scale what was held out, in words
 * @param heldOut rows held out
 * @param fitted rows fitted
 * @param rmsLog root mean square of ln predicted − ln observed over the held-out rows
 * @param meanLog mean of the same: above zero the law promises too little, below zero too much
 * @param baselineRmsLog the same error within the fitted rows
 * @param residuals of the held-out rows, in logs
 */
public record HoldOut(
        String scale,
        int heldOut,
        int fitted,
        double rmsLog,
        double meanLog,
        double baselineRmsLog,
        List<Residual> residuals) {
    /** Copies the list. */
    public HoldOut {
        residuals = List.copyOf(residuals);
    }
}
