package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.ledger.AttemptReport;
import dev.powersweep.worker.cell.FailureClass;
import java.util.Optional;

/** Notices that cell after cell fails in the same way, which more cells will not mend. */
final class CircuitBreaker {
    private final int limit;
    private String fingerprint = "";
    private int count;

    /** @param limit equal failures in a row that open it; 0 for never */
    CircuitBreaker(int limit) {
        this.limit = limit;
    }

    /** Takes the end of an attempt in; a reason to stop the sweep when it was one too many. */
    Optional<String> ended(AttemptReport report) {
        Optional<FailureClass> failure = report.failure();
        if (failure.isEmpty()) {
            count = 0;
            return Optional.empty();
        }
        if (failure.get() == FailureClass.LOST_EXECUTOR || limit == 0) {
            return Optional.empty();
        }
        // Numbers differ from cell to cell: step, size, address.
        String seen = failure.get() + " " + report.message().replaceAll("[0-9]+", "#");
        count = seen.equals(fingerprint) ? count + 1 : 1;
        fingerprint = seen;
        return count < limit
                ? Optional.empty()
                : Optional.of(count + " attempts in a row failed alike, the last one with " + failure.get() + ": "
                        + report.message());
    }
}
