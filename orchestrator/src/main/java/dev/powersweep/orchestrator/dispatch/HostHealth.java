package dev.powersweep.orchestrator.dispatch;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** What the failures of attempts say of their hosts. */
final class HostHealth {
    /** Failures of a host's own that take it out of the sweep. */
    static final int FAILURES_TO_EXCLUDE = 2;

    private final Map<String, Integer> failures = new HashMap<>();
    private final Map<String, Set<String>> failedFor = new HashMap<>();
    private final Map<String, Set<String>> noDeviceFor = new HashMap<>();
    private final Map<String, Integer> badFor = new HashMap<>();
    private final Set<String> excluded = new HashSet<>();
    private final Set<String> seen = new HashSet<>();
    private Set<String> present = Set.of();

    /** Hosts that attempts can run on now, by the names that Spark knows. */
    void present(Set<String> hosts) {
        present = Set.copyOf(hosts);
        seen.addAll(hosts);
    }

    /** Lets a cell avoid a host that one of its attempts failed on, for whatever reason. */
    void avoid(String host, String cell) {
        if (!host.isEmpty()) {
            failedFor.computeIfAbsent(cell, key -> new HashSet<>()).add(host);
        }
    }

    /**
     * Takes a failure in that a host is to blame for.
     *
     * @return whether the host is excluded from now on, and was not before
     */
    boolean failed(String host, String cell) {
        if (host.isEmpty()) {
            return false;
        }
        avoid(host, cell);
        return failures.merge(host, 1, Integer::sum) >= FAILURES_TO_EXCLUDE && excluded.add(host);
    }

    /**
     * Counts one more failure of a cell that a host is to blame for. It counts against the cell only where another host is
     * there that neither failed it before nor is excluded; hosts that were never told of may be anywhere.
     *
     * @return those of the cell that count and that this driver has seen
     */
    int countFor(String cell, String host) {
        boolean counts = known().isEmpty() || untried(known(), failedFor.getOrDefault(cell, Set.of()), host);
        return badFor.merge(cell, counts ? 1 : 0, Integer::sum);
    }

    /**
     * Takes in that a host has not the device that a cell asks for.
     *
     * @return whether a host was seen, which may be away now, that is not excluded and has not said so of this cell
     */
    boolean hasNoDevice(String host, String cell) {
        if (host.isEmpty()) {
            return false;
        }
        noDeviceFor.computeIfAbsent(cell, key -> new HashSet<>()).add(host);
        return untried(seen, noDeviceFor.get(cell), host);
    }

    private boolean untried(Set<String> hosts, Set<String> failed, String host) {
        return hosts.stream()
                .anyMatch(other -> !other.equals(host) && !excluded.contains(other) && !failed.contains(other));
    }

    /** Whether every host that is there is excluded. */
    boolean noneWorks() {
        Set<String> known = known();
        return !known.isEmpty() && excluded.containsAll(known);
    }

    private Set<String> known() {
        return present.isEmpty() ? seen : present;
    }

    Set<String> excluded() {
        return Set.copyOf(excluded);
    }

    /**
     * Excluded hosts, and those that have failed this very cell; none where these are all that were ever seen, and rather
     * one that failed it than one without its device. Others that are away for the moment are worth waiting for.
     */
    Set<String> avoidedBy(String cell) {
        Set<String> without = noDeviceFor.getOrDefault(cell, Set.of());
        Set<String> hosts = new HashSet<>(excluded);
        hosts.addAll(without);
        hosts.addAll(failedFor.getOrDefault(cell, Set.of()));
        if (areAllSeen(hosts)) {
            hosts.removeIf(host -> !excluded.contains(host) && !without.contains(host));
        }
        if (areAllSeen(hosts)) {
            hosts.retainAll(excluded);
        }
        return areAllSeen(hosts) ? Set.of() : hosts;
    }

    private boolean areAllSeen(Set<String> hosts) {
        return !seen.isEmpty() && hosts.containsAll(seen);
    }

    /** Hosts that can take cells: those that were seen, excluded ones left out unless there are no others. */
    int usable() {
        long others = seen.stream().filter(host -> !excluded.contains(host)).count();
        return (int) Math.max(1, others > 0 ? others : present.size());
    }
}
