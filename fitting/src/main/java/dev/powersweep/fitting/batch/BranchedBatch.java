package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.uncertainty.Bootstrap;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The critical batch size at one branching point, measured directly (Merrill et al. 2025, arXiv 2505.23971): the largest batch whose
 * branch ends within {@link #TOLERANCE} of the loss of the smallest.
 *
 * <p>The estimate lies between the largest batch that keeps the tolerance and the next one that was tried, by a straight line in
 * ln B. The interval reaches from the one to the other as both might have come out: it holds noise and the spacing of the batches.
 * A batch of which a branch diverged is too large without noise, and so is every larger one; the estimate before it is halfway in
 * ln B.
 *
 * @param n parameters; NaN where the runs do not tell
 * @param at tokens that the trunk had seen
 * @param verdict what the branches say
 * @param batch the estimate in tokens; NaN unless {@link Verdict#DETERMINED}
 * @param low lower end of the interval, or what the critical size is at least; NaN where neither is known
 * @param high upper end of the interval, or what the critical size is at most; NaN where neither is known
 * @param tried the batches in ascending order, each with what it cost
 * @param trunks that were compared: seeds
 * @param noise what the noise of a branch is known from
 */
public record BranchedBatch(
        double n,
        double at,
        Verdict verdict,
        double batch,
        double low,
        double high,
        List<Excess> tried,
        int trunks,
        Noise noise) {

    /** Nats per token that a batch may end above the smallest one, as Merrill et al. 2025 have it. */
    public static final double TOLERANCE = 0.01;

    private static final int DRAWS = 2000;

    /**
     * A batch that was tried.
     *
     * @param batch tokens
     * @param loss nats per token above that of the smallest batch, in the mean over trunks; 0 for the smallest itself, infinite
     *     where a branch diverged
     * @param diverged branches of it that did
     */
    public record Excess(double batch, double loss, int diverged) {}

    /** What branches say of a critical batch size. */
    public enum Verdict {
        /** The interval is closed at both ends. */
        DETERMINED,
        /** Up to {@code low} batches keep the tolerance; how much further is not known. */
        AT_LEAST,
        /** At {@code high} batches do not keep the tolerance; how much earlier they do not is not known. */
        AT_MOST,
        /** The noise hides what is to be seen, or is not known. */
        UNDETERMINED
    }

    /** Where the noise of a branch is known from. */
    public enum Noise {
        /** The scatter of trunks of other seeds. */
        SEEDS,
        /** The standard errors of evaluations. */
        EVALUATION,
        /** Neither: nothing can be said. */
        UNKNOWN
    }

    public BranchedBatch {
        tried = List.copyOf(tried);
    }

    /** In tokens. */
    public double smallest() {
        return tried.get(0).batch();
    }

    /** In tokens. */
    public double largest() {
        return tried.get(tried.size() - 1).batch();
    }

    /** The smallest batch of which a branch diverged, which bounds the critical size from above. */
    public Optional<Excess> firstDiverged() {
        return tried.stream().filter(excess -> excess.diverged() > 0).findFirst();
    }

    /** Nats per token by which the best batch ended below the smallest. */
    public double gain() {
        return -tried.stream().mapToDouble(Excess::loss).min().orElse(0);
    }

    /** Empty where no trunk has two batches. */
    public static Optional<BranchedBatch> of(BranchingPoint point, FitOptions options) {
        return point.losses().map(losses -> of(point, losses, options));
    }

    private static BranchedBatch of(BranchingPoint point, BranchLosses losses, FitOptions options) {
        double[] batch = losses.batch();
        double estimate =
                ToleranceCrossing.of(batch, losses.counted(), TOLERANCE).between();
        double kept = 0;
        double lost = losses.firstDiverged();
        if (losses.noise() != Noise.UNKNOWN) {
            ToleranceCrossing[] drawn = new ToleranceCrossing[DRAWS];
            Arrays.setAll(
                    drawn,
                    k -> ToleranceCrossing.of(batch, losses.drawn(Bootstrap.generator(options.seed(), k)), TOLERANCE));
            // Order statistics, since batches between those tried were not tried.
            int tail = (int) Math.floor(DRAWS * (1 - options.confidence()) / 2);
            kept = Arrays.stream(drawn)
                    .mapToDouble(ToleranceCrossing::kept)
                    .sorted()
                    .toArray()[tail];
            lost = Arrays.stream(drawn)
                    .mapToDouble(ToleranceCrossing::lost)
                    .sorted()
                    .toArray()[DRAWS - 1 - tail];
        }
        Verdict verdict = verdict(kept, lost, estimate);
        return new BranchedBatch(
                point.n(),
                point.at(),
                verdict,
                verdict == Verdict.DETERMINED ? estimate : Double.NaN,
                kept > 0 ? kept : Double.NaN,
                Double.isFinite(lost) ? lost : Double.NaN,
                losses.tried(),
                losses.trunks(),
                losses.noise());
    }

    private static Verdict verdict(double kept, double lost, double estimate) {
        if (kept > 0 && Double.isFinite(lost)) {
            return estimate > 0 && Double.isFinite(estimate) ? Verdict.DETERMINED : Verdict.UNDETERMINED;
        }
        if (kept > 0) {
            return Verdict.AT_LEAST;
        }
        return Double.isFinite(lost) ? Verdict.AT_MOST : Verdict.UNDETERMINED;
    }
}
