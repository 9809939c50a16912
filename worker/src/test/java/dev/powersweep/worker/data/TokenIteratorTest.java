package dev.powersweep.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.network.TransformerLanguageModel;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.listeners.CheckpointListener;
import org.deeplearning4j.optimize.listeners.EvaluativeListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/** Our shards, and anybody's tokens, under Deeplearning4j's own loop. */
class TokenIteratorTest {

    @TempDir
    Path folder;

    private static List<List<Integer>> windows(TokenIterator iterator) {
        List<List<Integer>> all = new ArrayList<>();
        while (iterator.hasNext()) {
            DataSet batch = iterator.next();
            for (int row = 0; row < batch.numExamples(); row++) {
                int[] inputs = batch.getFeatures().getRow(row).toIntVector();
                int[] targets = batch.getLabels().getRow(row).toIntVector();
                assertThat(IntStream.range(0, inputs.length - 1).map(i -> inputs[i + 1]))
                        .containsExactly(IntStream.range(0, targets.length - 1)
                                .map(i -> targets[i])
                                .boxed()
                                .toArray(Integer[]::new));
                all.add(IntStream.concat(IntStream.of(inputs), IntStream.of(targets[targets.length - 1]))
                        .boxed()
                        .toList());
            }
        }
        return all;
    }

