package dev.powersweep.orchestrator.spec;

import java.util.OptionalInt;

/**
 * The rule for a cell's peak learning rate.
 *
 * @param referenceBatch tokens of the batch at which the rule holds unscaled; 0 where the batch does not scale it
 */
public record LearningRateRule(Rule rule, BatchScaling batchScaling, long referenceBatch) {

    /** A rate η as a function of the cell. */
    public sealed interface Rule {

        /** One value for every cell. */
        record Constant(double value) implements Rule {}

        /** η = .003239 − .0001395·ln N, N non-embedding parameters (Kaplan et al. 2020, equation D.1). */
        record Kaplan() implements Rule {}

        /**
         * Maximal-update parametrisation (Yang et al. 2022): the trainer transfers the value by width.
         *
         * @param value at {@code baseWidth}
         */
        record Mup(double value, int baseWidth) implements Rule {}

        /**
         * η = coefficient · N^model · B^batch · D^data; N non-embedding parameters, B tokens of a batch, D tokens seen
         * (the form of Li et al. 2025, arXiv 2503.04715, and of Bi et al. 2024, arXiv 2401.02954).
         */
        record Power(double coefficient, double model, double batch, double data) implements Rule {}
    }

    /** How the rate follows the batch. */
    public enum BatchScaling {
        NONE,
        /** ∝ √B. */
        SQRT,
        /** ∝ B. */
        LINEAR
    }

    /**
     * The peak rate of a cell; not above 0 where the rule does not reach that far.
     *
     * @param n non-embedding parameters N
     * @param batchTokens B
     * @param tokens D, seen
     */
    public double peak(double n, double batchTokens, double tokens) {
        double base = base(n, batchTokens, tokens);
        return switch (batchScaling) {
            case NONE -> base;
            case SQRT -> base * StrictMath.sqrt(batchTokens / referenceBatch);
            case LINEAR -> base * (batchTokens / referenceBatch);
        };
    }

    private double base(double n, double batchTokens, double tokens) {
        if (rule instanceof Rule.Constant constant) {
            return constant.value;
        }
        if (rule instanceof Rule.Mup mup) {
            return mup.value;
        }
        if (rule instanceof Rule.Power power) {
            return power.coefficient
                    * StrictMath.pow(n, power.model)
                    * StrictMath.pow(batchTokens, power.batch)
                    * StrictMath.pow(tokens, power.data);
        }
        return 0.003239 - 0.0001395 * StrictMath.log(n);
    }

    /** Width at which the rate holds under μP; empty in the standard parametrisation. */
    public OptionalInt baseWidth() {
        return rule instanceof Rule.Mup mup ? OptionalInt.of(mup.baseWidth) : OptionalInt.empty();
    }

    /** Whether the rate is not known without a batch size. */
    public boolean followsBatch() {
        return batchScaling != BatchScaling.NONE || rule instanceof Rule.Power power && power.batch != 0;
    }

    /** Whether the rate is not known without N. */
    public boolean followsSize() {
        return rule instanceof Rule.Kaplan || rule instanceof Rule.Power power && power.model != 0;
    }

    /** Whether cells that differ in D alone may have different rates. */
    public boolean followsData() {
        return rule instanceof Rule.Power power && power.data != 0;
    }
}
