package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.runs.FitRefusal;

/**
 * What one kind of accelerator does, draws and costs. Data of the caller: nothing is built in, because prices and
 * utilisation are known to the caller alone.
 *
 * @param name of the accelerator
 * @param peakFlopsPerSecond in the number format of the training
 * @param utilisation share of the peak that training reaches (model FLOPs utilisation), above 0 to 1
 * @param pricePerHour of one accelerator; 0 where it costs nothing
 * @param currency of the price
 * @param watts drawn by one accelerator with its share of the machine
 */
public record Accelerator(
        String name,
        double peakFlopsPerSecond,
        double utilisation,
        double pricePerHour,
        String currency,
        double watts) {

    private static final double SECONDS_PER_HOUR = 3600;

    /** Checks the ranges. */
    public Accelerator {
        require(peakFlopsPerSecond > 0, name, "peakFlopsPerSecond", peakFlopsPerSecond, "above 0");
        require(utilisation > 0 && utilisation <= 1, name, "utilisation", utilisation, "above 0 and at most 1");
        require(pricePerHour >= 0, name, "pricePerHour", pricePerHour, "0 or more");
        require(watts >= 0, name, "watts", watts, "0 or more");
    }

    /** FLOPs that so many accelerator hours give. */
    public double flops(double acceleratorHours) {
        return acceleratorHours * SECONDS_PER_HOUR * peakFlopsPerSecond * utilisation;
    }

    /**
     * The cost of a training.
     *
     * @param flops of the training
     * @param accelerators that work at once, at equal utilisation
     */
    public Cost cost(double flops, int accelerators) {
        require(accelerators >= 1, name, "accelerators", accelerators, "at least 1");
        double hours = flops / (peakFlopsPerSecond * utilisation) / SECONDS_PER_HOUR;
        return new Cost(
                name, accelerators, hours, hours / accelerators, hours * watts / 1000, hours * pricePerHour, currency);
    }

    private static void require(boolean holds, String name, String key, double value, String bound) {
        if (!holds) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    "Rates of " + name + ": " + key + " = " + value + "; give a number " + bound + ".");
        }
    }

    /**
     * Time, energy and money.
     *
     * @param accelerator its name
     * @param accelerators how many work at once
     * @param acceleratorHours of all together
     * @param wallClockHours from start to end
     * @param kilowattHours of all together
     * @param money of all together
     * @param currency of the money
     */
    public record Cost(
            String accelerator,
            int accelerators,
            double acceleratorHours,
            double wallClockHours,
            double kilowattHours,
            double money,
            String currency) {}
}