    @Test
    void anEpochOfTrainingHasEveryTokenAsATargetOnceInAnotherOrderEachTime() {
        ShardFixture.write(folder, TokenType.UINT16, 1000, ShardFixture.tokens(120, i -> (int) i), new int[] {1});
        TokenIterator iterator = TokenIterator.training(folder, 8, 4, 7);
        List<List<Integer>> first = windows(iterator);
        assertThat(first).hasSize(15);
        assertThat(first.stream().flatMap(window -> window.subList(1, 9).stream()))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, 120).boxed().toList());
        assertThatThrownBy(iterator::next).isInstanceOf(NoSuchElementException.class);
        iterator.reset();
        assertThat(windows(iterator)).hasSize(15).isNotEqualTo(first);
        assertThat(windows(TokenIterator.training(folder, 8, 4, 7))).isEqualTo(first);
        assertThat(windows(TokenIterator.training(folder, 8, 4, 8))).isNotEqualTo(first);
        assertThat(iterator.totalOutcomes()).isEqualTo(1000);
        assertThat(iterator.inputColumns()).isEqualTo(8);
        assertThat(iterator.batch()).isEqualTo(4);
    }

    @Test
    void heldOutTokensAndOnesOwnComeInTheirOrderAgainAndAgain() {
        int[] tokens = ShardFixture.tokens(20, i -> (int) i);
        ShardFixture.write(folder, TokenType.UINT8, 256, tokens, tokens);
        for (TokenIterator iterator : List.of(
                TokenIterator.evaluation(folder, ShardManifest.VALIDATION, 6, 2),
                TokenIterator.of(tokens, 256, 6, 2))) {
            List<List<Integer>> windows = windows(iterator);
            assertThat(windows)
                    .containsExactly(
                            List.of(0, 1, 2, 3, 4, 5, 6),
                            List.of(6, 7, 8, 9, 10, 11, 12),
                            List.of(12, 13, 14, 15, 16, 17, 18));
            iterator.reset();
            assertThat(windows(iterator)).isEqualTo(windows);
        }
    }

    @Test
    void oneHotLabelsSayTheSame() {
        int[] tokens = {3, 1, 4, 1, 5};
        DataSet batch = TokenIterator.of(tokens, 7, 4, 1).oneHot().next();
        assertThat(batch.getLabels().shape()).containsExactly(1, 7, 4);
        assertThat(batch.getLabels().sumNumber().intValue()).isEqualTo(4);
        for (int i = 0; i < 4; i++) {
            assertThat(batch.getLabels().getInt(0, tokens[i + 1], i)).isOne();
        }
    }

    @Test
    void deeplearning4jTrainsAndEvaluatesOnAShardUnderItsListeners() throws Exception {
        Path shard = folder.resolve("shard");
        ShardFixture.words(shard, 1, 6_000, 1_000);
        MultiLayerNetwork network = TransformerLanguageModel.builder()
                .layers(1)
                .width(16)
                .heads(2)
                .context(16)
                .vocabulary(256)
                .updater(new Adam(1e-2))
                .build();
        TokenIterator training = TokenIterator.training(shard, 16, 8, 1);
        TokenIterator held = TokenIterator.evaluation(shard, ShardManifest.VALIDATION, 16, 8);
        double before = network.score(held.next());
        List<Double> scores = new ArrayList<>();
        EvaluativeListener evaluations = new EvaluativeListener(held.oneHot(), 20);
        network.setListeners(
                new BaseTrainingListener() {
                    @Override
                    public void iterationDone(Model model, int iteration, int epoch) {
                        scores.add(model.score());
                    }
                },
                new ScoreIterationListener(20),
                new PerformanceListener(20),
                evaluations,
                new CheckpointListener.Builder(folder.toFile())
                        .keepLast(1)
                        .saveEveryNIterations(40)
                        .build());
        network.fit(training, 2);
        assertThat(scores).hasSize(2 * (int) Math.ceil(6_000 / 16 / 8.0));
        held.reset();
        assertThat(network.score(held.next())).isLessThan(before - 1.5);
        Evaluation evaluation = network.evaluate(held.oneHot());
        double right = 0;
        double all = 0;
        held.reset();
        while (held.hasNext()) {
            DataSet batch = held.next();
            INDArray likeliest = Nd4j.argMax(network.output(batch.getFeatures()), 1);
            right += likeliest
                    .castTo(DataType.FLOAT)
                    .eq(batch.getLabels())
                    .castTo(DataType.INT)
                    .sumNumber()
                    .intValue();
            all += batch.getLabels().length();
        }
        assertThat(evaluation.accuracy()).isCloseTo(right / all, within(1e-9)).isGreaterThan(0.2);
        assertThat(evaluations.getEvaluations()).isNotEmpty();
        try (Stream<Path> files = Files.list(folder)) {
            Path saved = files.filter(file -> file.toString().endsWith(".zip"))
                    .findAny()
                    .orElseThrow();
            // Deeplearning4j saves before it counts the iteration.
            assertThat(TransformerLanguageModel.restore(saved).getIterationCount())
                    .isEqualTo(80);
        }
    }

    @Test
    void tokensAndWindowsBeyondTheNetworkAreRefusedByItsFit() {
        MultiLayerNetwork network = TransformerLanguageModel.builder()
                .layers(1)
                .width(8)
                .heads(1)
                .context(4)
                .vocabulary(9)
                .build();
        assertThatThrownBy(() -> network.fit(TokenIterator.of(new int[] {1, 2, 3, 9, 4, 5}, 10, 4, 2)))
                .hasMessage(
                        "features hold the token 9.0, outside the network's vocabulary of 9; use the tokenizer it was"
                                + " made for");
        assertThatThrownBy(() -> network.fit(TokenIterator.of(new int[] {1, 2, 3, 4, 9}, 10, 4, 2)))
                .hasMessageStartingWith("labels hold the token 9.0, outside the network's vocabulary of 9");
        assertThatThrownBy(() -> network.fit(TokenIterator.of(new int[] {1, 2, 3, 4, 5, 6}, 9, 5, 2)))
                .hasMessage("features have windows of 5 tokens, and the network a context of 4; give [sequences, 4]");
    }

    @Test
    void tooLittleIsRefusedInASentence() {
        ShardFixture.write(folder, TokenType.UINT8, 256, new int[] {1, 2, 3}, new int[] {1, 2, 3});
        assertThatThrownBy(() -> TokenIterator.training(folder, 3, 2, 1))
                .isInstanceOf(ShardException.class)
                .hasMessageContaining("has 3 training tokens; a sequence needs context + 1");
        assertThatThrownBy(() -> TokenIterator.evaluation(folder, ShardManifest.VALIDATION, 3, 2))
                .isInstanceOf(ShardException.class)
                .hasMessageContaining("context = 3 is too long for the evaluation set 'validation'");
        assertThatThrownBy(() -> TokenIterator.of(new int[] {1, 2, 3}, 5, 3, 2))
                .hasMessage("context = 3 is too long for 3 tokens; a window needs context + 1 of them");
        assertThatThrownBy(() -> TokenIterator.of(new int[] {1, 2, 3}, 5, 2, 0))
                .hasMessage("context = 2 and batchSequences = 0 must be at least 1");
    }
}
