package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Where attempts are carried out. */
interface Attempts {

    /**
     * Attempts that can run at once, now; changes as executors come and go, and may be 0.
     *
     * @param excludedHosts whose slots do not count while there are others
     */
    int slots(Set<String> excludedHosts);

    /** Hosts that attempts can run on, now, by the names that orders avoid them by. */
    Set<String> hosts();

    /** Whether hosts may come that are not there now. */
    boolean hostsMayCome();

    /** Begins an attempt; the future always completes with a report, never with an exception. */
    CompletableFuture<AttemptReport> begin(AttemptOrder order);

    /** Asks all running attempts to stop; their futures complete all the same. */
    void cancelAll(String reason);

    /** Whether there is still anything that attempts could run on. */
    boolean usable();
}
