package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextTest {
    private static final long SEED = Long.getLong("test.seed", 1);

    @Test
    void utf8IsWhatTheJdkDecodes() {
        SplittableRandom random = new SplittableRandom(SEED);
        int malformed = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] text = ("plain text é € 𝄞 " + (char) random.nextInt(0x400, 0xd800))
                    .repeat(2)
                    .getBytes(StandardCharsets.UTF_8);
            for (int i = random.nextInt(3); i > 0; i--) {
                text[random.nextInt(text.length)] = (byte) random.nextInt(256);
            }
            int found = Utf8.firstMalformed(text, 0, text.length);
            assertThat(found < 0).isEqualTo(decodes(text, text.length));
            if (found >= 0) {
                malformed++;
                assertThat(decodes(text, found)).isTrue();
            }
        }
        assertThat(malformed).isBetween(5_000, 19_000);
    }

    private static boolean decodes(byte[] text, int length) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text, 0, length));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    @Test
    void blocksAreBoundedCoverTheTextAndPreferParagraphs() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 50; round++) {
            StringBuilder text = new StringBuilder();
            int lineEvery = 1 + random.nextInt(20_000);
            for (int i = 0; i < 30_000; i++) {
                text.append(random.nextInt(lineEvery) == 0 ? "\n" : random.nextInt(6) == 0 ? " " : "ü");
            }
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            int start = 0;
            while (start < bytes.length) {
                int end = BlockCutter.end(bytes, start, bytes.length);
                assertThat(end - start).isBetween(1, BlockCutter.MOST);
                if (end < bytes.length) {
                    assertThat(end - start).isGreaterThanOrEqualTo(BlockCutter.LEAST);
                    assertThat(Utf8.isContinuation(bytes[end])).isFalse();
                }
                start = end;
            }
        }
        byte[] prose = ("x".repeat(79) + "\n").repeat(55).getBytes(StandardCharsets.UTF_8);
        byte[] paragraphs =
                (new String(prose, StandardCharsets.UTF_8) + "\n").repeat(3).getBytes(StandardCharsets.UTF_8);
        assertThat(BlockCutter.end(paragraphs, 0, paragraphs.length)).isEqualTo(prose.length + 1);
    }

    @Test
    void piecesOfAFileAreTheFileWhateverItsLines(@TempDir Path folder) throws IOException {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int lineBytes : new int[] {50, 100_000, 40_000_000}) {
            byte[] text = new byte[PieceReader.PIECE_BYTES * 2 + 12_345];
            Arrays.fill(text, (byte) 'x');
            for (int i = 0; i < text.length; i += 1 + random.nextInt(lineBytes)) {
                text[i] = '\n';
            }
            // A character of three bytes across the first boundary.
            byte[] euro = "€".getBytes(StandardCharsets.UTF_8);
            System.arraycopy(euro, 0, text, PieceReader.PIECE_BYTES - 1, euro.length);
            Path file = folder.resolve("text-" + lineBytes);
            Files.write(file, text);
            Configuration configuration = new Configuration();
            PieceReader reader = new PieceReader(configuration, Malformed.FAIL);
            SourceFile source = new SourceFile(file.toString(), text.length, InputKind.TEXT, Compression.NONE);
            ByteArrayOutputStream joined = new ByteArrayOutputStream();
            for (PieceReader.Assignment assignment : PieceReader.assignments(0, List.of(source))) {
                Piece piece = reader.read(assignment).next();
                assertThat(piece.problem()).isEmpty();
                joined.writeBytes(piece.bytes());
            }
            assertThat(Arrays.equals(joined.toByteArray(), text)).isTrue();
        }
    }

    @Test
    void theHeldOutShareIsTheOneAskedFor() {
        MessageDigest sha256 = BlockHash.sha256();
        int held = 0;
        int both = 0;
        int blocks = 20_000;
        for (int i = 0; i < blocks; i++) {
            byte[] text = Integer.toString(i).getBytes(StandardCharsets.US_ASCII);
            BlockHash hash = BlockHash.of(sha256, text, 0, text.length);
            held += hash.heldOut(50) ? 1 : 0;
            both += hash.heldOut(50) && hash.sampled(0.5) ? 1 : 0;
        }
        assertThat(held).isBetween(900, 1100);
        assertThat(both).isBetween(held / 2 - 70, held / 2 + 70);
    }

    @Test
    void theBundledTextIsEnglishGlossesEachOnceAndMixed() {
        byte[] text = WordNetText.read();
        List<String> lines = new String(text, StandardCharsets.UTF_8).lines().toList();
        Set<String> distinct = new HashSet<>(lines);
        assertThat(distinct).hasSize(lines.size());
        assertThat(text.length).isBetween(8_500_000, 9_100_000);
        assertThat(lines)
                .hasSizeBetween(110_000, 118_000)
                .contains(
                        "that which is perceived or known or inferred to have its own distinct existence (living or nonliving)")
                .noneMatch(line -> line.contains(" | ") || line.isBlank());
        assertThat(WordNetText.read()).isEqualTo(text);
    }
}
