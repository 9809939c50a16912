package dev.powersweep.worker.network;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Token ids out of arrays of users. */
final class Tokens {

    private Tokens() {}

    /**
     * @param array ids [sequences, context], or one-hot [sequences, vocabulary, context]
     * @param what they are, for the message
     * @return [sequences, context], row-major
     * @throws IllegalArgumentException when the array has another shape or an id outside the vocabulary
     */
    static int[] of(INDArray array, int context, long vocabulary, String what) {
        INDArray ids = array;
        if (array.rank() == 3 && array.size(1) == vocabulary) {
            ids = Nd4j.argMax(array, 1);
        } else if (array.rank() != 2) {
            throw new IllegalArgumentException(
                    what + " of rank " + array.rank() + " are no tokens; give ids [sequences, " + context + "]");
        }
        if (ids.size(1) != context) {
            throw new IllegalArgumentException(what + " have windows of " + ids.size(1)
                    + " tokens, and the network a context of " + context + "; give [sequences, " + context + "]");
        }
        double[] numbers = ids.dup('c').data().asDouble();
        int[] tokens = new int[numbers.length];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = (int) numbers[i];
            if (tokens[i] != numbers[i] || tokens[i] < 0 || tokens[i] >= vocabulary) {
                throw new IllegalArgumentException(
                        what + " hold the token " + numbers[i] + ", outside the network's vocabulary of " + vocabulary
                                + "; use the tokenizer it was made for");
            }
        }
        return tokens;
    }
}
