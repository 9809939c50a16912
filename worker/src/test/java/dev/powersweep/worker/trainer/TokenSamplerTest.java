package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.SampleRequest;
import dev.powersweep.worker.network.NetworkVectors;
import dev.powersweep.worker.network.TransformerLanguageModel;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Draws from networks that know what comes next. */
class TokenSamplerTest {
    private static final int CONTEXT = 8;
    private static final int VOCABULARY = 5;

    private MultiLayerNetwork network;

    /** Learns that every token is followed by the next one, 0 after the last. */
    @BeforeEach
    void train() {
        network = TransformerLanguageModel.builder()
                .layers(1)
                .width(16)
                .heads(2)
                .context(CONTEXT)
                .vocabulary(VOCABULARY)
                .seed(1)
                .build();
        INDArray inputs = Nd4j.create(DataType.FLOAT, VOCABULARY, CONTEXT);
        INDArray targets = Nd4j.create(DataType.FLOAT, VOCABULARY, CONTEXT);
        for (int row = 0; row < VOCABULARY; row++) {
            for (int at = 0; at < CONTEXT; at++) {
                inputs.putScalar(row, at, (row + at) % VOCABULARY);
                targets.putScalar(row, at, (row + at + 1) % VOCABULARY);
            }
        }
        for (int step = 0; step < 400; step++) {
            network.fit(new DataSet(inputs, targets));
        }
        assertThat(network.score()).isLessThan(0.1);
    }

    @AfterEach
    void close() {
        NetworkVectors.close(network);
    }

    @Test
    void whatTheNetworkKnowsItSaysBeyondItsContext() {
        int[] drawn = sample(new SampleRequest(new int[] {3}, 20, 1, 0, 0));
        for (int i = 0; i < drawn.length; i++) {
            assertThat(drawn[i]).isEqualTo((4 + i) % VOCABULARY);
        }
        assertThat(sample(new SampleRequest(new int[] {3}, 20, 7, 1, 1)))
                .as("the likeliest alone")
                .isEqualTo(drawn);
        int[] longer = new int[3 * CONTEXT];
        for (int i = 0; i < longer.length; i++) {
            longer[i] = i % VOCABULARY;
        }
        assertThat(sample(new SampleRequest(longer, 1, 1, 0, 0))).containsExactly(longer.length % VOCABULARY);
    }

    @Test
    void whenTimeIsUpItSaysWhatItHas() {
        SampleRequest all = new SampleRequest(new int[] {3}, 20, 1, 0, 0, 1e9);
        SampleRequest hasty = new SampleRequest(new int[] {3}, 20, 1, 0, 0, 1e-9);
        assertThat(sample(all)).hasSize(20);
        assertThat(sample(hasty)).containsExactly(sample(all)[0]);
    }

    @Test
    void aSeedDrawsTheSameAgain() {
        SampleRequest hot = new SampleRequest(new int[] {0}, 40, 5, 8, 0);
        assertThat(sample(hot))
                .isEqualTo(sample(hot))
                .isNotEqualTo(sample(new SampleRequest(new int[] {0}, 40, 6, 8, 0)));
    }

    @Test
    void drawsAreAsFrequentAsTheyAreLikely() {
        double[] probabilities = {0.5, 0.25, 0.125, 0.125, 0};
        assertThat(shares(TokenSampler.sharpened(probabilities, asked(1, 0))))
                .containsExactly(probabilities, within(0.01));
        // At half the temperature probabilities are squared: 16, 4, 1, 1 of 22.
        assertThat(shares(TokenSampler.sharpened(probabilities, asked(0.5, 0))))
                .containsExactly(new double[] {16 / 22.0, 4 / 22.0, 1 / 22.0, 1 / 22.0, 0}, within(0.01));
        assertThat(shares(TokenSampler.sharpened(probabilities, asked(1, 2))))
                .containsExactly(new double[] {2 / 3.0, 1 / 3.0, 0, 0, 0}, within(0.01));
    }

    @Test
    void aRequestThatCannotBeMetIsRefused() {
        assertThatThrownBy(() -> new SampleRequest(new int[0], 1, 1, 1, 0)).hasMessageContaining("prompt is empty");
        assertThatThrownBy(() -> new SampleRequest(new int[] {1}, 0, 1, 1, 0)).hasMessageContaining("tokens = 0");
        assertThatThrownBy(() -> asked(Double.NaN, 0)).hasMessageContaining("temperature = NaN");
        assertThatThrownBy(() -> asked(1, -1)).hasMessageContaining("topK = -1");
        assertThatThrownBy(() -> sample(new SampleRequest(new int[] {VOCABULARY}, 1, 1, 1, 0)))
                .hasMessageContaining("outside the network's vocabulary");
    }

    private static SampleRequest asked(double temperature, int topK) {
        return new SampleRequest(new int[] {0}, 1, 1, temperature, topK);
    }

    private static double[] shares(double[] weights) {
        SplittableRandom random = new SplittableRandom(3);
        double[] shares = new double[weights.length];
        int draws = 100_000;
        for (int i = 0; i < draws; i++) {
            shares[TokenSampler.draw(weights, random.nextDouble())] += 1.0 / draws;
        }
        return Arrays.copyOf(shares, shares.length);
    }

    private int[] sample(SampleRequest request) {
        return new TokenSampler(network, CONTEXT, VOCABULARY).sample(request);
    }
}
