package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class BytePairsTest {
    private static final long SEED = Long.getLong("test.seed", 1);

    @Test
    void wordsAreCutAtTheirBeginnings() {
        assertThat(words("It's 12345 o'clock,  dear!\n\n  “Ünïcode”"))
                .containsExactly(
                        "It", "'s", " 123", "45", " o", "'clock", ",", " ", " dear", "!", "\n\n ", " “Ünïcode”");
    }

    @Test
    void wordsAlwaysPutTheTextTogetherAgain() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 200; round++) {
            byte[] text = new byte[1 + random.nextInt(500)];
            for (int i = 0; i < text.length; i++) {
                text[i] = (byte) (random.nextInt(4) == 0 ? random.nextInt(256) : "aB 1'\n.".charAt(random.nextInt(7)));
            }
            int start = 0;
            while (start < text.length) {
                int end = WordScanner.end(text, start, text.length, 0);
                assertThat(end).isGreaterThan(start).isLessThanOrEqualTo(Math.min(text.length, start + 70));
                start = end;
            }
        }
    }

    /** The definition, recounting every pair at every merge. */
    @Test
    void mergesAreThoseOfTheDefinition() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 20; round++) {
            List<byte[]> words = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                byte[] word = new byte[1 + random.nextInt(8)];
                for (int k = 0; k < word.length; k++) {
                    word[k] = (byte) ('a' + random.nextInt(3));
                }
                words.add(word);
            }
            long[] counts =
                    words.stream().mapToLong(word -> 1 + random.nextInt(20)).toArray();
            BytePairs pairs = BytePairTrainer.train(words, counts, 25);
            List<String> merges = new ArrayList<>();
            for (int i = 0; i < pairs.left().length; i++) {
                merges.add(pairs.left()[i] + "+" + pairs.right()[i]);
            }
            assertThat(merges).isEqualTo(naiveMerges(words, counts, 25));
        }
    }

    private static List<String> naiveMerges(List<byte[]> words, long[] counts, int merges) {
        List<List<Integer>> tokens = words.stream()
                .map(word -> {
                    List<Integer> list = new ArrayList<>();
                    for (byte value : word) {
                        list.add(value & 0xff);
                    }
                    return list;
                })
                .collect(Collectors.toList());
        List<String> result = new ArrayList<>();
        for (int merge = 0; merge < merges; merge++) {
            Map<List<Integer>, Long> found = new HashMap<>();
            for (int word = 0; word < tokens.size(); word++) {
                List<Integer> list = tokens.get(word);
                for (int i = 0; i + 1 < list.size(); i++) {
                    found.merge(List.of(list.get(i), list.get(i + 1)), counts[word], Long::sum);
                }
            }
            List<Integer> best = null;
            for (Map.Entry<List<Integer>, Long> entry : found.entrySet()) {
                if (entry.getValue() >= 2 && (best == null || better(entry, best, found.get(best)))) {
                    best = entry.getKey();
                }
            }
            if (best == null) {
                break;
            }
            result.add(best.get(0) + "+" + best.get(1));
            for (List<Integer> list : tokens) {
                for (int i = 0; i + 1 < list.size(); i++) {
                    if (list.get(i).equals(best.get(0)) && list.get(i + 1).equals(best.get(1))) {
                        list.set(i, 256 + merge);
                        list.remove(i + 1);
                    }
                }
            }
        }
        return result;
    }

    private static boolean better(Map.Entry<List<Integer>, Long> entry, List<Integer> best, long bestCount) {
        if (entry.getValue() != bestCount) {
            return entry.getValue() > bestCount;
        }
        int byLeft = Integer.compare(entry.getKey().get(0), best.get(0));
        return byLeft < 0 || (byLeft == 0 && entry.getKey().get(1) < best.get(1));
    }

    @Test
    void encodingIsLosslessAndTheFileHoldsTheMerges() throws IOException {
        byte[] text = "the cat sat on the mat; the cat's hat is on the mat — 1234567 naïve\n"
                .repeat(20)
                .getBytes(StandardCharsets.UTF_8);
        List<byte[]> words = new ArrayList<>();
        Map<String, Long> counts = new HashMap<>();
        for (String word : words(new String(text, StandardCharsets.UTF_8))) {
            counts.merge(word, 1L, Long::sum);
        }
        counts.keySet().stream().sorted().forEach(word -> words.add(word.getBytes(StandardCharsets.UTF_8)));
        long[] ordered =
                counts.keySet().stream().sorted().mapToLong(counts::get).toArray();
        BytePairs trained = BytePairTrainer.train(words, ordered, 40);
        BytePairs pairs = BytePairs.fromJson(trained.json());
        assertThat(pairs.left()).isEqualTo(trained.left());
        assertThat(pairs.right()).isEqualTo(trained.right());
        byte[] stored = new BlockEncoder.Pairs(pairs).encode(text, 0, text.length);
        StringBuilder decoded = new StringBuilder();
        for (int i = 0; i < stored.length; i += 2) {
            int token = (stored[i] & 0xff) | (stored[i + 1] & 0xff) << 8;
            decoded.append(new String(pairs.bytes(token), StandardCharsets.ISO_8859_1));
        }
        assertThat(decoded.toString().getBytes(StandardCharsets.ISO_8859_1)).isEqualTo(text);
        assertThat(stored.length / 2).isLessThan(text.length / 2);
    }

    @Test
    void wordTablesNumberWordsInOrderOfArrival() {
        SplittableRandom random = new SplittableRandom(SEED);
        WordTable table = new WordTable();
        Map<String, Integer> expected = new HashMap<>();
        for (int i = 0; i < 50_000; i++) {
            byte[] word = Integer.toString(random.nextInt(20_000), 3).getBytes(StandardCharsets.US_ASCII);
            String key = new String(word, StandardCharsets.US_ASCII);
            expected.putIfAbsent(key, expected.size());
            assertThat(table.number(word, 0, word.length)).isEqualTo(expected.get(key));
        }
        expected.forEach(
                (word, number) -> assertThat(table.word(number)).asString().isEqualTo(word));
    }

    private static List<String> words(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        List<String> words = new ArrayList<>();
        int start = 0;
        while (start < bytes.length) {
            int end = WordScanner.end(bytes, start, bytes.length, 0);
            words.add(new String(Arrays.copyOfRange(bytes, start, end), StandardCharsets.UTF_8));
            start = end;
        }
        return words;
    }
}
