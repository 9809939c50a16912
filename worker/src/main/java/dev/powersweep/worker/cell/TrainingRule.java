package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a cell is trained; every rule of the spec is resolved to numbers here, so that the cell alone decides its result.
 *
 * @param peakLearningRate learning rate after warm-up, &gt; 0
 * @param warmupSteps steps of linear warm-up from 0, ≥ 0
 * @param schedule what follows the warm-up
 * @param beta1 AdamW first-moment decay, in [0, 1)
 * @param beta2 AdamW second-moment decay, in [0, 1)
 * @param epsilon AdamW denominator term, &gt; 0
 * @param weightDecay decoupled decay (Loshchilov and Hutter 2019): each step takes learningRate·weightDecay of a
 *     parameter; matrices and embeddings only, norms are left out; ≥ 0
 * @param gradientClip largest global gradient norm; 0 for no clipping
 * @param dropout share dropped from embeddings and residual branches while training, in [0, 1)
 * @param initialStandardDeviation of weights; residual projections are divided by √(2·layers) (GPT-2)
 * @param mupBaseWidth width at which peakLearningRate holds under μP; empty for standard parametrisation
 * @param earlyStopping evaluations without improvement after which the run ends; empty to run to the end
 * @param divergence when a run counts as diverged
 * @param precision of products; empty for float32, which every cell had before there was a choice
 */
public record TrainingRule(
        double peakLearningRate,
        long warmupSteps,
        Schedule schedule,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        double gradientClip,
        double dropout,
        double initialStandardDeviation,
        OptionalInt mupBaseWidth,
        OptionalInt earlyStopping,
        Divergence divergence,
        @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Precision> precision) {

    /** In float32. */
    public TrainingRule(
            double peakLearningRate,
            long warmupSteps,
            Schedule schedule,
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            double gradientClip,
            double dropout,
            double initialStandardDeviation,
            OptionalInt mupBaseWidth,
            OptionalInt earlyStopping,
            Divergence divergence) {
        this(
                peakLearningRate,
                warmupSteps,
                schedule,
                beta1,
                beta2,
                epsilon,
                weightDecay,
                gradientClip,
                dropout,
                initialStandardDeviation,
                mupBaseWidth,
                earlyStopping,
                divergence,
                Optional.empty());
    }

    /**
     * NaN or infinity always diverges; so does a loss above the bound throughout a window.
     *
     * @param lossAboveInitial nats per token above ln(vocabulary) that count as too high
     * @param windowSteps consecutive steps above the bound, ≥ 1
     */
    public record Divergence(double lossAboveInitial, int windowSteps) {
        public static final Divergence DEFAULT = new Divergence(1.0, 50);

        public Divergence {
            require(Double.isFinite(lossAboveInitial), "divergence.lossAboveInitial", lossAboveInitial, "finite");
            require(windowSteps >= 1, "divergence.windowSteps", windowSteps, "at least 1");
        }
    }

    /** The same, to its last step. */
    public TrainingRule withoutEarlyStopping() {
        return with(schedule, OptionalInt.empty(), precision);
    }

    /** The same under another schedule. */
    public TrainingRule with(Schedule other) {
        return with(other, earlyStopping, precision);
    }

    /** The same with products in other numbers. */
    public TrainingRule with(Precision other) {
        return with(schedule, earlyStopping, Optional.of(other));
    }

    private TrainingRule with(Schedule otherSchedule, OptionalInt otherStopping, Optional<Precision> otherPrecision) {
        return new TrainingRule(
                peakLearningRate,
                warmupSteps,
                otherSchedule,
                beta1,
                beta2,
                epsilon,
                weightDecay,
                gradientClip,
                dropout,
                initialStandardDeviation,
                mupBaseWidth,
                otherStopping,
                divergence,
                otherPrecision);
    }

    /** In what numbers products are made. */
    public Precision products() {
        return precision.orElse(Precision.FLOAT32);
    }

    public TrainingRule {
        precision = precision.filter(numbers -> numbers != Precision.FLOAT32);
        require(
                peakLearningRate > 0 && Double.isFinite(peakLearningRate),
                "peakLearningRate",
                peakLearningRate,
                "above 0");
        require(warmupSteps >= 0, "warmupSteps", warmupSteps, "at least 0");
        require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "in [0, 1)");
        require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "in [0, 1)");
        require(epsilon > 0 && Double.isFinite(epsilon), "epsilon", epsilon, "above 0");
        require(weightDecay >= 0 && Double.isFinite(weightDecay), "weightDecay", weightDecay, "at least 0");
        require(gradientClip >= 0 && Double.isFinite(gradientClip), "gradientClip", gradientClip, "at least 0");
        require(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
        require(initialStandardDeviation > 0, "initialStandardDeviation", initialStandardDeviation, "above 0");
        require(mupBaseWidth.orElse(1) >= 1, "mupBaseWidth", mupBaseWidth.orElse(1), "at least 1");
        require(earlyStopping.orElse(1) >= 1, "earlyStopping", earlyStopping.orElse(1), "at least 1");
    }

    private static void require(boolean holds, String name, double value, String bound) {
        if (!holds) {
            throw new IllegalArgumentException("training." + name + " = " + value + " must be " + bound);
        }
    }
}
