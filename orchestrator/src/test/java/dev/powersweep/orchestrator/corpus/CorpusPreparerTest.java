package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.CorpusSpec.Format;
import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import dev.powersweep.orchestrator.spec.CorpusSpec.Source;
import dev.powersweep.orchestrator.spec.CorpusSpec.TokenWidth;
import dev.powersweep.orchestrator.spec.EvaluationSpec;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.spec.TokenizerSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusPreparerTest {
    private static final TokenizerSpec BYTES = new TokenizerSpec.Bytes();
    private static SparkSession session;

    @TempDir
    private Path folder;

    @BeforeAll
    static void start() {
        session = SparkSession.builder()
                .master("local[2]")
                .appName("corpus")
                .config("spark.ui.enabled", false)
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.sql.shuffle.partitions", 2)
                .getOrCreate();
    }

    @AfterAll
    static void stop() {
        session.stop();
    }

    @Test
    void everyByteIsStoredOnceInOneOfTheSets() throws IOException {
        byte[] text = prose(300_000, 1);
        PreparedCorpus corpus = prepare(write("a.txt", text), BYTES, "out");
        ShardManifest manifest = corpus.manifest();
        byte[] train = tokens(corpus, manifest.train());
        byte[] validation = tokens(corpus, manifest.evaluation().get(0));
        // Golden: stored corpora and cells are found again by this value; a change of it needs a new recipe version.
        assertThat(manifest.corpusHash()).isEqualTo("a0ec43f5cfafb1f8");
        assertThat(manifest.train().crc32c()).isEqualTo(2_986_729_514L);
        assertThat(manifest.vocabulary()).isEqualTo(256);
        assertThat(manifest.type()).isEqualTo(TokenType.UINT8);
        assertThat(manifest.train().textBytes()).isEqualTo(train.length);
        assertThat(train.length + validation.length).isEqualTo(text.length);
        assertThat(validation.length).isBetween(text.length / 40, text.length / 5);
        assertThat(sortedLines(train, validation)).isEqualTo(sortedLines(text));
        Set<String> held = new HashSet<>(lines(validation));
        assertThat(lines(train)).noneMatch(held::contains);
    }

    @Test
    void tokensDependNeitherOnFilesNorOnTasks() throws IOException {
        byte[] text = prose(200_000, 2);
        int middle = new String(text, StandardCharsets.US_ASCII).indexOf("\n\n", 100_000) + 2;
        byte[] first = Arrays.copyOf(text, middle);
        byte[] second = Arrays.copyOfRange(text, middle, text.length);
        Source forward =
                new Source.Text(List.of(write("x/a.txt", first), write("x/b.txt", second)), Format.AUTO, "text");
        Source backward =
                new Source.Text(List.of(write("y/2.txt", first), write("y/1.txt", second)), Format.AUTO, "text");
        PreparedCorpus one = prepare(forward, BYTES, "one");
        PreparedCorpus two = prepare(backward, BYTES, "two");
        assertThat(two.manifest()).isEqualTo(one.manifest());
        assertThat(tokens(two, two.manifest().train()))
                .isEqualTo(tokens(one, one.manifest().train()));
    }

    @Test
    void aStoredCorpusIsFoundAgainAndADamagedOneIsPreparedAnew() throws IOException {
        String path = write("a.txt", prose(100_000, 3));
        PreparedCorpus first = prepare(path, BYTES, "out");
        Path train = local(first, first.manifest().train());
        Object key = Files.readAttributes(train, "unix:ino").get("ino");
        PreparedCorpus second = prepare(path, BYTES, "out");
        assertThat(second).isEqualTo(first);
        assertThat(Files.readAttributes(train, "unix:ino").get("ino")).isEqualTo(key);
        byte[] good = Files.readAllBytes(train);
        byte[] bad = good.clone();
        bad[1000] ^= 1;
        Files.delete(train.resolveSibling("." + train.getFileName() + ".crc"));
        Files.write(train, bad);
        PreparedCorpus third = prepare(path, BYTES, "out");
        assertThat(third).isEqualTo(first);
        assertThat(Files.readAllBytes(train)).isEqualTo(good);
        try (Stream<Path> left = Files.list(folder.resolve("out/corpus"))) {
            assertThat(left.map(file -> file.getFileName().toString()).filter(name -> !name.startsWith("_damaged")))
                    .containsExactly(first.manifest().corpusHash());
        }
    }

    @Test
    void bytePairsDecodeToTheTextAndFactsAgreeWithTheShard() throws IOException {
        byte[] text = prose(200_000, 4);
        String path = write("a.txt", text);
        SweepSpec spec = SweepSpecReader.read(
                "{grid: {modelSizes: 25k, dataSizes: 1k}, tokenizer: {kind: bpe, vocabulary: 300}}",
                "sweep.yaml",
                List.of("corpus.text=" + path, "corpus.validationFraction=0.1"));
        SweepDirectory directory = directory("out");
        CorpusFacts before = CorpusPreparer.facts(session, spec, Optional.of(directory));
        assertThat(Files.exists(folder.resolve("out"))).isFalse();
        CorpusPreparer preparer = CorpusPreparer.open(session, spec);
        assertThat(preparer.facts(Optional.empty())).isEqualTo(before);
        PreparedCorpus corpus = preparer.prepare(directory);
        assertThat(corpus.facts()).isEqualTo(before);
        assertThat(CorpusPreparer.facts(session, spec, Optional.of(directory))).isEqualTo(before);
        assertThat(corpus.manifest().vocabulary()).isEqualTo(300);
        assertThat(corpus.manifest().type()).isEqualTo(TokenType.UINT16);
        assertThat(corpus.manifest().tokenizer()).isEqualTo("bpe-300");
        BytePairs pairs = BytePairs.fromJson(
                Files.readString(Path.of(corpus.directory().toUri()).resolve(BytePairs.FILE_NAME)));
        byte[] train = decoded(pairs, tokens(corpus, corpus.manifest().train()));
        byte[] validation =
                decoded(pairs, tokens(corpus, corpus.manifest().evaluation().get(0)));
        assertThat(train).hasSize((int) corpus.manifest().train().textBytes());
        assertThat(sortedLines(train, validation)).isEqualTo(sortedLines(text));
        assertThat(corpus.manifest().train().tokens()).isLessThan(train.length / 2);
        PreparedCorpus asBytes = prepare(path, BYTES, "out");
        SweepSpec plain = SweepSpecReader.read(
                "{grid: {modelSizes: 25k, dataSizes: 1k}}",
                "sweep.yaml",
                List.of("corpus.text=" + path, "corpus.validationFraction=0.1"));
        assertThat(CorpusPreparer.facts(session, plain, Optional.empty())).isEqualTo(asBytes.facts());
        assertThat(asBytes.manifest().corpusHash())
                .isNotEqualTo(corpus.manifest().corpusHash());
        assertThat(tokens(asBytes, asBytes.manifest().train())).isEqualTo(train);
    }

    @Test
    void parquetCompressedTextAndExtraSetsAreRead() throws IOException {
        byte[] text = prose(60_000, 5);
        List<String> documents = Arrays.asList(new String(text, StandardCharsets.UTF_8).split("(?<=\n\n)"));
        session.createDataset(documents, Encoders.STRING())
                .toDF("body")
                .write()
                .parquet(folder.resolve("documents.parquet").toString());
        Path zipped = folder.resolve("more.txt.gz");
        byte[] more = prose(60_000, 6);
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(zipped))) {
            out.write(more);
        }
        byte[] other = prose(20_000, 7);
        CorpusSpec corpus = new CorpusSpec(
                new Source.Text(
                        List.of(folder.resolve("documents.parquet").toString(), zipped.toString()),
                        Format.AUTO,
                        "body"),
                0.1,
                Malformed.FAIL,
                CorpusSpec.Split.BLOCK);
        PreparedCorpus prepared = CorpusPreparer.prepare(
                session,
                corpus,
                BYTES,
                List.of(new EvaluationSpec.Set("other", List.of(write("other.txt", other)))),
                directory("out"));
        ShardManifest manifest = prepared.manifest();
        assertThat(manifest.evaluation())
                .extracting(ShardManifest.TokenFile::name)
                .containsExactly("validation", "other");
        assertThat(sortedLines(tokens(prepared, manifest.evaluation().get(1)))).isEqualTo(sortedLines(other));
        assertThat(sortedLines(
                        tokens(prepared, manifest.train()),
                        tokens(prepared, manifest.evaluation().get(0))))
                .isEqualTo(sortedLines(text, more));
        assertThatThrownBy(() -> prepare(
                        new Source.Text(
                                List.of(folder.resolve("documents.parquet").toString()), Format.AUTO, "text"),
                        BYTES,
                        "out"))
                .isInstanceOf(UserError.class)
                .hasMessageMatching(
                        "the corpus cannot be used: file:.*\\.parquet has no column text; set corpus.textColumn to"
                                + " one of body, or leave the file out( \\(and .*)?");
    }

    @Test
    void tokensMadeElsewhereAreTakenAsTheyAre() throws IOException {
        SplittableRandom random = new SplittableRandom(8);
        ByteBuffer tokens = ByteBuffer.allocate(1024 + 2 * 50_000).order(ByteOrder.LITTLE_ENDIAN);
        tokens.putInt(0, 20240520);
        tokens.putInt(4, 1);
        tokens.putInt(8, 50_000);
        tokens.position(1024);
        for (int i = 0; i < 50_000; i++) {
            tokens.putShort((short) random.nextInt(1000));
        }
        String path = write("train.bin", tokens.array());
        Source source = new Source.Tokens(List.of(path), List.of(), 1000, OptionalDouble.of(4.5), TokenWidth.AUTO);
        PreparedCorpus corpus = prepare(source, new TokenizerSpec.External(1000), "out");
        ShardManifest manifest = corpus.manifest();
        assertThat(manifest.train().tokens() + manifest.evaluation().get(0).tokens())
                .isEqualTo(50_000);
        assertThat(manifest.train().textBytes())
                .isEqualTo(Math.round(4.5 * manifest.train().tokens()));
        Source narrow = new Source.Tokens(List.of(path), List.of(), 500, OptionalDouble.empty(), TokenWidth.AUTO);
        assertThatThrownBy(() -> prepare(narrow, new TokenizerSpec.External(500), "out"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is not below corpus.tokens.vocabulary = 500");
        Source given = new Source.Tokens(List.of(path), List.of(path), 1000, OptionalDouble.empty(), TokenWidth.AUTO);
        ShardManifest whole =
                prepare(given, new TokenizerSpec.External(1000), "out").manifest();
        assertThat(whole.train().tokens()).isEqualTo(50_000);
        assertThat(whole.evaluation().get(0).tokens()).isEqualTo(50_000);
    }

    @Test
    void tokenizersMadeElsewhereTokeniseAsAJobAndAreFoundAgain() throws IOException {
        SplittableRandom random = new SplittableRandom(13);
        StringBuilder words = new StringBuilder();
        while (words.length() < 60_000) {
            words.append(List.of("abc", "ab", "cab", "bb").get(random.nextInt(4)))
                    .append(List.of(" ", " ", " ", "\n", "\n\n").get(random.nextInt(5)));
        }
        String abc = words.append('\n').toString();
        String path = write("abc.txt", abc.getBytes(StandardCharsets.UTF_8));
        String file =
                write("tokenizer.json", LibraryTokenizerTest.small().toString().getBytes(StandardCharsets.UTF_8));
        PreparedCorpus small = prepare(path, new TokenizerSpec.JsonFile(file), "small");
        assertThat(small.manifest().vocabulary()).isEqualTo(9);
        assertThat(small.manifest().type()).isEqualTo(TokenType.UINT8);
        assertThat(small.manifest().tokenizer()).startsWith("tokenizer.json-");
        String[] texts = {"a", "b", "c", " ", "\n", "ab", " ab", "abc"};
        StringBuilder decoded = new StringBuilder();
        for (byte token : tokens(small, small.manifest().train())) {
            decoded.append(texts[token]);
        }
        for (byte token : tokens(small, small.manifest().evaluation().get(0))) {
            decoded.append(texts[token]);
        }
        assertThat(sortedLines(decoded.toString().getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(sortedLines(abc.getBytes(StandardCharsets.UTF_8)));
        assertThat(prepare(path, new TokenizerSpec.JsonFile(file), "small")).isEqualTo(small);

        byte[] text = prose(100_000, 12);
        PreparedCorpus gpt2 = prepare(write("b.txt", text), new TokenizerSpec.Gpt2(), "gpt2");
        ShardManifest manifest = gpt2.manifest();
        assertThat(manifest.vocabulary()).isEqualTo(50_257);
        assertThat(manifest.type()).isEqualTo(TokenType.UINT16);
        assertThat(manifest.train().textBytes() + manifest.evaluation().get(0).textBytes())
                .isEqualTo(text.length);
        assertThat(manifest.train().tokens()).isLessThan(manifest.train().textBytes() / 2);
    }

    @Test
    void whatCannotBeReadIsNamed() throws IOException {
        assertThatThrownBy(() -> prepare(folder + "/none.txt", BYTES, "out"))
                .isInstanceOf(UserError.class)
                .hasMessage("corpus.text = " + folder
                        + "/none.txt does not exist; name a file, directory or glob, e.g. --set corpus.text=PATH");
        Files.createDirectories(folder.resolve("empty/_hidden"));
        assertThatThrownBy(() -> prepare(folder + "/empty", BYTES, "out"))
                .hasMessage(
                        "corpus.text = " + folder + "/empty holds no file with text in it; left out: _hidden of file:"
                                + folder + "/empty (names that begin with _ or .)");
        byte[] text = prose(60_000, 9);
        text[12_345] = (byte) 0xff;
        String path = write("latin.txt", text);
        assertThatThrownBy(() -> prepare(path, BYTES, "out"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("latin.txt is not UTF-8 text: byte 0xff at offset 12345");
        CorpusSpec lenient = new CorpusSpec(
                new Source.Text(List.of(path), Format.AUTO, "text"), 0.1, Malformed.REPLACE, CorpusSpec.Split.BLOCK);
        PreparedCorpus replaced = CorpusPreparer.prepare(session, lenient, BYTES, List.of(), directory("out"));
        assertThat(replaced.manifest().train().tokens()
                        + replaced.manifest().evaluation().get(0).tokens())
                .isEqualTo(text.length + 2);
        String fake = write("fake.parquet", prose(5000, 10));
        assertThatThrownBy(() -> prepare(fake, BYTES, "out"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is not readable Parquet");
        assertThatThrownBy(() -> prepare(write("short.txt", prose(200_000, 11)), new TokenizerSpec.Bpe(65_536), "out"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("too small for tokenizer.vocabulary = 65536");
    }

    private PreparedCorpus prepare(String path, TokenizerSpec tokenizer, String output) {
        return prepare(new Source.Text(List.of(path), Format.AUTO, "text"), tokenizer, output);
    }

    private PreparedCorpus prepare(Source source, TokenizerSpec tokenizer, String output) {
        return CorpusPreparer.prepare(
                session,
                new CorpusSpec(source, 0.1, Malformed.FAIL, CorpusSpec.Split.BLOCK),
                tokenizer,
                List.of(),
                directory(output));
    }

    private SweepDirectory directory(String name) {
        return new SweepDirectory(
                new org.apache.hadoop.fs.Path(folder.resolve(name).toUri()));
    }

    private String write(String name, byte[] bytes) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.write(file, bytes);
        return file.toString();
    }

    private static byte[] tokens(PreparedCorpus corpus, ShardManifest.TokenFile file) throws IOException {
        byte[] bytes = Files.readAllBytes(local(corpus, file));
        assertThat(bytes).hasSize((int) file.tokens() * corpus.manifest().type().bytes());
        return bytes;
    }

    private static Path local(PreparedCorpus corpus, ShardManifest.TokenFile file) {
        return Path.of(corpus.directory().toUri()).resolve(file.file());
    }

    private static byte[] decoded(BytePairs pairs, byte[] stored) {
        ByteBuffer tokens = ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer text = ByteBuffer.allocate(stored.length * 64);
        while (tokens.hasRemaining()) {
            text.put(pairs.bytes(Short.toUnsignedInt(tokens.getShort())));
        }
        return Arrays.copyOf(text.array(), text.position());
    }

    private static List<String> lines(byte[] text) {
        return new String(text, StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.isBlank())
                .toList();
    }

    private static List<String> sortedLines(byte[]... texts) {
        List<String> all = new ArrayList<>();
        for (byte[] text : texts) {
            all.addAll(lines(text));
        }
        return all.stream().sorted().toList();
    }

    /** Paragraphs of made-up words, each line its own. */
    private static byte[] prose(int length, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder text = new StringBuilder();
        while (text.length() < length - 80) {
            for (int word = 0; word < 10; word++) {
                int letters = 1 + random.nextInt(4);
                for (int i = 0; i < letters; i++) {
                    text.append("ta".charAt(random.nextInt(2))).append("eiou".charAt(random.nextInt(4)));
                }
                text.append(' ');
            }
            text.append(text.length()).append(random.nextInt(6) == 0 ? "\n\n" : "\n");
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }
}
