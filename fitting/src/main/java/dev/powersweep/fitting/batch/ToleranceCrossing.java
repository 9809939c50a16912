package dev.powersweep.fitting.batch;

/**
 * The largest batch that ends within a tolerance of the loss of the smallest.
 *
 * @param kept that batch, in tokens; 0 where it is the smallest itself, which is compared with nothing
 * @param lost the next batch that was tried; infinite where there is none
 * @param between where the excess is the tolerance, by a straight line in ln B between the two; 0 or infinite where one of them is;
 *     halfway in ln B where the next batch has no loss
 */
record ToleranceCrossing(double kept, double lost, double between) {

    /**
     * @param batch tokens, ascending
     * @param excess loss above that of the first batch, nats per token; infinite where a batch diverged
     * @param tolerance in the same unit
     */
    static ToleranceCrossing of(double[] batch, double[] excess, double tolerance) {
        int last = batch.length - 1;
        while (last > 0 && excess[last] > tolerance) {
            last--;
        }
        if (last == batch.length - 1) {
            return new ToleranceCrossing(batch[last], Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
        }
        if (last == 0) {
            return new ToleranceCrossing(0, batch[1], 0);
        }
        double share = Double.isFinite(excess[last + 1])
                ? (tolerance - excess[last]) / (excess[last + 1] - excess[last])
                : 0.5;
        double between = Math.exp(Math.log(batch[last]) * (1 - share) + Math.log(batch[last + 1]) * share);
        return new ToleranceCrossing(batch[last], batch[last + 1], between);
    }
}
