package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.dispatch.AttemptAction;
import java.util.Optional;

/** A slot on a host, in the hands of one driver. */
final class VirtualExecutor {
    /** What is wrong with a host. */
    enum Sickness {
        /** No room for the trainer. */
        FULL_DISK,
        /** Folders that cannot be read. */
        UNREADABLE,
        /** No trainer finds the device that it was asked for. */
        NO_DEVICE
    }

    private final String id;
    private final String host;
    private final Optional<Sickness> sickness;
    private Optional<VirtualAttempt> busy = Optional.empty();
    private boolean dead;

    VirtualExecutor(String id, String host, Optional<Sickness> sickness) {
        this.id = id;
        this.host = host;
        this.sickness = sickness;
    }

    String id() {
        return id;
    }

    String host() {
        return host;
    }

    Optional<Sickness> sickness() {
        return sickness;
    }

    boolean failsAt(AttemptAction action) {
        return sickness.isPresent()
                && switch (sickness.get()) {
                    case FULL_DISK -> action instanceof AttemptAction.TakeTrainer;
                    case UNREADABLE -> action instanceof AttemptAction.FetchCheckpoint;
                    case NO_DEVICE -> false;
                };
    }

    Optional<VirtualAttempt> busy() {
        return busy;
    }

    void take(VirtualAttempt attempt) {
        busy = Optional.of(attempt);
    }

    void free() {
        busy = Optional.empty();
    }

    boolean dead() {
        return dead;
    }

    void die() {
        dead = true;
    }
}
