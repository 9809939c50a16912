package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/** How the learning rate moves after warm-up; each factor multiplies the peak learning rate. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Schedule.Constant.class, name = "constant"),
    @JsonSubTypes.Type(value = Schedule.Cosine.class, name = "cosine"),
    @JsonSubTypes.Type(value = Schedule.Linear.class, name = "linear"),
    @JsonSubTypes.Type(value = Schedule.ConstantWithCooldown.class, name = "constant-with-cooldown"),
    @JsonSubTypes.Type(value = Schedule.SharedTrunk.class, name = "shared-trunk")
})
public sealed interface Schedule {

    /** Steps at the end of a run of {@code steps} steps over which the rate falls to zero; 0 without a cooldown. */
    default long cooldownSteps(long steps) {
        return 0;
    }

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
     * The peak rate, then 1 − √(progress) down to zero over the last part of the run (Hägele et al. 2024, eq. 1).
     *
     * @param cooldownFraction share of all steps spent cooling down, in (0, 1]
     */
    record ConstantWithCooldown(double cooldownFraction) implements Schedule {
        public ConstantWithCooldown {
            requireCooldown(cooldownFraction);
        }

        @Override
        public long cooldownSteps(long steps) {
            return length(cooldownFraction, steps);
        }
    }

    /**
     * {@link ConstantWithCooldown} for cells that differ in D alone: initial weights, data order and dropout do not
     * depend on D, so that all of them are one run up to where each begins to cool down, its trunk (Hägele et al. 2024,
     * section 4).
     *
     * @param cooldownFraction share of all steps spent cooling down, in (0, 1]
     */
    record SharedTrunk(double cooldownFraction) implements Schedule {
        public SharedTrunk {
            requireCooldown(cooldownFraction);
        }

        @Override
        public long cooldownSteps(long steps) {
            return length(cooldownFraction, steps);
        }
    }

    private static long length(double cooldownFraction, long steps) {
        return Math.max(1, Math.round(cooldownFraction * steps));
    }

    private static void requireCooldown(double cooldownFraction) {
        requireFraction("cooldownFraction", cooldownFraction);
        if (cooldownFraction == 0) {
            throw new IllegalArgumentException("schedule.cooldownFraction = 0 must be above 0");
        }
    }

    private static void requireFraction(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("schedule." + name + " = " + value + " must be in [0, 1]");
        }
    }
}
