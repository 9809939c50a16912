package dev.powersweep.orchestrator.corpus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Byte-pair encoding (Sennrich et al. 2016) over distinct words with their counts: the commonest pair is merged again and
 * again, ties going to the smaller tokens, and only the words that hold a merged pair are looked at again.
 */
final class BytePairTrainer {
    private static final int LEAST_COUNT = 2;

    /** A pair's count over all words, and the words that have held it (some may no longer). */
    private static final class Pair {
        final long key;
        long count;
        int[] words = new int[4];
        int size;

        Pair(long key) {
            this.key = key;
        }

        void add(int word) {
            if (size > 0 && words[size - 1] == word) {
                return;
            }
            if (size == words.length) {
                words = Arrays.copyOf(words, 2 * size);
            }
            words[size++] = word;
        }
    }

    /** A pair with the count it had when it was put in the queue. */
    private record Queued(long count, long key) {}

    private final int[][] words;
    private final long[] counts;
    private final Map<Long, Pair> pairs = new HashMap<>();
    private final PriorityQueue<Queued> queue = new PriorityQueue<>(
            Comparator.comparingLong(Queued::count).reversed().thenComparingLong(Queued::key));

    private BytePairTrainer(List<byte[]> texts, long[] counts) {
        this.words = new int[texts.size()][];
        this.counts = counts;
        for (int word = 0; word < words.length; word++) {
            byte[] text = texts.get(word);
            int[] tokens = new int[text.length];
            for (int i = 0; i < text.length; i++) {
                tokens[i] = text[i] & 0xff;
            }
            words[word] = tokens;
            for (int i = 0; i + 1 < tokens.length; i++) {
                Pair pair = pairs.computeIfAbsent(key(tokens[i], tokens[i + 1]), Pair::new);
                pair.count += counts[word];
                pair.add(word);
            }
        }
        pairs.values().forEach(pair -> queue.add(new Queued(pair.count, pair.key)));
    }

    /**
     * Fewer merges than asked for come out where no pair occurs twice any more.
     *
     * @param texts distinct words, in an order that is the same every time
     * @param counts how often each occurs
     */
    static BytePairs train(List<byte[]> texts, long[] counts, int merges) {
        return new BytePairTrainer(texts, counts).run(merges);
    }

    private BytePairs run(int merges) {
        int[] left = new int[merges];
        int[] right = new int[merges];
        int done = 0;
        while (done < merges) {
            Queued top = queue.poll();
            if (top == null || top.count < LEAST_COUNT) {
                break;
            }
            Pair pair = pairs.get(top.key);
            if (pair == null) {
                continue;
            }
            if (pair.count != top.count) {
                if (pair.count >= LEAST_COUNT) {
                    queue.add(new Queued(pair.count, pair.key));
                }
                continue;
            }
            left[done] = (int) (top.key >>> Integer.SIZE);
            right[done] = (int) top.key;
            merge(pair, left[done], right[done], BytePairs.BYTES + done);
            done++;
        }
        return new BytePairs(Arrays.copyOf(left, done), Arrays.copyOf(right, done));
    }

    private void merge(Pair merged, int left, int right, int token) {
        List<Pair> grown = new ArrayList<>();
        for (int k = 0; k < merged.size; k++) {
            int word = merged.words[k];
            int[] old = words[word];
            int at = find(old, left, right);
            if (at < 0) {
                continue;
            }
            long count = counts[word];
            for (int i = 0; i + 1 < old.length; i++) {
                pairs.get(key(old[i], old[i + 1])).count -= count;
            }
            int[] tokens = new int[old.length];
            int length = 0;
            for (int i = 0; i < old.length; i++) {
                if (i + 1 < old.length && old[i] == left && old[i + 1] == right) {
                    tokens[length++] = token;
                    i++;
                } else {
                    tokens[length++] = old[i];
                }
            }
            tokens = Arrays.copyOf(tokens, length);
            words[word] = tokens;
            for (int i = 0; i + 1 < length; i++) {
                Pair pair = pairs.computeIfAbsent(key(tokens[i], tokens[i + 1]), Pair::new);
                if (tokens[i] == token || tokens[i + 1] == token) {
                    if (pair.size == 0) {
                        grown.add(pair);
                    }
                    pair.add(word);
                }
                pair.count += count;
            }
        }
        // Counts of older pairs only fall here, and the queue notices that when they come up.
        grown.forEach(pair -> queue.add(new Queued(pair.count, pair.key)));
        pairs.remove(merged.key);
    }

    private static int find(int[] tokens, int left, int right) {
        for (int i = 0; i + 1 < tokens.length; i++) {
            if (tokens[i] == left && tokens[i + 1] == right) {
                return i;
            }
        }
        return -1;
    }

    private static long key(int left, int right) {
        return ((long) left << Integer.SIZE) | right;
    }
}
