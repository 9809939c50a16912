package dev.powersweep.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.ShardManifest.TokenFile;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ShardStoreTest {
    @TempDir
    Path directory;

    private Path train;

    @BeforeEach
    void writeShard() {
        ShardFixture.write(
                directory,
                TokenType.UINT16,
                1000,
                ShardFixture.tokens(1000, i -> (int) (i * 7 % 1000)),
                ShardFixture.tokens(40, i -> (int) i));
        train = directory.resolve("train.bin");
    }

    private ShardException refusal() {
        return refusal(Cells.of(ModelShape.gpt(1, 8, 1, 16, 1000), new DataRule(ShardFixture.CORPUS, 10, 2, 500), 0));
    }

    private ShardException refusal(Cell cell) {
        try {
            Shard shard = new ShardStore().open(directory);
            TrainingWindows.of(cell, shard);
            cell.evaluation().sets().forEach(set -> EvaluationWindows.of(cell, shard, set));
        } catch (ShardException e) {
            return e;
        }
        throw new AssertionError("the shard was accepted");
    }

    private static Cell cell(int context, int vocabulary, long unique, String corpus, String set) {
        return Cells.of(
                ModelShape.gpt(1, 8, 1, context, vocabulary),
                new DataRule(corpus, 10, 2, unique),
                Cells.rule(1e-3, OptionalInt.empty()),
                new EvaluationRule(5, 32, List.of(set)),
                0);
    }

    @Test
    void tokensAreReadAcrossParts() throws IOException {
        int[] expected = new int[1000];
        StoredTokens.open(train, TokenType.UINT16).read(0, 1000, expected, 0);
        assertThat(expected[999]).isEqualTo(999 * 7 % 1000);
        StoredTokens pieces = StoredTokens.open(train, TokenType.UINT16, 6);
        int[] found = new int[1000];
        pieces.read(0, 1000, found, 0);
        assertThat(found).isEqualTo(expected);
        Arrays.fill(found, 0);
        pieces.read(501, 17, found, 3);
        assertThat(Arrays.copyOfRange(found, 3, 20)).isEqualTo(Arrays.copyOfRange(expected, 501, 518));
        assertThat(pieces.crc32c())
                .isEqualTo(StoredTokens.open(train, TokenType.UINT16).crc32c());
        assertThat(pieces.largest()).isEqualTo(999);
        assertThatThrownBy(() -> pieces.read(990, 11, found, 0))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("tokens [990, 1001) of a file of 1000");
    }

    @Test
    void tokensOfVocabulariesAbove65536AreReadIn32Bits() throws IOException {
        Path wide = directory.resolve("wide");
        ShardFixture.write(
                wide,
                TokenType.UINT32,
                128_256,
                ShardFixture.tokens(1000, i -> (int) (i * 7919 % 128_256)),
                ShardFixture.tokens(40, i -> 128_255));
        Shard shard = new ShardStore().open(wide);
        int[] found = new int[1000];
        shard.train().read(0, 1000, found, 0);
        assertThat(found).isEqualTo(ShardFixture.tokens(1000, i -> (int) (i * 7919 % 128_256)));
        StoredTokens pieces = StoredTokens.open(wide.resolve("train.bin"), TokenType.UINT32, 12);
        int[] again = new int[1000];
        pieces.read(0, 1000, again, 0);
        assertThat(again).isEqualTo(found);
        assertThat(pieces.largest()).isEqualTo(Arrays.stream(found).max().orElseThrow());
        assertThat(TokenType.forVocabulary(65_536)).isEqualTo(TokenType.UINT16);
        assertThat(TokenType.forVocabulary(65_537)).isEqualTo(TokenType.UINT32);
        ShardFixture.write(
                wide, TokenType.UINT32, 128_256, ShardFixture.tokens(100, i -> -1), ShardFixture.tokens(40, i -> 0));
        assertThatThrownBy(() -> new ShardStore().open(wide))
                .isInstanceOf(ShardException.class)
                .hasMessageContaining("holds the token 4294967295, outside its manifest's vocabulary of 128256");
    }

    @Test
    void aFileThatIsCutShortUnderAReaderIsDamagedAndNoCrash() throws IOException {
        Path large = directory.resolve("large");
        ShardFixture.write(
                large,
                TokenType.UINT16,
                1000,
                ShardFixture.tokens(1_000_000, i -> (int) (i % 1000)),
                ShardFixture.tokens(40, i -> (int) i));
        Shard shard = new ShardStore().open(large);
        try (java.nio.channels.FileChannel file = java.nio.channels.FileChannel.open(
                large.resolve("train.bin"), java.nio.file.StandardOpenOption.WRITE)) {
            file.truncate(4096);
        }
        int[] tokens = new int[1000];
        for (int round = 0; round < 100; round++) {
            assertThatThrownBy(() -> shard.train().read(900_000, 1000, tokens, 0))
                    .isInstanceOfSatisfying(ShardException.class, damaged -> assertThat(damaged.cause())
                            .isEqualTo(ShardException.Cause.DAMAGED))
                    .hasMessageContaining("train.bin became shorter while it was read");
            assertThatThrownBy(() -> shard.train().crc32c()).isInstanceOf(ShardException.class);
            assertThatThrownBy(() -> shard.train().largest()).isInstanceOf(ShardException.class);
        }
    }

    @Test
    void aFileIsReadThroughOnceUntilItChanges() throws IOException {
        ShardStore store = new ShardStore();
        store.open(directory);
        store.open(directory);
        assertThat(store.verifications()).isEqualTo(2);
        Files.setLastModifiedTime(train, FileTime.fromMillis(1_000_000));
        store.open(directory);
        assertThat(store.verifications()).isEqualTo(3);
    }

    @Test
    void aMissingManifestIsNamed() throws IOException {
        Files.delete(directory.resolve("shard.json"));
        assertThat(refusal())
                .hasMessage("There is no shard manifest " + directory.resolve("shard.json")
                        + "; give the directory that holds shard.json.");
    }

    @Test
    void aMissingTokenFileIsNamed() throws IOException {
        Files.delete(train);
        assertThat(refusal())
                .hasMessage(
                        "The token file " + train + " is missing, though its manifest names it; copy the shard again.");
    }

    @Test
    void aTruncatedFileIsToldFromADamagedOne() throws IOException {
        byte[] bytes = Files.readAllBytes(train);
        Files.write(train, Arrays.copyOf(bytes, 1998));
        ShardException truncated = refusal();
        assertThat(truncated)
                .hasMessage("The token file " + train
                        + " is truncated: it holds 1998 of 2000 bytes; copy the shard again.");
        assertThat(truncated.cause()).isEqualTo(ShardException.Cause.DAMAGED);
        bytes[1000] ^= 1;
        Files.write(train, bytes);
        assertThat(refusal().getMessage())
                .startsWith("The token file " + train + " is damaged: its CRC-32C is ")
                .endsWith("; copy the shard again.");
    }

    @Test
    void aFileThatIsLongerThanItsManifestSaysIsDamaged() throws IOException {
        byte[] bytes = Files.readAllBytes(train);
        Files.write(train, Arrays.copyOf(bytes, 2002));
        assertThat(refusal())
                .hasMessage("The token file " + train
                        + " holds 2002 bytes where its manifest says 2000; copy the shard again.");
    }

    /** Opening a pipe waits for whoever writes to it. */
    @Test
    @Timeout(60)
    void whatIsNoRegularFileIsNamedAndNotOpened() throws Exception {
        Files.delete(train);
        assertThat(new ProcessBuilder("mkfifo", train.toString()).start().waitFor())
                .isZero();
        assertThat(refusal()).hasMessage("The token file " + train + " cannot be read: it is no regular file.");
        Path manifest = directory.resolve("shard.json");
        Files.delete(manifest);
        assertThat(new ProcessBuilder("mkfifo", manifest.toString()).start().waitFor())
                .isZero();
        assertThat(refusal())
                .hasMessage(
                        "The shard manifest " + manifest + " cannot be read: it is no regular file of at most 16 MiB.");
    }

    @Test
    void aManifestOfMoreThanSomeNamesAndNumbersIsNotRead() throws IOException {
        Path manifest = directory.resolve("shard.json");
        try (RandomAccessFile sparse = new RandomAccessFile(manifest.toFile(), "rw")) {
            sparse.setLength(17L << 20);
        }
        assertThat(refusal())
                .hasMessage(
                        "The shard manifest " + manifest + " cannot be read: it is no regular file of at most 16 MiB.");
    }

    @Test
    void aTokenOutsideTheVocabularyIsNamed() throws IOException {
        ShardManifest manifest = CellJson.read(Files.readString(directory.resolve("shard.json")), ShardManifest.class);
        rewrite(manifest, 900, manifest.type());
        assertThat(refusal())
                .hasMessage(
                        "The token file " + train + " holds the token 999, outside its manifest's vocabulary of 900;"
                                + " tokenise the corpus again with the tokenizer that the manifest names.");
    }

    @Test
    void aVocabularyLargerThanTheTypeIsRefused() throws IOException {
        ShardManifest manifest = CellJson.read(Files.readString(directory.resolve("shard.json")), ShardManifest.class);
        rewrite(manifest, 1000, TokenType.UINT8);
        assertThat(refusal())
                .hasMessage("The shard manifest " + directory.resolve("shard.json")
                        + " has a vocabulary of 1000, but uint8 tokens hold at most 256; write the shard again.");
    }

    @Test
    void aDamagedManifestIsNamed() throws IOException {
        Files.writeString(directory.resolve("shard.json"), "{\"format\":1,");
        assertThat(refusal().getMessage())
                .startsWith("The shard manifest " + directory.resolve("shard.json") + " is not a valid ShardManifest: ")
                .endsWith("; write the shard again.");
    }

    @Test
    void aCellThatDoesNotFitTheShardIsToldWhy() {
        String corpus = ShardFixture.CORPUS;
        ShardException foreign = refusal(cell(16, 1000, 500, "deadbeef", "validation"));
        assertThat(foreign)
                .hasMessage(
                        "The shard in " + directory
                                + " holds the corpus c0ffee, the cell needs deadbeef; give the shard that was made for this sweep.");
        assertThat(foreign.cause()).isEqualTo(ShardException.Cause.UNSUITABLE);
        assertThat(refusal(cell(16, 256, 500, corpus, "validation")))
                .hasMessage("model.vocabulary = 256 must equal the vocabulary of the shard's tokenizer bytes, 1000.");
        assertThat(refusal(cell(1000, 1000, 500, corpus, "validation")))
                .hasMessage("model.context = 1000 is too long for the shard in " + directory
                        + ", which has 1000 training tokens; a sequence needs context + 1 of them.");
        assertThat(refusal(cell(16, 1000, 1001, corpus, "validation")))
                .hasMessage("data.uniqueTokens = 1001 is more than the 1000 training tokens of the shard in "
                        + directory + "; lower it or add text.");
        assertThat(refusal(cell(16, 1000, 16, corpus, "validation")))
                .hasMessage("model.context = 16 is too long for data.uniqueTokens = 16; a sequence needs context + 1"
                        + " tokens.");
        assertThat(refusal(cell(40, 1000, 500, corpus, "validation")))
                .hasMessage("model.context = 40 is too long for the evaluation set 'validation' of the shard in "
                        + directory + ", which has 40 tokens; a sequence needs context + 1 of them.");
        assertThat(refusal(cell(16, 1000, 500, corpus, "books")))
                .hasMessage("evaluation.sets names 'books', which the shard in " + directory
                        + " does not hold; it has [validation].");
    }

    private void rewrite(ShardManifest manifest, int vocabulary, TokenType type) throws IOException {
        // A narrower type reads the same bytes as more tokens.
        int factor = manifest.type().bytes() / type.bytes();
        TokenFile file = manifest.train();
        ShardManifest changed = new ShardManifest(
                manifest.format(),
                manifest.corpusHash(),
                manifest.tokenizer(),
                vocabulary,
                type,
                new TokenFile(file.name(), file.file(), file.tokens() * factor, file.textBytes(), file.crc32c()),
                manifest.evaluation());
        Files.writeString(directory.resolve("shard.json"), CellJson.line(changed));
    }
}
