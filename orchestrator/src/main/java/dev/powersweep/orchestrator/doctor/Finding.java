package dev.powersweep.orchestrator.doctor;

import java.io.Serializable;

/**
 * What one check saw.
 *
 * @param subject what was looked at, e.g. {@code memory}
 * @param seen what was found, with its unit
 * @param remedy what to do; empty when {@code verdict} is {@link Verdict#GOOD}
 */
public record Finding(String subject, Verdict verdict, String seen, String remedy) implements Serializable {

    public enum Verdict {
        GOOD,
        /** A sweep runs, slower or smaller than it could. */
        WARNING,
        /** A sweep would fail. */
        BROKEN
    }

    static Finding good(String subject, String seen) {
        return new Finding(subject, Verdict.GOOD, seen, "");
    }

    static Finding warning(String subject, String seen, String remedy) {
        return new Finding(subject, Verdict.WARNING, seen, remedy);
    }

    static Finding broken(String subject, String seen, String remedy) {
        return new Finding(subject, Verdict.BROKEN, seen, remedy);
    }
}
