package dev.powersweep.orchestrator.dispatch;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What is done while every host that is there has failed by itself: one attempt at a time, after growing pauses, until
 * another host comes, the attempt proves that its host works again, or patience ends. Cells are not to blame meanwhile.
 */
final class LastResort {
    /** Executors register within seconds on one host and within minutes on another. */
    private static final List<Duration> ON_A_CLUSTER =
            List.of(Duration.ofSeconds(15), Duration.ofSeconds(30), Duration.ofSeconds(60), Duration.ofSeconds(120));
    /** No other host will come; a disk may be cleared. */
    private static final List<Duration> ON_ONE_HOST = List.of(Duration.ofSeconds(5), Duration.ofSeconds(10));

    private final List<Duration> pauses;
    private Optional<Instant> pauseEnd = Optional.empty();
    private Optional<String> trying = Optional.empty();
    private int fruitless;

    /** @param hostsMayCome that are not there yet */
    LastResort(boolean hostsMayCome) {
        pauses = hostsMayCome ? ON_A_CLUSTER : ON_ONE_HOST;
    }

    /** End of the pause before the next attempt; empty while cells may begin as they like, or one is being tried. */
    Optional<Instant> pauseEnd() {
        return trying.isEmpty() ? pauseEnd : Optional.empty();
    }

    /** Whether cells begin one at a time. */
    boolean active() {
        return pauseEnd.isPresent();
    }

    boolean mayBegin(Instant now) {
        return pauseEnd.isEmpty() || (trying.isEmpty() && !now.isBefore(pauseEnd.get()));
    }

    void begun(String cell) {
        if (pauseEnd.isPresent()) {
            trying = Optional.of(cell);
        }
    }

    /**
     * Takes in that an attempt failed for its host's sake and that no other host is there.
     *
     * @return whether patience has ended
     */
    boolean failed(String cell, Instant now) {
        if (pauseEnd.isEmpty()) {
            pauseEnd = Optional.of(now.plus(pauses.get(0)));
        } else if (trying.equals(Optional.of(cell))) {
            trying = Optional.empty();
            if (++fruitless == pauses.size()) {
                return true;
            }
            pauseEnd = Optional.of(now.plus(pauses.get(fruitless)));
        }
        // Others that began before say nothing new.
        return false;
    }

    /** Takes in that a cell's attempt got further or ended in its own way: where it ran, cells can run. */
    void worked(String cell) {
        if (trying.equals(Optional.of(cell))) {
            reset();
        }
    }

    /** Takes in that an attempt was lost, which says nothing of its host. */
    void lost(String cell) {
        if (trying.equals(Optional.of(cell))) {
            trying = Optional.empty();
        }
    }

    /** A host is there that works. */
    void reset() {
        pauseEnd = Optional.empty();
        trying = Optional.empty();
        fruitless = 0;
    }
}
