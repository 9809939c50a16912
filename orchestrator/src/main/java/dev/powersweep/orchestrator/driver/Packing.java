package dev.powersweep.orchestrator.driver;

/**
 * How well a run used its slots.
 *
 * @param makespanSeconds from the first order to the last report
 * @param lowerBoundSeconds no order of these cells could have been faster: the larger of their time over the slots and
 *     the longest cell's time
 * @param occupancy share of the slots' time that cells had, from 0 to 1
 * @param trainingOccupancy share of the slots' time that went into steps and evaluations
 * @param overheadSecondsPerAttempt mean of what an attempt takes around its training
 */
public record Packing(
        double makespanSeconds,
        double lowerBoundSeconds,
        double occupancy,
        double trainingOccupancy,
        double overheadSecondsPerAttempt) {

    /** Of two runs on the same slots, one after the other. */
    Packing after(Packing before, int attemptsBefore, int attempts) {
        double seconds = before.makespanSeconds + makespanSeconds;
        double share = seconds > 0 ? before.makespanSeconds / seconds : 0;
        int all = attemptsBefore + attempts;
        return new Packing(
                seconds,
                before.lowerBoundSeconds + lowerBoundSeconds,
                share * before.occupancy + (1 - share) * occupancy,
                share * before.trainingOccupancy + (1 - share) * trainingOccupancy,
                all > 0
                        ? (attemptsBefore * before.overheadSecondsPerAttempt + attempts * overheadSecondsPerAttempt)
                                / all
                        : 0);
    }
}
