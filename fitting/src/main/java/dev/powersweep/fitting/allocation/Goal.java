package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.runs.FitRefusal;
import java.util.Locale;

/** What a plan starts from. */
public sealed interface Goal {

    /**
     * A training budget.
     *
     * @param flops C
     */
    record Flops(double flops) implements Goal {
        /** Checks the range. */
        public Flops {
            positive("FLOPs", flops);
        }
    }

    /**
     * The cheapest training that reaches a loss.
     *
     * @param nats per token
     */
    record Loss(double nats) implements Goal {
        /** Checks the range. */
        public Loss {
            positive("loss", nats);
        }
    }

    /**
     * The model for which this much data is compute-optimal.
     *
     * @param tokens D
     */
    record Tokens(double tokens) implements Goal {
        /** Checks the range. */
        public Tokens {
            positive("tokens", tokens);
        }
    }

    /**
     * The data for which this model is compute-optimal.
     *
     * @param parameters N
     */
    record Parameters(double parameters) implements Goal {
        /** Checks the range. */
        public Parameters {
            positive("parameters", parameters);
        }
    }

    /** The goal in words. */
    default String words() {
        if (this instanceof Flops goal) {
            return String.format(Locale.ROOT, "%.4g FLOPs", goal.flops());
        }
        if (this instanceof Loss goal) {
            return String.format(Locale.ROOT, "a loss of %.4g nats/token", goal.nats());
        }
        if (this instanceof Tokens goal) {
            return String.format(Locale.ROOT, "%.4g tokens", goal.tokens());
        }
        return String.format(Locale.ROOT, "%.4g parameters", ((Parameters) this).parameters());
    }

    private static void positive(String what, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    "A plan for " + what + " = " + value + " is impossible; give a finite number above zero.");
        }
    }
}
