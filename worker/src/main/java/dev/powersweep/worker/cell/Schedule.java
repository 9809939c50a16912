package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/** How the learning rate moves after warm-up; each factor multiplies the peak learning rate. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Schedule.Constant.class, name = "constant"),
    @JsonSubTypes.Type(value = Schedule.Cosine.class, name = "cosine"),
    @JsonSubTypes.Type(value = Schedule.Linear.class, name = "linear"),
    @JsonSubTypes.Type(value = Schedule.ConstantWithCooldown.class, name = "constant-with-cooldown")
})
public sealed interface Schedule {

    /** The peak rate to the end. */
    record Constant() implements Schedule {}

    /**
     * Half a cosine from the peak to {@code finalFraction} of it at the last step.
     *
     * @param finalFraction in [0, 1]
     */
    record Cosine(double finalFraction) implements Schedule {
        public Cosine {
            requireFraction("finalFraction", finalFraction);
        }
    }

    /**
     * A straight line from the peak to {@code finalFraction} of it at the last step.
     *
     * @param finalFraction in [0, 1]
     */
    record Linear(double finalFraction) implements Schedule {
        public Linear {
            requireFraction("finalFraction", finalFraction);
        }
    }

    /**
     * The peak rate, then 1 − √(progress) down to zero over the last part of the run (Hägele et al. 2024, eq. 1), so
     * that one constant trunk serves every data size.
     *
     * @param cooldownFraction share of all steps spent cooling down, in (0, 1]
     */
    record ConstantWithCooldown(double cooldownFraction) implements Schedule {
        public ConstantWithCooldown {
            requireFraction("cooldownFraction", cooldownFraction);
            if (cooldownFraction == 0) {
                throw new IllegalArgumentException("schedule.cooldownFraction = 0 must be above 0");
            }
        }
    }

    private static void requireFraction(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("schedule." + name + " = " + value + " must be in [0, 1]");
        }
    }
}
