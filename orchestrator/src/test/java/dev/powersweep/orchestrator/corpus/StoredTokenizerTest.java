package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers as a sweep's directory names and holds them. */
class StoredTokenizerTest {
    private static final String CORPUS = "0123456789abcdef";
    private static final String TEXT = "The cat — the naïve cat — sat.\n";

    @TempDir
    Path folder;

    @Test
    void bytesAreTheirOwnTokens() throws IOException {
        store("bytes");
        StoredTokenizer tokenizer = open(Optional.empty());
        assertThat(tokenizer.encode("ab\n")).containsExactly('a', 'b', '\n');
        assertThat(tokenizer.decode(tokenizer.encode(TEXT))).isEqualTo(TEXT);
        assertThat(tokenizer.decode(new int[] {'a', 0xC3})).isEqualTo("a\uFFFD");
    }

    @Test
    void byteLevelPairsComeFromTheDirectory() throws IOException {
        byte[] word = " cat".getBytes(StandardCharsets.UTF_8);
        store("bpe-259");
        Files.writeString(
                home().resolve(BytePairs.FILE_NAME),
                BytePairTrainer.train(List.of(word), new long[] {9}, 3).json());
        StoredTokenizer tokenizer = open(Optional.empty());
        assertThat(tokenizer.encode(" cat")).hasSize(1);
        assertThat(tokenizer.decode(tokenizer.encode(TEXT))).isEqualTo(TEXT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "bytes"})
    void everyTextComesBack(String name) throws IOException {
        store(name);
        StoredTokenizer tokenizer = open(Optional.empty());
        assertThat(tokenizer.decode(tokenizer.encode(TEXT))).isEqualTo(TEXT);
    }

    @Test
    void aTokenizerFileIsAskedForAndComparedWithTheOneThatWasUsed() throws IOException {
        Path file = Files.writeString(
                folder.resolve("mine.json"), LibraryTokenizerTest.small().toString());
        store("tokenizer.json-0000000000000000");
        assertThatThrownBy(() -> open(Optional.empty()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("name it with --tokenizer FILE");
        assertThatThrownBy(() -> open(Optional.of(file.toString())))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("mine.json is tokenizer.json-")
                .hasMessageContaining("was tokenised by tokenizer.json-0000000000000000");
    }

    @Test
    void tokensMadeElsewhereHaveNoText() throws IOException {
        store("external-500");
        assertThatThrownBy(() -> open(Optional.empty()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("made elsewhere (external-500)");
    }

    /** Whoever may write to the directory writes this file: pairs of themselves would never end, doublings fill memory. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[[256,97]]|merge 0 of bpe.json is no pair of tokens before it",
                "[[97,98],[-1,3]]|merge 1 of bpe.json is no pair of tokens before it",
                "[[97]]|merge 0 of bpe.json is no pair of tokens before it",
                "[null]|merge 0 of bpe.json is no pair of tokens before it",
                "null|bpe.json lists no merges, or too many"
            })
    void pairsThatAreNoneAreRefused(String merges, String reason) throws IOException {
        store("bpe-300");
        Files.writeString(home().resolve(BytePairs.FILE_NAME), "{\"merges\": " + merges + "}");
        assertThatThrownBy(() -> open(Optional.empty()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(reason);
    }

    @Test
    void doublingsAreRefusedBeforeTheyFillTheMemory() throws IOException {
        StringBuilder merges = new StringBuilder("[[97,97]");
        for (int i = 0; i < 60; i++) {
            merges.append(",[").append(256 + i).append(',').append(256 + i).append(']');
        }
        store("bpe-317");
        Files.writeString(home().resolve(BytePairs.FILE_NAME), "{\"merges\": " + merges + "]}");
        assertThatThrownBy(() -> open(Optional.empty()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("has more than 65536 bytes");
    }

    private Path home() throws IOException {
        return Files.createDirectories(folder.resolve("sweep/corpus/" + CORPUS));
    }

    private void store(String tokenizer) throws IOException {
        ShardManifest manifest = new ShardManifest(
                ShardManifest.FORMAT,
                CORPUS,
                tokenizer,
                50_257,
                TokenType.UINT16,
                new ShardManifest.TokenFile("train", "train.bin", 0, 0, 0),
                List.of());
        Files.writeString(home().resolve(ShardManifest.FILE_NAME), CellJson.line(manifest));
    }

    private StoredTokenizer open(Optional<String> file) {
        Configuration configuration = new Configuration();
        return StoredTokenizer.of(
                SweepDirectory.at(folder.resolve("sweep").toString(), configuration), CORPUS, file, configuration);
    }
}
