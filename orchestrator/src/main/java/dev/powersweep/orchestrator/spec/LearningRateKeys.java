package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.LearningRateRule.BatchScaling;
import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Either;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import java.util.List;
import java.util.Locale;

/** The keys of {@code training.learningRate}. */
final class LearningRateKeys {
    private enum Kind {
        CONSTANT,
        KAPLAN,
        MUP,
        POWER
    }

    /** Beyond it a run's first step is its last. */
    static final Numeric<Double> RATE = Numeric.above(0, 1e6);

    private static final Numeric<Double> EXPONENT = Numeric.closed(-10, 10);

    private static final SpecKey<Kind> RULE = withDefault(
            "rule",
            Choice.of(Kind.class),
            "constant",
            "`kaplan`: .003239 − .0001395·ln N. `mup`: the value at a base width, transferred by width. `power`: coefficient · N^model · B^batch · D^data.");
    private static final SpecKey<Double> VALUE =
            optional("value", RATE, "a problem, where `rule` is `constant` or `mup`", "Peak learning rate.");
    private static final SpecKey<Integer> BASE_WIDTH = optional(
            "baseWidth",
            Numeric.whole(1, 65_536),
            "a problem, where `rule` is `mup`",
            "Width at which the value holds under μP.");
    private static final SpecKey<Double> COEFFICIENT = optional(
            "coefficient",
            Numeric.above(0, 1e30),
            "a problem, where `rule` is `power`",
            "Factor of the power rule; N counts non-embedding parameters, B and D tokens.");
    private static final SpecKey<Double> MODEL =
            withDefault("model", EXPONENT, "0", "Exponent of N in the power rule.");
    private static final SpecKey<Double> BATCH =
            withDefault("batch", EXPONENT, "0", "Exponent of B in the power rule.");
    private static final SpecKey<Double> DATA = withDefault("data", EXPONENT, "0", "Exponent of D in the power rule.");
    private static final SpecKey<BatchScaling> BATCH_SCALING =
            withDefault("batchScaling", Choice.of(BatchScaling.class), "none", "How the rate follows the batch.");
    private static final SpecKey<Long> REFERENCE_BATCH = optional(
            "referenceBatch",
            Numeric.wholeFrom(1),
            "a problem, where `batchScaling` is not `none`",
            "Tokens of the batch at which the rate holds unscaled.");

    static final Either<LearningRateRule> KINDS = Either.shorthand(
                    RATE,
                    VALUE,
                    Section.of(
                            LearningRateKeys::learningRate,
                            RULE,
                            VALUE,
                            BASE_WIDTH,
                            COEFFICIENT,
                            MODEL,
                            BATCH,
                            DATA,
                            BATCH_SCALING,
                            REFERENCE_BATCH))
            .orShort(Choice.of(List.of(Kind.KAPLAN)), RULE);

    private LearningRateKeys() {}

    private static LearningRateRule learningRate(Settings rate) {
        Kind kind = rate.get(RULE);
        String word = kind.name().toLowerCase(Locale.ROOT);
        if (kind == Kind.CONSTANT || kind == Kind.MUP) {
            rate.need(VALUE, "rule " + word + " needs one, such as 0.003");
        } else {
            rate.refuse(VALUE, "follows from rule: " + word + "; take one away");
        }
        if (kind == Kind.MUP) {
            rate.need(BASE_WIDTH, "rule mup needs the width at which the value holds, such as 64");
        } else {
            rate.refuse(BASE_WIDTH, "belongs to rule: mup");
        }
        if (kind == Kind.POWER) {
            rate.need(COEFFICIENT, "rule power needs one, such as 0.003 where all exponents are 0");
        } else {
            List.of(COEFFICIENT, MODEL, BATCH, DATA).forEach(key -> rate.refuse(key, "belongs to rule: power"));
        }
        return new LearningRateRule(
                rule(kind, rate),
                scaling(kind, rate),
                rate.find(REFERENCE_BATCH).orElse(0L));
    }

    private static BatchScaling scaling(Kind kind, Settings rate) {
        BatchScaling scaling = rate.get(BATCH_SCALING);
        if (scaling == BatchScaling.NONE) {
            rate.refuse(REFERENCE_BATCH, "belongs to batchScaling: sqrt or linear");
        } else if (kind == Kind.POWER) {
            rate.refuse(
                    BATCH_SCALING, "has no place beside rule: power; its exponent batch says how the rate follows B");
        } else {
            rate.need(REFERENCE_BATCH, "batchScaling needs the batch at which the rate holds, such as 1024");
        }
        return scaling;
    }

    private static LearningRateRule.Rule rule(Kind kind, Settings rate) {
        return switch (kind) {
            case CONSTANT -> new LearningRateRule.Rule.Constant(rate.find(VALUE).orElse(0.0));
            case KAPLAN -> new LearningRateRule.Rule.Kaplan();
            case MUP ->
                new LearningRateRule.Rule.Mup(
                        rate.find(VALUE).orElse(0.0), rate.find(BASE_WIDTH).orElse(1));
            case POWER ->
                new LearningRateRule.Rule.Power(
                        rate.find(COEFFICIENT).orElse(0.0), rate.get(MODEL), rate.get(BATCH), rate.get(DATA));
        };
    }
}
