package dev.powersweep.orchestrator.view;

import java.util.List;
import java.util.Optional;

/** What losses of several sweeps are compared in. */
enum LossUnit {
    NATS("nats", "nats/token") {
        @Override
        double factor(ComparedSweep sweep) {
            return 1;
        }
    },
    BITS("bits", "bits/byte") {
        @Override
        double factor(ComparedSweep sweep) {
            return sweep.bitsPerByteOfANat();
        }
    };

    private final String key;
    private final String text;

    LossUnit(String key, String text) {
        this.key = key;
        this.text = text;
    }

    /** From nats per token of a sweep to this unit; NaN where that is not known yet. */
    abstract double factor(ComparedSweep sweep);

    /** As addresses name it. */
    String key() {
        return key;
    }

    String text() {
        return text;
    }

    /** The one that an address names; without one bits per byte where the sweeps' tokens differ. */
    static LossUnit chosen(List<ComparedSweep> sweeps, Optional<String> key) {
        for (LossUnit unit : values()) {
            if (key.filter(unit.key::equals).isPresent()) {
                return unit;
            }
        }
        boolean oneText = sweeps.stream().map(ComparedSweep::corpus).distinct().count() == 1;
        return oneText ? NATS : BITS;
    }
}
