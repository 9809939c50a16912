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
 *
 * <p>A batch of which a branch diverged costs infinitely much, whatever it did from other trunks, and so does every larger one:
 * whoever would train with it could not count on an end.
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
    /** Batches from the smallest on before the first of which a branch diverged. */
    private final int compared;

    /** @param trunks that all have the smallest batch, and another one */
    BranchLosses(List<Trunk> trunks) {
        this.trunks = trunks;
        batch = trunks.stream()
                .flatMap(trunk -> trunk.byBatch().keySet().stream())
                .mapToDouble(Double::doubleValue)
                .distinct()
                .sorted()
                .toArray();
        compared = (int) IntStream.range(0, batch.length)
                .takeWhile(j -> diverged(batch[j]) == 0)
                .count();
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
                .filter(trunk -> Arrays.stream(batch).limit(compared).allMatch(size -> trunk.byBatch()
                        .containsKey(size)))
                .toList();
        degreesOfFreedom = Math.max(0, whole.size() - 1) * (compared - 1);
        deviation = new double[batch.length];
        if (degreesOfFreedom > 0) {
            noise = BranchedBatch.Noise.SEEDS;
            Arrays.fill(deviation, scatter(whole));
        } else {
            for (int j = 0; j < compared; j++) {
                deviation[j] = error(batch[j]);
            }
            noise = Arrays.stream(deviation).allMatch(Double::isFinite)
                    ? BranchedBatch.Noise.EVALUATION
                    : BranchedBatch.Noise.UNKNOWN;
        }
    }

    private int diverged(double size) {
        return (int) trunks.stream()
                .filter(trunk -> trunk.byBatch().containsKey(size)
                        && trunk.byBatch().get(size).diverged())
                .count();
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
        double[] ofBatch = new double[compared];
        double[] ofTrunk = new double[whole.size()];
        double mean = 0;
        for (int i = 0; i < whole.size(); i++) {
            for (int j = 0; j < compared; j++) {
                double loss = whole.get(i).byBatch().get(batch[j]).loss();
                ofBatch[j] += loss / whole.size();
                ofTrunk[i] += loss / compared;
                mean += loss / whole.size() / compared;
            }
        }
        double sum = 0;
        for (int i = 0; i < whole.size(); i++) {
            for (int j = 0; j < compared; j++) {
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
                .mapToObj(j -> new BranchedBatch.Excess(batch[j], excess[j], diverged(batch[j])))
                .toList();
    }

    /** The smallest batch of which a branch diverged, in tokens; infinite where none did. */
    double firstDiverged() {
        return compared == batch.length ? Double.POSITIVE_INFINITY : batch[compared];
    }

    /** What is counted for each batch: its excess, and an infinite one from the first on that diverged. */
    double[] counted() {
        double[] counted = excess.clone();
        Arrays.fill(counted, compared, counted.length, Double.POSITIVE_INFINITY);
        return counted;
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
        double[] drawn = counted();
        double reference = scale * deviation[0] / Math.sqrt(count[0]) * random.nextGaussian();
        for (int j = 1; j < compared; j++) {
            drawn[j] += scale * deviation[j] / Math.sqrt(count[j]) * random.nextGaussian() - reference;
        }
        return drawn;
    }
}
