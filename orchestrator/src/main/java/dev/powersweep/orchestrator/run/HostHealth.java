package dev.powersweep.orchestrator.run;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Which hosts have proved unable to start a trainer. */
final class HostHealth {
    /** Failures of a host's own that take it out of the sweep. */
    static final int FAILURES_TO_EXCLUDE = 2;

    private final Map<String, Integer> failures = new HashMap<>();
    private final Map<String, Set<String>> failedFor = new HashMap<>();
    private final Set<String> excluded = new HashSet<>();

    /**
     * Takes a failure in that a host is to blame for.
     *
     * @return whether the host is excluded from now on, and was not before
     */
    boolean failed(String host, String cell) {
        if (host.isEmpty()) {
            return false;
        }
        failedFor.computeIfAbsent(cell, key -> new HashSet<>()).add(host);
        return failures.merge(host, 1, Integer::sum) >= FAILURES_TO_EXCLUDE && excluded.add(host);
    }

    Set<String> excluded() {
        return Set.copyOf(excluded);
    }

    /** Excluded hosts, and those that have failed this very cell. */
    Set<String> avoidedBy(String cell) {
        Set<String> hosts = new HashSet<>(excluded);
        hosts.addAll(failedFor.getOrDefault(cell, Set.of()));
        return hosts;
    }
}
