package dev.powersweep.orchestrator.corpus;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What one pass over the blocks of a corpus gives: for every set its bytes and the sum of its blocks' hashes, which is the
 * same in any order. Merging is associative and commutative.
 */
final class CorpusDigest implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final int HASH_BYTES = 8;
    /** Different blocks from which on text is not called repeating. */
    static final int MANY = 64;

    private final long[][] sums;
    private final long[] blocks;
    private final long[] bytes;
    private long withoutText;
    /** Orders of different blocks of the corpus's own text, as many as tell whether it repeats. */
    private final TreeSet<Long> different = new TreeSet<>();

    private String firstProblem = "";

    /** @param sets training text, held-out text, then extra sets */
    CorpusDigest(int sets) {
        sums = new long[sets][4];
        blocks = new long[sets];
        bytes = new long[sets];
    }

    void add(int set, BlockHash hash, int length) {
        long[] sum = sums[set];
        sum[0] += hash.order();
        sum[1] += hash.split();
        sum[2] += hash.sample();
        sum[3] += hash.tie();
        blocks[set]++;
        bytes[set] += length;
        if (set <= CorpusRecipe.VALIDATION && different.size() < MANY) {
            different.add(hash.order());
        }
    }

    void addWithoutText(int rows) {
        withoutText += rows;
    }

    void add(String problem) {
        firstProblem = first(firstProblem, problem);
    }

    CorpusDigest merge(CorpusDigest other) {
        for (int set = 0; set < sums.length; set++) {
            for (int i = 0; i < sums[set].length; i++) {
                sums[set][i] += other.sums[set][i];
            }
            blocks[set] += other.blocks[set];
            bytes[set] += other.bytes[set];
        }
        withoutText += other.withoutText;
        if (different.size() < MANY) {
            different.addAll(other.different);
        }
        firstProblem = first(firstProblem, other.firstProblem);
        return this;
    }

    /** The first in alphabetical order, so that every run names the same one. */
    private static String first(String a, String b) {
        return a.isEmpty() ? b : b.isEmpty() || a.compareTo(b) <= 0 ? a : b;
    }

    Optional<String> problem() {
        return firstProblem.isEmpty() ? Optional.empty() : Optional.of(firstProblem);
    }

    long bytes(int set) {
        return bytes[set];
    }

    long blocks(int set) {
        return blocks[set];
    }

    /** Rows and lines that hold no text. */
    long withoutText() {
        return withoutText;
    }

    /** Different blocks of the corpus's own text; {@value #MANY} or more count as many. */
    int differentBlocks() {
        return different.size();
    }

    /**
     * The corpus's identity: sixteen hexadecimal digits.
     *
     * @param recipe everything beside the text that decides the tokens
     */
    String hash(String recipe) {
        MessageDigest sha256 = BlockHash.sha256();
        sha256.update(recipe.getBytes(StandardCharsets.UTF_8));
        for (int set = 0; set < sums.length; set++) {
            ByteBuffer buffer = ByteBuffer.allocate(6 * Long.BYTES);
            Arrays.stream(sums[set]).forEach(buffer::putLong);
            buffer.putLong(blocks[set]).putLong(bytes[set]);
            sha256.update(buffer.array());
        }
        return HexFormat.of().formatHex(sha256.digest(), 0, HASH_BYTES);
    }
}
