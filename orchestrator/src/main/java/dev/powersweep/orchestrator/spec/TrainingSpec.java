package dev.powersweep.orchestrator.spec;

import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * How cells are trained; rules here become numbers in each cell.
 *
 * @param initialStandardDeviation of weights; empty for {@link #defaultStandardDeviation(int)}
 * @param precision of products
 * @param maxEpochs most epochs D/U over the corpus where {@code grid.uniqueTokens} does not say otherwise, ≥ 1
 * @param batchWarmup smaller batches to begin with
 * @param earlyStopping evaluations without improvement after which a run ends
 */
public record TrainingSpec(
        AdamW optimizer,
        LearningRateRule learningRate,
        Warmup warmup,
        Schedule schedule,
        double gradientClip,
        double dropout,
        OptionalDouble initialStandardDeviation,
        Precision precision,
        double maxEpochs,
        Optional<BatchWarmup> batchWarmup,
        OptionalInt earlyStopping,
        TrainingRule.Divergence divergence) {

    /**
     * 0.02·√(768/width): GPT-2's 0.02 at GPT-2's width. A fixed 0.02 leaves narrow models on a plateau for hundreds of
     * steps: at width 32, 300k tokens and a batch of 2,048, 3.05 nats/token against 2.54.
     */
    public static double defaultStandardDeviation(int width) {
        return 0.02 * StrictMath.sqrt(768.0 / width);
    }

    /**
     * Batches of half the size before the last count of tokens, a quarter before the one before it, and so on (Merrill et
     * al. 2025, arXiv 2505.23971, section 5).
     *
     * @param doubleAt tokens seen, ascending, each ≥ 1
     */
    public record BatchWarmup(List<Long> doubleAt, RateScaling rateScaling) {}

    /** How the learning rate follows the batch while that is smaller than the cell's own. */
    public enum RateScaling {
        /** As the square root of the batch, for Adam. */
        SQRT,
        NONE
    }

    /** AdamW after Loshchilov and Hutter 2019. */
    public record AdamW(double beta1, double beta2, double epsilon, double weightDecay) {}

    /** The linear rise of the learning rate at a run's start. */
    public sealed interface Warmup {
        record Steps(long steps) implements Warmup {}

        record Fraction(double ofSteps) implements Warmup {}
    }
}
