package dev.powersweep.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.shard.TokenType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingWindowsTest {
    private static final long SEED = Long.getLong("test.seed", 20260101);
    private static final int TRAIN_TOKENS = 5000;

    @TempDir
    Path directory;

    /** Token i is i, so a window shows where it was cut. */
    private Shard counting() {
        ShardFixture.write(
                directory,
                TokenType.UINT16,
                TRAIN_TOKENS,
                ShardFixture.tokens(TRAIN_TOKENS, i -> (int) i),
                ShardFixture.tokens(100, i -> (int) i));
        return new ShardStore().open(directory);
    }

    private static Cell cell(int context, long steps, int batch, long unique, long seed) {
        return Cells.of(
                ModelShape.gpt(1, 8, 1, context, TRAIN_TOKENS),
                new DataRule(ShardFixture.CORPUS, steps, batch, unique),
                seed);
    }

    private static int[][] batch(TrainingWindows windows, long step, int batch, int context) {
        int[] inputs = new int[batch * context];
        int[] targets = new int[batch * context];
        windows.batch(step, inputs, targets);
        return new int[][] {inputs, targets};
    }

    @Test
    void aBatchThatWarmsUpReadsOnWhereItsLastStepEnded() {
        int context = 10;
        BatchWarmup warmup = new BatchWarmup(List.of(new BatchWarmup.Stage(4, 1, 1), new BatchWarmup.Stage(3, 2, 1)));
        // 4 · 1 + 3 · 2 + 5 · 4 = 30 windows: one epoch.
        Cell cell = Cells.of(
                ModelShape.gpt(1, 8, 1, context, TRAIN_TOKENS),
                new DataRule(ShardFixture.CORPUS, 12, 4, 300, Optional.of(warmup)),
                0);
        TrainingWindows windows = TrainingWindows.of(cell, counting());
        Set<Integer> seen = new HashSet<>();
        for (long step = 1; step <= 12; step++) {
            int batch = cell.data().sequencesAt(step);
            int[][] tokens = batch(windows, step, batch, context);
            for (int target : tokens[1]) {
                assertThat(seen.add(target))
                        .as("step %d sees %d anew", step, target)
                        .isTrue();
            }
        }
        assertThat(seen).hasSize(300);
        assertThat(windows.epoch(12, 3)).isZero();
        assertThat(windows.epoch(13, 0)).isOne();
        assertThatThrownBy(() -> windows.start(1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void everyTokenIsATargetExactlyOnceAnEpochAndNoneOutsideTheUniqueOnesIsSeen() {
        Random random = new Random(SEED);
        Shard shard = counting();
        for (int round = 0; round < 30; round++) {
            int context = 1 + random.nextInt(20);
            int windows = 1 + random.nextInt(60);
            int unique = Math.max(context + 1, context * windows + random.nextInt(context));
            int perEpoch = unique / context;
            TrainingWindows order = TrainingWindows.of(cell(context, 1_000_000, 1, unique, round), shard);
            assertThat(order.windows()).isEqualTo(perEpoch);
            for (int epoch = 0; epoch < 3; epoch++) {
                List<Integer> targets = new ArrayList<>();
                for (int i = 0; i < perEpoch; i++) {
                    int[][] batch = batch(order, 1L + (long) epoch * perEpoch + i, 1, context);
                    for (int t = 0; t < context; t++) {
                        assertThat(batch[1][t])
                                .as("seed %d round %d", SEED, round)
                                .isEqualTo((batch[0][t] + 1) % unique);
                        targets.add(batch[1][t]);
                    }
                }
                assertThat(new HashSet<>(targets)).hasSize(perEpoch * context);
                assertThat(Collections.max(targets)).isLessThan(unique);
            }
        }
    }

    @Test
    void anyStepIsTheSameWhateverWasAskedBefore() {
        Shard shard = counting();
        int batch = 7;
        int context = 16;
        Cell cell = cell(context, 500, batch, 3000, 1);
        TrainingWindows inOrder = TrainingWindows.of(cell, shard);
        List<int[][]> sequential = new ArrayList<>();
        for (long step = 1; step <= 200; step++) {
            sequential.add(batch(inOrder, step, batch, context));
        }
        List<Long> steps = new ArrayList<>();
        for (long step = 1; step <= 200; step++) {
            steps.add(step);
        }
        Collections.shuffle(steps, new Random(SEED));
        TrainingWindows atRandom = TrainingWindows.of(cell, shard);
        for (long step : steps) {
            assertThat(Arrays.deepEquals(batch(atRandom, step, batch, context), sequential.get((int) step - 1)))
                    .as("step %d, seed %d", step, SEED)
                    .isTrue();
        }
    }

    @Test
    void epochsAndSeedsDifferInOrderAndOffset() {
        Shard shard = counting();
        int context = 16;
        int perEpoch = 4000 / context;
        TrainingWindows one = TrainingWindows.of(cell(context, 1000, 1, 4000, 1), shard);
        TrainingWindows other = TrainingWindows.of(cell(context, 1000, 1, 4000, 2), shard);
        Set<Long> offsets = new HashSet<>();
        for (int epoch = 0; epoch < 20; epoch++) {
            offsets.add(one.start(1L + (long) epoch * perEpoch, 0) % context);
        }
        assertThat(offsets).hasSizeGreaterThan(8);
        assertThat(starts(one, 1, perEpoch)).isNotEqualTo(starts(one, 1L + perEpoch, perEpoch));
        assertThat(starts(one, 1, perEpoch)).isNotEqualTo(starts(other, 1, perEpoch));
    }

    private static List<Long> starts(TrainingWindows windows, long firstStep, int count) {
        List<Long> starts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            starts.add(windows.start(firstStep + i, 0));
        }
        return starts;
    }

    @Test
    void theOrderOfACellNeverChanges() {
        // Golden: a checkpoint of an earlier release must go on with the data it would have seen.
        TrainingWindows windows = TrainingWindows.of(cell(16, 1000, 1, 4000, 1), counting());
        assertThat(starts(windows, 1, 6)).containsExactly(2608L, 3904L, 1856L, 1136L, 3280L, 1232L);
    }

    @Test
    void aPermutationReachesEveryElementOnceForAnySize() {
        for (int size = 1; size < 300; size++) {
            boolean[] reached = new boolean[size];
            Permutation permutation = new Permutation(size, SEED + size);
            for (int i = 0; i < size; i++) {
                int at = (int) permutation.at(i);
                assertThat(reached[at]).as("size %d", size).isFalse();
                reached[at] = true;
            }
        }
    }

    @Test
    void aPermutationIsSpreadEvenlyOverKeys() {
        int size = 10;
        int keys = 20_000;
        int[][] counts = new int[size][size];
        for (int key = 0; key < keys; key++) {
            Permutation permutation = new Permutation(size, Mixing.mix(SEED, key));
            for (int i = 0; i < size; i++) {
                counts[i][(int) permutation.at(i)]++;
            }
        }
        double expected = (double) keys / size;
        double chiSquare = 0;
        for (int[] row : counts) {
            for (int count : row) {
                chiSquare += (count - expected) * (count - expected) / expected;
            }
        }
        // 81 degrees of freedom: mean 81, standard deviation 12.7; six deviations above.
        assertThat(chiSquare).as("seed %d", SEED).isLessThan(157);
    }
}
