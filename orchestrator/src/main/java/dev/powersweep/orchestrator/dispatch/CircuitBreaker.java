package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Notices that cell after cell fails in the same way, which more cells will not mend. One host that fails all it is
 * given proves nothing while there is another.
 */
final class CircuitBreaker {
    private static final int HOSTS = 2;

    private final int limit;
    private final Set<String> hosts = new HashSet<>();
    private String fingerprint = "";
    private int count;

    /** @param limit equal failures in a row that open it; 0 for never */
    CircuitBreaker(int limit) {
        this.limit = limit;
    }

    /**
     * Takes the end of an attempt in, as it was settled.
     *
     * @param usableHosts that cells can run on
     * @return a reason to stop the sweep when it was one too many
     */
    Optional<String> ended(AttemptReport report, int usableHosts) {
        Optional<Outcome.Trouble> trouble = report.outcome().trouble();
        if (trouble.isEmpty()) {
            count = 0;
            hosts.clear();
            return Optional.empty();
        }
        FailureClass failure = trouble.get().failure();
        if ((report.state() == CellState.INTERRUPTED && passing(failure, report.hadNeighbours())) || limit == 0) {
            return Optional.empty();
        }
        String seen = fingerprint(trouble.get(), report.place().host());
        if (!seen.equals(fingerprint)) {
            count = 0;
            hosts.clear();
        }
        fingerprint = seen;
        count++;
        hosts.add(report.place().host());
        return count < limit || hosts.size() < Math.min(HOSTS, usableHosts)
                ? Optional.empty()
                : Optional.of(count + " attempts in a row failed alike, the last one with "
                        + trouble.get().failure() + ": " + trouble.get().message());
    }

    /** Whether the next attempt meets other circumstances, a bounded number of times. */
    private static boolean passing(FailureClass failure, boolean besideOthers) {
        return switch (failure) {
            // Executors come back; sick hosts are excluded one by one, and LastResort waits for others.
            case LOST_EXECUTOR, BAD_NODE -> true;
            // Many large cells may each need half of half the micro-batch.
            case HOST_MEMORY, GPU_MEMORY -> true;
            // Each other host is asked once.
            case UNSUPPORTED_DEVICE -> true;
            // One crash ends all cells of its trainer, each of which is then tried without the others.
            case NATIVE_CRASH, TIMEOUT -> besideOthers;
            case IO, BAD_INPUT, PROGRAM, BUG -> false;
        };
    }

    /** Numbers differ from cell to cell: step, size, address; names from host to host. */
    private static String fingerprint(Outcome.Trouble trouble, String host) {
        String message = host.isEmpty() ? trouble.message() : trouble.message().replace(host, "(host)");
        return trouble.failure() + " " + message.replaceAll("[0-9]+", "#");
    }
}
