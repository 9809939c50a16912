package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.spec.TokenizerSpec;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryTokenizerTest {
    @TempDir
    private Path folder;

    @Test
    void gpt2TokensAreThePublishedOnes() {
        LibraryTokenizer tokenizer = LibraryTokenizer.of(new TokenizerSpec.Gpt2(), new Configuration())
                .orElseThrow();
        // As OpenAI's encoder of the model gives them.
        assertThat(tokenizer.encode("Hello, world!")).containsExactly(15496, 11, 995, 0);
        assertThat(tokenizer.encode("hello world")).containsExactly(31373, 995);
        assertThat(tokenizer.vocabulary()).isEqualTo(50_257);
        // The text's own letters, not the token that ends documents.
        assertThat(tokenizer.encode("<|endoftext|>")).hasSizeGreaterThan(1);
    }

    @Test
    void aTokenizerFileMergesAsItSays() throws Exception {
        LibraryTokenizer tokenizer = open(small());
        assertThat(tokenizer.vocabulary()).isEqualTo(9);
        // a b c, blank, newline, "ab", " ab", "abc", and the added token.
        assertThat(tokenizer.encode("abc ab\ncab")).containsExactly(7, 6, 4, 2, 5);
        assertThat(tokenizer.decode(new int[] {7, 6, 4, 2, 5})).isEqualTo("abc ab\ncab");
        assertThat(tokenizer.encode("")).isEmpty();
        String text = "abc ab\n".repeat(5000);
        assertThat(tokenizer.encode(text)).hasSize(15_000);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(tokenizer);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            LibraryTokenizer arrived = (LibraryTokenizer) in.readObject();
            assertThat(arrived.describe()).isEqualTo(tokenizer.describe());
            assertThat(arrived.encode("abc ab\ncab")).containsExactly(7, 6, 4, 2, 5);
        }
    }

    @Test
    void theNameFollowsTheContentAndNotThePath() throws Exception {
        ObjectNode other = small();
        ((ObjectNode) other.get("model")).putArray("merges").add("a b");
        ((ObjectNode) other.get("model").get("vocab")).remove("Ġab");
        ((ObjectNode) other.get("model").get("vocab")).remove("abc");
        assertThat(open(small()).describe())
                .startsWith("tokenizer.json-")
                .isEqualTo(open(small()).describe())
                .isNotEqualTo(open(other).describe());
    }

    @Test
    void aFileThatCannotBeUsedIsRefusedInOneSentence() throws Exception {
        assertThatThrownBy(() -> open(Path.of("none.json")))
                .isInstanceOf(UserError.class)
                .hasMessage("there is no file tokenizer.path = none.json; give the path of a tokenizer.json");
        Path text = Files.writeString(folder.resolve("text"), "no JSON");
        assertThatThrownBy(() -> open(text))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("tokenizer.path = " + text + " is not JSON (")
                .hasMessageEndingWith("; give a tokenizer.json");
        Path empty = Files.writeString(folder.resolve("empty"), "{}");
        assertThatThrownBy(() -> open(empty))
                .isInstanceOf(UserError.class)
                .hasMessage("tokenizer.path = " + empty
                        + " holds no tokens under model.vocab; give a tokenizer.json of Hugging Face's tokenizers");
        ObjectNode large = small();
        ((ObjectNode) large.get("model").get("vocab")).put("abcabc", 128_255);
        assertThat(open(large).vocabulary()).isEqualTo(128_256);
        for (Object number : new Object[] {1L << 24, 4_294_967_297L, -1, 1.5, "7", Long.MAX_VALUE}) {
            ObjectNode hostile = small();
            ((ObjectNode) hostile.get("model").get("vocab")).putPOJO("abcabc", number);
            assertThatThrownBy(() -> open(hostile))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("but tokens are whole numbers from 0 and below 16,777,216; mend the file");
        }
        Path deep = Files.writeString(folder.resolve("deep"), "{\"model\":".repeat(100_000));
        assertThatThrownBy(() -> open(deep)).isInstanceOf(UserError.class).hasMessageContaining("is not JSON (");
        Path nothing = Files.writeString(folder.resolve("nothing"), "");
        assertThatThrownBy(() -> open(nothing))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is empty or no regular file");
        assertThatThrownBy(() -> open(folder)).isInstanceOf(UserError.class).hasMessageContaining("is a directory");
        ObjectNode unknown = small();
        ((ObjectNode) unknown.get("model")).put("type", "Syllables");
        assertThatThrownBy(() -> open(unknown))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is refused by the tokenizers library: ");
    }

    /** Oniguruma gives up after ten million retries, and the library then aborts its process. */
    @Test
    void aRegularExpressionThatTheLibraryAbortsOnEndsInASentence() throws Exception {
        LibraryTokenizer tokenizer = open(splitting("(a+)+$"));
        assertThat(tokenizer.encode("abc")).isNotEmpty();

        assertThatThrownBy(() -> tokenizer.encode("a".repeat(4000) + "b"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("tokenizer.path = ")
                .hasMessageContaining("retry-limit-in-match over")
                .hasMessageContaining("on a text of 4001 characters that begins with 'aaaa")
                .hasMessageEndingWith("name the tokens in corpus.tokens");
        assertThat(tokenizer.encode("abc"))
                .as("the next text has a new process")
                .isNotEmpty();
    }

    @Test
    void aTokenizerThatDoesNotEndIsEnded() throws Exception {
        ObjectNode slow = small();
        // Each start of a match goes over the rest of the text, and none matches.
        slow.set("pre_tokenizer", splitting("a*a*c").get("pre_tokenizer"));
        LibraryTokenizer tokenizer =
                new LibraryTokenizer.HuggingFace("slow.json", slow.toString(), 9, Duration.ofSeconds(3));

        assertThatThrownBy(() -> tokenizer.encode("a".repeat(4000) + "bc"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("slow.json: the tokenizers library was not done with it after 3 s")
                .hasMessageContaining("name the tokens in corpus.tokens");
    }

    @Test
    void rulesThatMultiplyTheTextFillNoMemoryButTheirOwn() throws Exception {
        ObjectNode bomb = small();
        ArrayNode rules = bomb.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
        for (int i = 0; i < 12; i++) {
            ObjectNode rule = rules.addObject().put("type", "Replace").put("content", "aaaaaaaaaa");
            rule.putObject("pattern").put("String", "a");
        }

        assertThatThrownBy(() -> open(bomb).encode("a"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("the tokenizers library")
                .hasMessageContaining("on a text of 1 characters that begins with 'a'");
    }

    /** The rules are a stranger's program: without bounds they would fill this machine's memory. */
    @Test
    void itsProcessHasABoundOfAddressSpaceAndNoVariableThatHoldsAKey() throws Exception {
        LibraryTokenizer tokenizer = open(small());
        assertThat(tokenizer.encode("abc")).isNotEmpty();
        List<Path> processes;
        try (Stream<ProcessHandle> children = ProcessHandle.current().children()) {
            processes = children.filter(child -> commandLine(child.pid()).contains(TokenizerMain.class.getName()))
                    .map(child -> Path.of("/proc", Long.toString(child.pid())))
                    .toList();
        }
        assertThat(processes).isNotEmpty();
        for (Path process : processes) {
            String limits = Files.readString(process.resolve("limits"));
            Matcher space = Pattern.compile("Max address space +(\\d+) ").matcher(limits);
            assertThat(space.find()).as(limits).isTrue();
            assertThat(Long.parseLong(space.group(1))).isBetween(6L << 30, 7L << 30);
            // The hard limit, too: of the soft one it is seldom known whether it was none before.
            assertThat(limits).containsPattern("Max core file size +0 +0 ");
            assertThat(Files.readString(process.resolve("environ")).split("\0"))
                    .allMatch(variable -> variable.matches(
                            "(?s)(PATH|HOME|LANG|LC_ALL|TMPDIR|LD_LIBRARY_PATH|PWD|" + "OLDPWD|SHLVL|_)=.*"));
        }
    }

    private static String commandLine(long process) {
        try {
            return Files.readString(Path.of("/proc/" + process + "/cmdline"));
        } catch (IOException ended) {
            return "";
        }
    }

    @Test
    void aFileLargerThanAnyTokenizerIsNotRead() throws Exception {
        Path large = folder.resolve("large.json");
        try (RandomAccessFile sparse = new RandomAccessFile(large.toFile(), "rw")) {
            sparse.setLength((256L << 20) + 1);
        }
        assertThatThrownBy(() -> open(large))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is 268435457 bytes long, and the largest tokenizers have 20 million");
    }

    private static ObjectNode splitting(String regularExpression) throws IOException {
        ObjectNode json = small();
        ObjectNode split = json.putObject("pre_tokenizer");
        split.put("type", "Split").put("behavior", "Isolated").put("invert", false);
        split.putObject("pattern").put("Regex", regularExpression);
        return json;
    }

    private LibraryTokenizer open(ObjectNode json) throws IOException {
        return open(Files.writeString(Files.createTempFile(folder, "tokenizer", ".json"), json.toString()));
    }

    private static LibraryTokenizer open(Path file) {
        return LibraryTokenizer.of(new TokenizerSpec.JsonFile(file.toString()), new Configuration())
                .orElseThrow();
    }

    /** Byte-level byte pairs over five characters. */
    static ObjectNode small() throws IOException {
        return (ObjectNode)
                new ObjectMapper()
                        .readTree(
                                """
                        {"version": "1.0", "truncation": null, "padding": null,
                         "added_tokens": [{"id": 8, "content": "<|end|>", "single_word": false, "lstrip": false,
                                           "rstrip": false, "normalized": false, "special": true}],
                         "normalizer": null,
                         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                                           "use_regex": true},
                         "post_processor": null,
                         "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                                     "use_regex": true},
                         "model": {"type": "BPE", "dropout": null, "unk_token": null,
                                   "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
                                   "byte_fallback": false,
                                   "vocab": {"a": 0, "b": 1, "c": 2, "Ġ": 3, "Ċ": 4, "ab": 5, "Ġab": 6, "abc": 7},
                                   "merges": ["a b", "Ġ ab", "ab c"]}}
                        """);
    }
}
