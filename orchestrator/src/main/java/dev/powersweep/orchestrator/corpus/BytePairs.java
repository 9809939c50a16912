package dev.powersweep.orchestrator.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
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
    private static final String FORMAT = "powersweep-bpe-1";

    int vocabulary() {
        return BYTES + left.length;
    }

    /** The bytes a token stands for. */
    byte[] bytes(int token) {
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

    static BytePairs fromJson(String json) throws IOException {
        int[][] merges = new ObjectMapper()
                .convertValue(new ObjectMapper().readTree(json).get("merges"), int[][].class);
        int[] left = new int[merges.length];
        int[] right = new int[merges.length];
        for (int i = 0; i < merges.length; i++) {
            left[i] = merges[i][0];
            right[i] = merges[i][1];
        }
        return new BytePairs(left, right);
    }
}
