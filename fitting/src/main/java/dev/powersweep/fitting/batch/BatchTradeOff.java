package dev.powersweep.fitting.batch;

import java.util.Arrays;

/**
 * Steps against batch size at one level of loss: S = S_min + E_min/B.
 *
 * <p>This is Kaplan et al. 2020, eq 5.1, (S/S_min − 1)(E/E_min − 1) = 1 with E = B·S, solved for S, and at the same time
 * S = a + b/B of Zhang et al. 2024 with a = S_min and b = E_min. Fitted by least squares of ln S. With r = E_min/S_min,
 * ln S_min has a closed form for every r, so the search is over ln r alone and is exhaustive.
 */
public sealed interface BatchTradeOff {

    /** Fewer different batch sizes than this leave no degree of freedom. */
    int FEWEST_BATCHES = 3;

    /**
     * Both ends of the trade-off are determined.
     *
     * @param minimalSteps S_min (a), steps as B → ∞
     * @param minimalData E_min (b), data as B → 0, in the unit of the batch
     * @param criticalBatch B_crit = E_min/S_min (eq 5.2), where both steps and data are twice their minimum
     * @param logDeviation standard deviation of the residuals of ln S; NaN with two points
     * @param criticalBatchLow lower end of the 95 % profile interval; 0 where the data do not bound it
     * @param criticalBatchHigh upper end; infinite where the data do not bound it
     */
    record Determined(
            double minimalSteps,
            double minimalData,
            double criticalBatch,
            double logDeviation,
            double criticalBatchLow,
            double criticalBatchHigh)
            implements BatchTradeOff {

        /** Steps to the same loss at a batch size. */
        public double steps(double batch) {
            return minimalSteps + minimalData / batch;
        }

        /** Data to the same loss at a batch size, E = B·S. */
        public double data(double batch) {
            return minimalSteps * batch + minimalData;
        }

        /**
         * The batch size at which the data needed exceed those at a reference batch by a share.
         *
         * <p>Zhang et al. 2024 use 20 % over 256 sequences: b/(5a) + 1.2·256.
         *
         * @param overhead e.g. 0.2
         * @param referenceBatch in the unit of the batch; 0 compares with E_min
         */
        public double batchAtOverhead(double overhead, double referenceBatch) {
            return overhead * criticalBatch + (1 + overhead) * referenceBatch;
        }
    }

    /**
     * The runs do not bracket the critical batch size.
     *
     * @param reason which kind of failure
     */
    record Undetermined(Reason reason) implements BatchTradeOff {}

    /** Why a trade-off stays undetermined. */
    enum Reason {
        /** Fewer than three different batch sizes. */
        TOO_FEW_BATCHES("fewer than three batch sizes reach this loss"),
        /** Steps fall as 1/B up to the largest batch: B_crit lies above all of them. */
        ALL_BELOW_CRITICAL("steps fall as 1/B up to the largest batch, so the critical batch size lies above it"),
        /** Steps do not fall with B: B_crit lies below all of them. */
        ALL_ABOVE_CRITICAL("steps hardly fall with the batch size, so the critical batch size lies below the smallest");

        private final String clause;

        Reason(String clause) {
            this.clause = clause;
        }

        /** A clause for a sentence. */
        public String clause() {
            return clause;
        }
    }

    /**
     * Fits the trade-off.
     *
     * @param batch batch sizes, positive
     * @param steps steps to the same loss, positive
     */
    static BatchTradeOff fit(double[] batch, double[] steps) {
        if (Arrays.stream(batch).distinct().count() < FEWEST_BATCHES) {
            return new Undetermined(Reason.TOO_FEW_BATCHES);
        }
        return new TradeOffProfile(batch, steps).solve();
    }
}
