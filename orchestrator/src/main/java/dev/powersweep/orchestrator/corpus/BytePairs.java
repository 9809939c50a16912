package dev.powersweep.orchestrator.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.spec.TokenizerSpec;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A trained byte-level byte-pair encoding: tokens 0 … 255 are the bytes, token 256 + r is the pair merged r-th.
 *
 * @param left first token of each merge
 * @param right second token of each merge
 */
record BytePairs(int[] left, int[] right) implements Serializable {
    static final int BYTES = 256;
    static final String FILE_NAME = "bpe.json";
    /** No word of a text is nearly as long. */
    private static final int MOST_TOKEN_BYTES = 1 << 16;

    private static final String FORMAT = "powersweep-bpe-1";

    int vocabulary() {
        return BYTES + left.length;
    }

    /** The bytes a token stands for. */
    byte[] bytes(int token) {
        if (token < 0 || token >= vocabulary()) {
            throw new IllegalArgumentException("token " + token + " is none of the " + vocabulary()
                    + " that the corpus's tokenizer knows: the cell was trained on another corpus");
        }
        if (token < BYTES) {
            return new byte[] {(byte) token};
        }
        byte[] first = bytes(left[token - BYTES]);
        byte[] second = bytes(right[token - BYTES]);
        byte[] result = new byte[first.length + second.length];
        System.arraycopy(first, 0, result, 0, first.length);
        System.arraycopy(second, 0, result, first.length, second.length);
        return result;
    }

    String json() {
        List<int[]> merges = new ArrayList<>();
        for (int i = 0; i < left.length; i++) {
            merges.add(new int[] {left[i], right[i]});
        }
        try {
            return new ObjectMapper()
                    .writeValueAsString(Map.of("format", FORMAT, "words", "powersweep-words-1", "merges", merges));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** @throws IOException with the reason where it is none of ours: whoever may write to a sweep's directory made it */
    static BytePairs fromJson(String json) throws IOException {
        int[][] merges = new ObjectMapper()
                .convertValue(new ObjectMapper().readTree(json).path("merges"), int[][].class);
        if (merges == null || merges.length > TokenizerSpec.LARGEST_VOCABULARY - BYTES) {
            throw new IOException(FILE_NAME + " lists no merges, or too many");
        }
        int[] left = new int[merges.length];
        int[] right = new int[merges.length];
        int[] lengths = new int[BYTES + merges.length];
        Arrays.fill(lengths, 0, BYTES, 1);
        for (int i = 0; i < merges.length; i++) {
            if (merges[i] == null || merges[i].length != 2 || !below(BYTES + i, merges[i])) {
                throw new IOException("merge " + i + " of " + FILE_NAME + " is no pair of tokens before it");
            }
            left[i] = merges[i][0];
            right[i] = merges[i][1];
            lengths[BYTES + i] = lengths[left[i]] + lengths[right[i]];
            if (lengths[BYTES + i] > MOST_TOKEN_BYTES) {
                throw new IOException(
                        "token " + (BYTES + i) + " of " + FILE_NAME + " has more than " + MOST_TOKEN_BYTES + " bytes");
            }
        }
        return new BytePairs(left, right);
    }

    private static boolean below(int limit, int[] tokens) {
        return Arrays.stream(tokens).allMatch(token -> token >= 0 && token < limit);
    }
}
