package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.SampleRequest;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Tokens drawn one after the other, each from what a network expects after those before it. */
final class TokenSampler {
    private final MultiLayerNetwork network;
    private final int context;
    private final int vocabulary;

    /** @param network that gives probabilities [1, vocabulary, context] for token ids [1, context] */
    TokenSampler(MultiLayerNetwork network, int context, int vocabulary) {
        this.network = network;
        this.context = context;
        this.vocabulary = vocabulary;
    }

    /** @throws IllegalArgumentException when the prompt holds a token outside the vocabulary */
    int[] sample(SampleRequest request) {
        int prompt = request.prompt().length;
        int[] tokens = Arrays.copyOf(request.prompt(), Math.addExact(prompt, request.tokens()));
        SplittableRandom random = new SplittableRandom(request.seed());
        long begin = System.nanoTime();
        int known = prompt;
        while (known < tokens.length && (known == prompt || !late(request, begin))) {
            double[] expected = expected(tokens, known);
            tokens[known] = request.temperature() == 0
                    ? likeliest(expected)
                    : draw(sharpened(expected, request), random.nextDouble());
            known++;
        }
        return Arrays.copyOfRange(tokens, prompt, known);
    }

    private static boolean late(SampleRequest request, long begin) {
        return request.mostSeconds() > 0 && (System.nanoTime() - begin) / 1e9 > request.mostSeconds();
    }

    /** Probabilities [vocabulary] of the token after the first {@code known}, by the newest context of them. */
    private double[] expected(int[] tokens, int known) {
        int seen = Math.min(known, context);
        // A token sees none behind it: what the window holds after the last one known makes no difference.
        INDArray window = Nd4j.zeros(DataType.FLOAT, 1, context);
        for (int i = 0; i < seen; i++) {
            window.putScalar(0, i, tokens[known - seen + i]);
        }
        return network.output(window)
                .get(NDArrayIndex.point(0), NDArrayIndex.interval(0, vocabulary), NDArrayIndex.point(seen - 1))
                .toDoubleVector();
    }

    /** Weights p^(1/temperature) of the {@code topK} likeliest, and zero for the others. */
    static double[] sharpened(double[] probabilities, SampleRequest request) {
        double largest = Arrays.stream(probabilities).max().orElseThrow();
        double least = 0;
        if (request.topK() > 0 && request.topK() < probabilities.length) {
            double[] sorted = probabilities.clone();
            Arrays.sort(sorted);
            least = sorted[sorted.length - request.topK()];
        }
        double[] weights = new double[probabilities.length];
        for (int i = 0; i < weights.length; i++) {
            if (probabilities[i] >= least && probabilities[i] > 0) {
                weights[i] = Math.exp((Math.log(probabilities[i]) - Math.log(largest)) / request.temperature());
            }
        }
        return weights;
    }

    /** @param uniform in [0, 1) */
    static int draw(double[] weights, double uniform) {
        double left = uniform * Arrays.stream(weights).sum();
        int last = 0;
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                last = i;
                left -= weights[i];
                if (left < 0) {
                    return i;
                }
            }
        }
        // Rounding: the weights in another order would sum to a little less.
        return last;
    }

    private static int likeliest(double[] probabilities) {
        int best = 0;
        for (int i = 1; i < probabilities.length; i++) {
            if (probabilities[i] > probabilities[best]) {
                best = i;
            }
        }
        return best;
    }
}
