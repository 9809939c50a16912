package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.batch.BranchingPoint.Branch;
import dev.powersweep.fitting.batch.BranchingPoint.Trunk;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * How much more loss larger batches ended with than the smallest, at one branching point, and with what noise.
 *
 * <p>Branches of one trunk begin from one state, so that what a trunk has of luck is common to them and drops out of the
 * difference. Where several trunks have the same batches, the noise of a branch is the scatter that trunk and batch do not
 * explain; elsewhere it is the standard error of the evaluation, as if branches had been scored on different text. They are
 * scored on the same, so that the differences are known better than that: such intervals are too wide rather than too narrow.
 */
final class BranchLosses {
    private final List<Trunk> trunks;
    private final double[] batch;
    private final double[] excess;
    private final int[] count;
    private final BranchedBatch.Noise noise;
    /** Of one branch, by batch: by its evaluation, or the same number for all, by the scatter of seeds. */
    private final double[] deviation;

    private final int degreesOfFreedom;

    /** @param trunks that all have the smallest batch, and another one */
    BranchLosses(List<Trunk> trunks) {
        this.trunks = trunks;
        batch = trunks.stream()
                .flatMap(trunk -> trunk.byBatch().keySet().stream())
                .mapToDouble(Double::doubleValue)
                .distinct()
                .sorted()
                .toArray();
        excess = new double[batch.length];
        count = new int[batch.length];
        for (int j = 0; j < batch.length; j++) {
            for (Trunk trunk : trunks) {
                Branch branch = trunk.byBatch().get(batch[j]);
                if (branch != null) {
                    excess[j] += branch.loss() - trunk.byBatch().get(batch[0]).loss();
                    count[j]++;
                }
            }
            excess[j] /= count[j];
        }
        List<Trunk> whole = trunks.stream()
                .filter(trunk -> trunk.byBatch().size() == batch.length)
                .toList();
        degreesOfFreedom = Math.max(0, whole.size() - 1) * (batch.length - 1);
        deviation = new double[batch.length];
        if (degreesOfFreedom > 0) {
            noise = BranchedBatch.Noise.SEEDS;
            Arrays.fill(deviation, scatter(whole));
        } else {
            for (int j = 0; j < batch.length; j++) {
                deviation[j] = error(batch[j]);
            }
            noise = Arrays.stream(deviation).allMatch(Double::isFinite)
                    ? BranchedBatch.Noise.EVALUATION
                    : BranchedBatch.Noise.UNKNOWN;
        }
    }

    /** Root mean square over the trunks that have the batch. */
    private double error(double of) {
        return Math.sqrt(trunks.stream()
                .filter(trunk -> trunk.byBatch().containsKey(of))
                .mapToDouble(trunk -> Math.pow(trunk.byBatch().get(of).error(), 2))
                .average()
                .orElse(Double.NaN));
    }

    /** Deviation of one branch's loss about the sum of a trunk's and a batch's effect. */
    private double scatter(List<Trunk> whole) {
        double[] ofBatch = new double[batch.length];
        double[] ofTrunk = new double[whole.size()];
        double mean = 0;
        for (int i = 0; i < whole.size(); i++) {
            for (int j = 0; j < batch.length; j++) {
                double loss = whole.get(i).byBatch().get(batch[j]).loss();
                ofBatch[j] += loss / whole.size();
                ofTrunk[i] += loss / batch.length;
                mean += loss / whole.size() / batch.length;
            }
        }
        double sum = 0;
        for (int i = 0; i < whole.size(); i++) {
            for (int j = 0; j < batch.length; j++) {
                double loss = whole.get(i).byBatch().get(batch[j]).loss();
                sum += Math.pow(loss - ofTrunk[i] - ofBatch[j] + mean, 2);
            }
        }
        return Math.sqrt(sum / degreesOfFreedom);
    }

    /** Batch sizes in tokens, ascending. */
    double[] batch() {
        return batch.clone();
    }

    /** The batches in ascending order. */
    List<BranchedBatch.Excess> tried() {
        return IntStream.range(0, batch.length)
                .mapToObj(j -> new BranchedBatch.Excess(batch[j], excess[j]))
                .toList();
    }

    int trunks() {
        return trunks.size();
    }

    BranchedBatch.Noise noise() {
        return noise;
    }

    /** The excess as it might have come out. */
    double[] drawn(SplittableRandom random) {
        double scale = 1;
        if (noise == BranchedBatch.Noise.SEEDS) {
            // Student's t: the deviation itself is known from these few degrees of freedom.
            double square = 0;
            for (int i = 0; i < degreesOfFreedom; i++) {
                square += Math.pow(random.nextGaussian(), 2);
            }
            scale = Math.sqrt(degreesOfFreedom / square);
        }
        double[] drawn = excess.clone();
        double reference = scale * deviation[0] / Math.sqrt(count[0]) * random.nextGaussian();
        for (int j = 1; j < drawn.length; j++) {
            drawn[j] += scale * deviation[j] / Math.sqrt(count[j]) * random.nextGaussian() - reference;
        }
        return drawn;
    }
}
