package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.FailureClass;
import java.util.Map;
import java.util.Optional;

/**
 * What each failure class means for its cell: the one place that decides about retries.
 *
 * <table>
 * <caption>Policies</caption>
 * <tr><td>LOST_EXECUTOR</td><td>again without limit, after a growing pause; no blame, unless the cell proves
 * suspicious ({@link Losses})</td></tr>
 * <tr><td>HOST_MEMORY, GPU_MEMORY</td><td>again with half the micro-batch (same batch by accumulation), until it is one
 * sequence; GPU_MEMORY beside other cells of the card first as it was, after a growing pause</td></tr>
 * <tr><td>NATIVE_CRASH, TIMEOUT, HOST_MEMORY beside other cells in the same trainer</td><td>again as it was, without other
 * cells, however few attempts there are</td></tr>
 * <tr><td>NATIVE_CRASH, TIMEOUT, IO</td><td>again, up to {@link RunPolicy#maxAttempts} attempts in all, after crash or
 * time-out without other cells in the same trainer; after IO on another host, where there is one</td></tr>
 * <tr><td>BAD_NODE</td><td>again on another host, up to as many times; a host that fails so often is excluded ({@link
 * HostHealth}); where no other host is there, it does not count ({@link LastResort})</td></tr>
 * <tr><td>UNSUPPORTED_DEVICE</td><td>once on each other host: a host without a device, which is always free, would else
 * fail cell after cell</td></tr>
 * <tr><td>BAD_INPUT, PROGRAM, BUG</td><td>never again by itself</td></tr>
 * </table>
 *
 * <p>Divergence is a result, not a failure, and never comes here.
 */
public final class FailurePolicy {
    private static final double FIRST_PAUSE_SECONDS = 1;
    private static final double LONGEST_PAUSE_SECONDS = 60;
    /** Half an hour. */
    private static final int MOST_WAITS_FOR_ROOM = 35;

    /** What to do next. */
    public sealed interface Decision {
        /** The cell has failed. */
        record GiveUp() implements Decision {}

        /** @param microBatchSequences for the next attempt; 0 for the trainer's choice */
        record Retry(double pauseSeconds, int microBatchSequences) implements Decision {}
    }

    private final RunPolicy policy;

    public FailurePolicy(RunPolicy policy) {
        this.policy = policy;
    }

    /**
     * Decides after a failure.
     *
     * @param failures of the cell so far by class, this one counted
     * @param microBatch that the attempt used, or could have used when it never got that far
     * @param orderedMicroBatch that the attempt was told to use; 0 for the trainer's choice
     * @param otherHost for want of a device, whether there is a host that may have it
     */
    public Decision decide(
            FailureClass failure,
            Map<FailureClass, Integer> failures,
            int microBatch,
            int orderedMicroBatch,
            boolean otherHost) {
        int same = Math.max(1, failures.getOrDefault(failure, 1));
        return switch (failure) {
            case LOST_EXECUTOR -> new Decision.Retry(pause(same), orderedMicroBatch);
            case HOST_MEMORY, GPU_MEMORY -> afterMemory(microBatch, orderedMicroBatch);
            case NATIVE_CRASH, TIMEOUT, IO ->
                blamed(failures) < policy.maxAttempts()
                        ? new Decision.Retry(pause(same), orderedMicroBatch)
                        : new Decision.GiveUp();
            case BAD_NODE ->
                same < policy.maxAttempts()
                        ? new Decision.Retry(pause(same), orderedMicroBatch)
                        : new Decision.GiveUp();
            case UNSUPPORTED_DEVICE -> otherHost ? new Decision.Retry(0, orderedMicroBatch) : new Decision.GiveUp();
            case BAD_INPUT, PROGRAM, BUG -> new Decision.GiveUp();
        };
    }

    /** Whether a cell with these failures so far may share a trainer: a crash of one ends the process of all. */
    static AttemptOrder.Company company(Map<FailureClass, Integer> failures) {
        return failures.containsKey(FailureClass.NATIVE_CRASH)
                        || failures.containsKey(FailureClass.TIMEOUT)
                        || failures.containsKey(FailureClass.HOST_MEMORY)
                ? AttemptOrder.Company.NONE
                : AttemptOrder.Company.ANY;
    }

    /**
     * What to do with a cell that failed beside others of its card, which may have been their doing; empty where it is to
     * be judged as if it had been alone.
     *
     * @param failures of the cell so far by class, this one counted
     */
    Optional<Decision> besideOthers(FailureClass failure, Map<FailureClass, Integer> failures, int orderedMicroBatch) {
        int same = Math.max(1, failures.getOrDefault(failure, 1));
        return switch (failure) {
            case GPU_MEMORY ->
                same <= MOST_WAITS_FOR_ROOM
                        ? Optional.of(new Decision.Retry(pause(same), orderedMicroBatch))
                        : Optional.empty();
            // In a process of its own from now on, where it is judged.
            case NATIVE_CRASH, TIMEOUT, HOST_MEMORY -> Optional.of(new Decision.Retry(pause(same), orderedMicroBatch));
            case LOST_EXECUTOR, IO, BAD_NODE, UNSUPPORTED_DEVICE, BAD_INPUT, PROGRAM, BUG -> Optional.empty();
        };
    }

    private Decision afterMemory(int microBatch, int ordered) {
        // A trainer that is told to passes fewer sequences at once than its micro-batch has, and reports the
        // micro-batch.
        int most = ordered > 0 ? Math.min(ordered, microBatch) : microBatch;
        if (most > 1) {
            return new Decision.Retry(0, most / 2);
        }
        return new Decision.GiveUp();
    }

    /** Memory has a bound of its own, and who loses executors or meets bad hosts is not to blame. */
    private static int blamed(Map<FailureClass, Integer> failures) {
        return failures.getOrDefault(FailureClass.NATIVE_CRASH, 0)
                + failures.getOrDefault(FailureClass.TIMEOUT, 0)
                + failures.getOrDefault(FailureClass.IO, 0);
    }

    private static double pause(int failures) {
        return Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * Math.pow(2, Math.min(failures - 1, 30)));
    }
}
