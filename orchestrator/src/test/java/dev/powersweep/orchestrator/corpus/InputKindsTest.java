package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.CorpusSpec.Format;
import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import dev.powersweep.orchestrator.spec.CorpusSpec.Source;
import dev.powersweep.orchestrator.spec.CorpusSpec.TokenWidth;
import dev.powersweep.orchestrator.spec.TokenizerSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.shard.TokenType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What people have: every form of a text or of tokens that is read gives the same corpus, every other one a sentence. */
class InputKindsTest {
    private static final long SEED = Long.getLong("test.seed", 1);
    private static SparkSession session;

    @TempDir
    private Path folder;

    @BeforeAll
    static void start() {
        session = SparkSession.builder()
                .master("local[2]")
                .appName("kinds")
                .config("spark.ui.enabled", false)
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .getOrCreate();
    }

    @AfterAll
    static void stop() {
        session.stop();
    }

    /** Writes a case under a folder and gives what corpus.text names. */
    private interface Case {
        Path write(Path home) throws IOException;
    }

    private static final List<String> DOCUMENTS = documents(400);

    @TestFactory
    Stream<DynamicTest> everyFormOfTheSameDocumentsIsTheSameCorpus() throws IOException {
        String expected = prepare(text(jsonLines("body", DOCUMENTS), "reference.jsonl", "body"))
                .manifest()
                .corpusHash();
        record Form(String name, String column, Case written) {}
        List<Form> forms = List.of(
                new Form("a.jsonl.gz", "body", home -> put(home, "a.jsonl.gz", gzip(jsonLines("body", DOCUMENTS)))),
                new Form("a.jsonl.zst", "body", home -> put(home, "a.jsonl.zst", zstd(jsonLines("body", DOCUMENTS)))),
                new Form("frames.jsonl.zst", "body", home -> {
                    byte[] first = jsonLines("body", DOCUMENTS.subList(0, 150));
                    byte[] second = jsonLines("body", DOCUMENTS.subList(150, 400));
                    return put(home, "frames.jsonl.zst", join(zstd(first), zstd(second)));
                }),
                new Form("members.jsonl.gz", "body", home -> {
                    byte[] first = jsonLines("body", DOCUMENTS.subList(0, 150));
                    byte[] second = jsonLines("body", DOCUMENTS.subList(150, 400));
                    return put(home, "members.jsonl.gz", join(gzip(first), gzip(second)));
                }),
                new Form(
                        "no-name-of-its-packing.ndjson",
                        "body",
                        home -> put(home, "packed.ndjson", gzip(jsonLines("body", DOCUMENTS)))),
                new Form("json-with-lines.json", "body", home -> put(home, "a.json", jsonLines("body", DOCUMENTS))),
                new Form(
                        "nested.jsonl",
                        "meta.body",
                        home -> put(
                                home,
                                "nested.jsonl",
                                DOCUMENTS.stream()
                                        .map(text -> "{\"id\":1,\"meta\":{\"lang\":\"en\",\"body\":" + quoted(text)
                                                + "}}\r\n\n")
                                        .reduce("", String::concat)
                                        .getBytes(StandardCharsets.UTF_8))),
                new Form(
                        "list.jsonl",
                        "body",
                        home -> put(
                                home,
                                "list.jsonl",
                                DOCUMENTS.stream()
                                        .map(text -> "{\"body\":["
                                                + Stream.of(text.split("\n", -1))
                                                        .map(InputKindsTest::quoted)
                                                        .reduce((a, b) -> a + "," + b)
                                                        .orElseThrow()
                                                + "]}\n")
                                        .reduce("", String::concat)
                                        .getBytes(StandardCharsets.UTF_8))),
                parquetForm(
                        Form::new,
                        "required.parquet",
                        "body",
                        "message m { required binary body (STRING); }",
                        CompressionCodecName.ZSTD,
                        (row, text) -> row.add("body", text)),
                parquetForm(
                        Form::new,
                        "optional-among-others.parquet",
                        "body",
                        "message m { required int64 id; optional binary body (STRING); optional double score; }",
                        CompressionCodecName.SNAPPY,
                        (row, text) -> {
                            row.add("id", 7L);
                            row.add("body", text);
                        }),
                parquetForm(
                        Form::new,
                        "plain-bytes.parquet",
                        "body",
                        "message m { optional binary body; }",
                        CompressionCodecName.GZIP,
                        (row, text) -> row.add("body", text)),
                parquetForm(
                        Form::new,
                        "nested.parquet",
                        "meta.body",
                        "message m { optional group meta { optional binary body (STRING); optional int32 n; } }",
                        CompressionCodecName.UNCOMPRESSED,
                        (row, text) -> row.addGroup("meta").append("body", text)),
                parquetForm(
                        Form::new,
                        "name-with-points.parquet",
                        "meta.body",
                        "message m { optional binary meta.body (STRING); }",
                        CompressionCodecName.LZ4_RAW,
                        (row, text) -> row.add("meta.body", text)),
                parquetForm(
                        Form::new,
                        "list.parquet",
                        "body",
                        "message m { optional group body (LIST) { repeated group list { optional binary element (STRING); } } }",
                        CompressionCodecName.ZSTD,
                        (row, text) -> {
                            Group list = row.addGroup("body");
                            for (String line : text.split("\n", -1)) {
                                list.addGroup("list").append("element", line);
                            }
                        }),
                parquetForm(
                        Form::new,
                        "old-list.parquet",
                        "body",
                        "message m { repeated binary body (STRING); }",
                        CompressionCodecName.ZSTD,
                        (row, text) -> {
                            for (String line : text.split("\n", -1)) {
                                row.add("body", line);
                            }
                        }),
                new Form("several-schemas", "body", home -> {
                    parquet(
                            home.resolve("several/a.parquet"),
                            "message m { required binary body (STRING); }",
                            CompressionCodecName.ZSTD,
                            DOCUMENTS.subList(0, 100),
                            (row, text) -> row.add("body", text));
                    parquet(
                            home.resolve("several/b.parquet"),
                            "message m { optional int32 n; optional binary body (STRING); }",
                            CompressionCodecName.SNAPPY,
                            DOCUMENTS.subList(100, 200),
                            (row, text) -> row.add("body", text));
                    put(home, "several/c.jsonl", jsonLines("body", DOCUMENTS.subList(200, 300)));
                    put(home, "several/d.jsonl.zst", zstd(jsonLines("body", DOCUMENTS.subList(300, 400))));
                    put(home, "several/README.md", "---\ndataset_info: x\n---\n".getBytes(StandardCharsets.UTF_8));
                    put(home, "several/dataset_infos.json", "{\"a\":1}\n".getBytes(StandardCharsets.UTF_8));
                    return home.resolve("several");
                }),
                new Form("Hugging Face folder without splits in names", "body", home -> {
                    for (int i = 0; i < 2; i++) {
                        parquet(
                                home.resolve("hub/data/train-0000" + i + "-of-00002.parquet"),
                                "message m { optional binary body (STRING); }",
                                CompressionCodecName.SNAPPY,
                                DOCUMENTS.subList(200 * i, 200 * i + 200),
                                (row, text) -> row.add("body", text));
                    }
                    put(home, "hub/README.md", "---\nlicense: mit\n---\n".getBytes(StandardCharsets.UTF_8));
                    put(home, "hub/.gitattributes", "x".getBytes(StandardCharsets.UTF_8));
                    return home.resolve("hub");
                }),
                new Form("names that are no patterns", "body", home -> {
                    put(home, "odd/a:b.jsonl", jsonLines("body", DOCUMENTS.subList(0, 100)));
                    put(home, "odd/data[1].jsonl", jsonLines("body", DOCUMENTS.subList(100, 200)));
                    put(home, "odd/Bücher 書.jsonl", jsonLines("body", DOCUMENTS.subList(200, 300)));
                    put(home, "odd/100%+#?.jsonl", jsonLines("body", DOCUMENTS.subList(300, 400)));
                    return home.resolve("odd");
                }),
                new Form("a glob beside a colon", "body", home -> {
                    put(home, "beside/x:y.txt", "not asked for".getBytes(StandardCharsets.UTF_8));
                    put(home, "beside/1.jsonl", jsonLines("body", DOCUMENTS.subList(0, 200)));
                    put(home, "beside/2.jsonl", jsonLines("body", DOCUMENTS.subList(200, 400)));
                    return home.resolve("beside/{1,[2-3]}.json?");
                }),
                new Form(
                        "a file that looks like a pattern",
                        "body",
                        home -> put(home, "data[1].jsonl", jsonLines("body", DOCUMENTS))));
        return forms.stream()
                .map(form -> DynamicTest.dynamicTest(form.name(), () -> {
                    Path home = Files.createTempDirectory(folder, "form");
                    String path = form.written().write(home).toString();
                    PreparedCorpus corpus = prepare(new Source.Text(List.of(path), Format.AUTO, form.column()));
                    assertThat(corpus.manifest().corpusHash()).isEqualTo(expected);
                }));
    }

    @TestFactory
    Stream<DynamicTest> textIsTheSamePackedAndUnpacked() throws IOException {
        byte[] text = String.join("\n", DOCUMENTS).getBytes(StandardCharsets.UTF_8);
        String expected = prepare(text(text, "plain.txt", "text")).manifest().corpusHash();
        record Form(String name, byte[] bytes) {}
        return Stream.of(
                        new Form("a.txt.gz", gzip(text)),
                        new Form("a.txt.zst", zstd(text)),
                        new Form(
                                "a.zst",
                                join(
                                        zstd(Arrays.copyOf(text, 1000)),
                                        zstd(Arrays.copyOfRange(text, 1000, text.length)))),
                        new Form("without-suffix", zstd(text)),
                        new Form("a.md", text))
                .map(form -> DynamicTest.dynamicTest(
                        form.name(), () -> assertThat(prepare(text(form.bytes(), form.name(), "text"))
                                        .manifest()
                                        .corpusHash())
                                .isEqualTo(expected)));
    }

    @TestFactory
    Stream<DynamicTest> whatIsNoTextIsRefusedByNameAndWithARemedy() throws IOException {
        byte[] text = String.join("\n", DOCUMENTS).getBytes(StandardCharsets.UTF_8);
        byte[] tar = new byte[2048];
        System.arraycopy("book.txt".getBytes(StandardCharsets.US_ASCII), 0, tar, 0, 8);
        System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, tar, 257, 5);
        byte[] object = "{\n  \"data\": [\n  {\"text\": \"a\"}\n ]\n}\n".getBytes(StandardCharsets.UTF_8);
        record Refusal(String name, byte[] bytes, String... words) {}
        List<Refusal> refusals = List.of(
                new Refusal("a.tar.gz", gzip(tar), "a.tar.gz is a tar archive; unpack it"),
                new Refusal("a.tgz", gzip(tar), "a.tgz is a tar archive"),
                new Refusal("a.tar.zst", zstd(tar), "is a tar archive"),
                new Refusal("a.txt", zip(text), "a.txt is a zip archive"),
                new Refusal("a.xz", new byte[] {(byte) 0xfd, '7', 'z', 'X', 'Z', 0, 1, 2}, "is compressed by xz"),
                new Refusal("a.txt.br", text, "is compressed by brotli"),
                new Refusal("a.csv", text, "is a table of characters", "corpus.format"),
                new Refusal("a.arrow", new byte[] {-1, -1, -1, -1, 16, 0, 0, 0, 1}, "is an Arrow stream", "to_parquet"),
                new Refusal("a.pdf", "%PDF-1.7 …".getBytes(StandardCharsets.UTF_8), "is a PDF", "pdftotext"),
                new Refusal("a.docx", zip(text), "is a zip archive"),
                new Refusal("utf16.txt", "\ufeffhello".getBytes(StandardCharsets.UTF_16LE), "is UTF-16 text", "iconv"),
                new Refusal(
                        "utf16.txt",
                        "hello world".getBytes(StandardCharsets.UTF_16LE),
                        "is not text: it holds a byte of value 0"),
                new Refusal(
                        "a.txt",
                        jsonLines("text", DOCUMENTS),
                        "holds a JSON object on each line",
                        "corpus.format: jsonl"),
                new Refusal("a.txt.gz", gzip(jsonLines("text", DOCUMENTS)), "holds a JSON object on each line"),
                new Refusal("a.json", object, "is one JSON document", "jq"),
                new Refusal("a.json", "[{\"text\":\"a\"}]".getBytes(StandardCharsets.UTF_8), "is one JSON document"),
                new Refusal("a.gz", text, "is not gzip, though its name says so"),
                new Refusal("a.txt.zst", text, "is not zstd, though its name says so"),
                new Refusal(
                        "cut.txt.zst",
                        Arrays.copyOf(zstd(text), 20_000),
                        "cut.txt.zst cannot be unpacked as zstd",
                        "fetch it again"),
                new Refusal(
                        "cut.txt.gz",
                        Arrays.copyOf(gzip(text), 20_000),
                        "cut.txt.gz cannot be unpacked as gzip",
                        "fetch it again"),
                new Refusal("twice.txt.gz", gzip(gzip(text)), "is packed twice"),
                new Refusal("a.bin", shorts(text.length / 2), "is not text", "corpus.tokens.train"),
                new Refusal("a.npy", npy("<u2", shorts(1000), "(1000,)"), "is a NumPy array", "corpus.tokens.train"),
                new Refusal(
                        "a.jsonl",
                        "{\"text\":\"a\"}\n{\"body\":\"b\"}\n".getBytes(StandardCharsets.UTF_8),
                        "a.jsonl: the line at byte 13 has no field text; set corpus.textColumn to one of body"),
                new Refusal(
                        "a.jsonl",
                        "{\"text\":\"a\"}\n{\"text\": \"b".getBytes(StandardCharsets.UTF_8),
                        "a.jsonl: the line at byte 13 is not JSON"),
                new Refusal(
                        "a.jsonl",
                        "{\"text\":\"a\"}{\"text\":\"b\"}\n".getBytes(StandardCharsets.UTF_8),
                        "holds more than one JSON object"),
                new Refusal(
                        "a.jsonl",
                        "{\"text\":{\"a\":1}}\n".getBytes(StandardCharsets.UTF_8),
                        "that is an object",
                        "text.NAME"),
                new Refusal(
                        "a.jsonl",
                        "{\"text\":\"a\", \"id\": 1, \"text\": \"b\"}\n".getBytes(StandardCharsets.UTF_8),
                        "has the field text twice"),
                new Refusal("a.jsonl", "{\"text\":17}\n".getBytes(StandardCharsets.UTF_8), "that is no text"),
                new Refusal("a.jsonl", "{\"text\":\"\\ud800\"}\n".getBytes(StandardCharsets.UTF_8), "half a character"),
                new Refusal("a.jsonl", ("[".repeat(5000)).getBytes(StandardCharsets.UTF_8), "holds no JSON object"),
                new Refusal("a.jsonl", ("{\"a\":" + "[".repeat(5000)).getBytes(StandardCharsets.UTF_8), "is not JSON"));
        return refusals.stream()
                .map(refusal -> DynamicTest.dynamicTest(refusal.name() + ": " + refusal.words()[0], () -> {
                    var refused = assertThatThrownBy(() -> prepare(text(refusal.bytes(), refusal.name(), "text")))
                            .isInstanceOf(UserError.class)
                            .hasMessageContaining(refusal.name())
                            .hasMessageStartingWith("the corpus cannot be used: ");
                    for (String word : refusal.words()) {
                        refused.hasMessageContaining(word);
                    }
                    // A container is no text whatever is done about bytes that are not UTF-8.
                    assertThatThrownBy(() -> prepare(text(refusal.bytes(), refusal.name(), "text"), Malformed.REPLACE))
                            .satisfies(failure -> assertThat(refusal.words()[0].contains("half a character")
                                            || failure instanceof UserError)
                                    .isTrue());
                }));
    }

    @TestFactory
    Stream<DynamicTest> parquetThatHasNoTextIsRefusedFileByFile() {
        record Refusal(String name, Consumer<Path> written, String... words) {}
        return Stream.of(
                        new Refusal(
                                "one of two lacks the column",
                                home -> {
                                    unchecked(() -> parquet(
                                            home.resolve("a.parquet"),
                                            "message m { required binary text (STRING); }",
                                            CompressionCodecName.ZSTD,
                                            DOCUMENTS,
                                            (row, text) -> row.add("text", text)));
                                    unchecked(() -> parquet(
                                            home.resolve("b.parquet"),
                                            "message m { required binary content (STRING); }",
                                            CompressionCodecName.ZSTD,
                                            DOCUMENTS,
                                            (row, text) -> row.add("content", text)));
                                },
                                "b.parquet has no column text; set corpus.textColumn to one of content, or leave the file out"),
                        new Refusal(
                                "the column is a number in one",
                                home -> {
                                    unchecked(() -> parquet(
                                            home.resolve("a.parquet"),
                                            "message m { required binary text (STRING); }",
                                            CompressionCodecName.ZSTD,
                                            DOCUMENTS,
                                            (row, text) -> row.add("text", text)));
                                    unchecked(() -> parquet(
                                            home.resolve("b.parquet"),
                                            "message m { required int64 text; }",
                                            CompressionCodecName.ZSTD,
                                            DOCUMENTS,
                                            (row, text) -> row.add("text", 1L)));
                                },
                                "b.parquet has a column text that holds int64 and not text"),
                        new Refusal(
                                "conversations",
                                home -> unchecked(() -> parquet(
                                        home.resolve("c.parquet"),
                                        "message m { optional group text (LIST) { repeated group list { optional group element"
                                                + " { optional binary role (STRING); optional binary content (STRING); } } } }",
                                        CompressionCodecName.ZSTD,
                                        List.of("a"),
                                        (row, text) -> row.addGroup("text"))),
                                "c.parquet has a column text that holds a structure"),
                        new Refusal(
                                "brotli",
                                home -> unchecked(() -> {
                                    Path file = home.resolve("d.parquet");
                                    parquet(
                                            file,
                                            "message m { required binary text (STRING); }",
                                            CompressionCodecName.SNAPPY,
                                            DOCUMENTS,
                                            (row, text) -> row.add("text", text));
                                    sayBrotli(file);
                                }),
                                "d.parquet is compressed by brotli, which is not read here; write it with zstd, snappy or gzip"),
                        new Refusal(
                                "cut short",
                                home -> unchecked(() -> {
                                    Path file = home.resolve("e.parquet");
                                    parquet(
                                            file,
                                            "message m { required binary text (STRING); }",
                                            CompressionCodecName.SNAPPY,
                                            DOCUMENTS,
                                            (row, text) -> row.add("text", text));
                                    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 5000));
                                }),
                                "e.parquet is not readable Parquet",
                                "fetch it again"))
                .map(refusal -> DynamicTest.dynamicTest(refusal.name(), () -> {
                    Path home = Files.createTempDirectory(folder, "parquet");
                    refusal.written().accept(home);
                    var refused = assertThatThrownBy(
                                    () -> prepare(new Source.Text(List.of(home.toString()), Format.AUTO, "text")))
                            .isInstanceOf(UserError.class);
                    for (String word : refusal.words()) {
                        refused.hasMessageContaining(word);
                    }
                }));
    }

    @Test
    void aHuggingFaceFolderGivesItsSplitsAndTellsWhatItLeavesOut() throws IOException {
        Path home = folder.resolve("hub");
        put(home, "data/train-00000-of-00002.jsonl", jsonLines("text", DOCUMENTS.subList(0, 150)));
        put(home, "data/train-00001-of-00002.jsonl", jsonLines("text", DOCUMENTS.subList(150, 300)));
        put(home, "data/validation-00000-of-00001.jsonl", jsonLines("text", DOCUMENTS.subList(300, 350)));
        put(home, "data/test-00000-of-00001.jsonl", jsonLines("text", DOCUMENTS.subList(350, 400)));
        put(home, "README.md", "# card".getBytes(StandardCharsets.UTF_8));
        put(home, "dataset_infos.json", "{}".getBytes(StandardCharsets.UTF_8));
        put(home, "_note.txt", "x".getBytes(StandardCharsets.UTF_8));
        put(home, "nothing.jsonl", new byte[0]);
        CorpusSpec spec = new CorpusSpec(
                new Source.Text(List.of(home.toString()), Format.AUTO, "text"),
                0.1,
                Malformed.FAIL,
                CorpusSpec.Split.BLOCK);
        InputFiles.Listing listing = InputFiles.list(
                "corpus.text", List.of(home.toString()), session.sparkContext().hadoopConfiguration());
        assertThat(listing.files()).hasSize(2);
        assertThat(listing.heldOut()).hasSize(1);
        assertThat(String.join("; ", listing.leftOut()))
                .contains("README.md, dataset_infos.json", "cards and metadata", "_note.txt", "nothing.jsonl")
                .contains("data/test-00000-of-00001.jsonl", "the split test");
        PreparedCorpus corpus =
                CorpusPreparer.prepare(session, spec, new TokenizerSpec.Bytes(), List.of(), directory("splits"));
        long held = DOCUMENTS.subList(300, 350).stream()
                .mapToLong(text -> text.getBytes(StandardCharsets.UTF_8).length + 1)
                .sum();
        assertThat(corpus.manifest().evaluation().get(0).tokens()).isEqualTo(held);
        ReadFiles read = dev.powersweep.worker.cell.CellJson.read(
                Files.readString(Path.of(corpus.directory().toUri()).resolve(ReadFiles.FILE_NAME)), ReadFiles.class);
        assertThat(read.files()).extracting(ReadFiles.ReadFile::set).containsExactly("train", "train", "validation");
        assertThat(read.summary()).startsWith("3 files, ").endsWith(": 3 JSON Lines");
        Files.delete(home.resolve("data/train-00001-of-00002.jsonl"));
        assertThatThrownBy(() -> prepare(spec.source()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds 1 of the 2 files data/train-*-of-00002.jsonl; fetch the others");
        put(home, "data/train-00001-of-00002.jsonl", jsonLines("text", DOCUMENTS.subList(150, 300)));
        put(home, "book.txt", "a book\n".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> prepare(spec.source()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds files of splits")
                .hasMessageContaining("beside others (book.txt)");
    }

    @Test
    void wholeFilesAndWholeDocumentsAreHeldOutOnRequest() throws IOException {
        for (int book = 0; book < 10; book++) {
            StringBuilder text = new StringBuilder();
            for (int line = 0; line < 2000; line++) {
                text.append("book ")
                        .append(book)
                        .append(" line ")
                        .append(line * 7919 % 2000)
                        .append('\n');
            }
            put(folder, "books/" + book + ".txt", text.toString().getBytes(StandardCharsets.UTF_8));
        }
        put(folder, "documents.jsonl", jsonLines("text", DOCUMENTS));
        List<Integer> sides = new ArrayList<>();
        for (String path : List.of("books", "documents.jsonl")) {
            PreparedCorpus corpus = CorpusPreparer.prepare(
                    session,
                    new CorpusSpec(
                            new Source.Text(List.of(folder.resolve(path).toString()), Format.AUTO, "text"),
                            0.15,
                            Malformed.FAIL,
                            CorpusSpec.Split.FILE),
                    new TokenizerSpec.Bytes(),
                    List.of(),
                    directory("whole-" + path));
            Path home = Path.of(corpus.directory().toUri());
            String train = Files.readString(home.resolve("train.bin"));
            String held = Files.readString(home.resolve("validation.bin"));
            List<String> units = path.equals("books")
                    ? java.util.stream.IntStream.range(0, 10)
                            .mapToObj(book -> "book " + book + " line ")
                            .toList()
                    : java.util.stream.IntStream.range(0, 400)
                            .mapToObj(n -> "Document " + n + " ")
                            .toList();
            assertThat(units).allMatch(unit -> train.contains(unit) != held.contains(unit));
            sides.add((int) units.stream().filter(held::contains).count());
        }
        assertThat(sides.get(0)).isEqualTo(2);
        assertThat(sides.get(1)).isBetween(35, 90);
    }

    @Test
    void severalConfigurationsAreNotOneCorpus() throws IOException {
        Path home = folder.resolve("wikitext");
        put(home, "wikitext-2/train-00000-of-00001.jsonl", jsonLines("text", DOCUMENTS));
        put(home, "wikitext-103/train-00000-of-00001.jsonl", jsonLines("text", DOCUMENTS));
        assertThatThrownBy(() -> prepare(new Source.Text(List.of(home.toString()), Format.AUTO, "text")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds a data set in 2 configurations (wikitext-103, wikitext-2)");
    }

    @Test
    void linksThatLeadNowhereAndRowsWithoutTextAreToldOf() throws IOException {
        Path home = folder.resolve("links");
        put(home, "a.txt", String.join("\n", DOCUMENTS).getBytes(StandardCharsets.UTF_8));
        Files.createSymbolicLink(home.resolve("b.txt"), home.resolve("gone.txt"));
        assertThatThrownBy(() -> prepare(new Source.Text(List.of(home.toString()), Format.AUTO, "text")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("b.txt is a link to " + home.resolve("gone.txt") + ", which does not exist");
        Files.delete(home.resolve("b.txt"));
        Files.createSymbolicLink(home.resolve("loop"), home);
        assertThatThrownBy(() -> prepare(new Source.Text(List.of(home.toString()), Format.AUTO, "text")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is a link to a directory above it");
        StringBuilder lines = new StringBuilder(new String(jsonLines("text", DOCUMENTS), StandardCharsets.UTF_8));
        lines.append("{\"text\":null}\n{\"text\":\"\"}\n{\"text\":[]}\n");
        Source source = text(lines.toString().getBytes(StandardCharsets.UTF_8), "some.jsonl", "text");
        CorpusPreparer preparer = CorpusPreparer.open(
                session,
                dev.powersweep.orchestrator.spec.SweepSpecReader.read(
                        "{grid: {modelSizes: 25k, dataSizes: 1k}}",
                        "sweep.yaml",
                        List.of("corpus.text=" + ((Source.Text) source).paths().get(0))));
        assertThat(preparer.withoutText()).isEqualTo(3);
        assertThat(preparer.read().summary()).endsWith(": 1 JSON Lines");
    }

    @Test
    void textThatRepeatsItselfGetsARemedyThatExists() throws IOException {
        byte[] text = "all work and no play makes a dull boy \n".repeat(5000).getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> prepare(text(text, "repeats.txt", "text")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("the text repeats itself")
                .hasMessageContaining(
                        "take text with less repetition, or a directory with the splits train and validation");
        put(folder, "remedy/train.txt", text);
        put(folder, "remedy/validation.txt", text);
        PreparedCorpus corpus =
                prepare(new Source.Text(List.of(folder.resolve("remedy").toString()), Format.AUTO, "text"));
        assertThat(corpus.manifest().train().tokens()).isEqualTo(text.length);
    }

    @TestFactory
    Stream<DynamicTest> everyFormOfTheSameTokensIsTheSameCorpus() throws IOException {
        int[] tokens = new SplittableRandom(SEED).ints(60_000, 0, 50_257).toArray();
        String expected = tokens(stored(tokens, 2), "a.bin", 50_257, TokenWidth.AUTO)
                .manifest()
                .corpusHash();
        record Form(String name, byte[] bytes, TokenWidth type) {}
        return Stream.of(
                        new Form("uint16", stored(tokens, 2), TokenWidth.UINT16),
                        new Form("uint32", stored(tokens, 4), TokenWidth.UINT32),
                        new Form("int32", stored(tokens, 4), TokenWidth.INT32),
                        new Form("int64", stored(tokens, 8), TokenWidth.INT64),
                        new Form(
                                "header", join(header(20240520, 1, tokens.length), stored(tokens, 2)), TokenWidth.AUTO),
                        new Form(
                                "header of 32 bits",
                                join(header(20240801, 7, tokens.length), stored(tokens, 4)),
                                TokenWidth.AUTO),
                        new Form("a.npy", npy("<u2", stored(tokens, 2), "(60000,)"), TokenWidth.AUTO),
                        new Form("a.npy", npy("<u4", stored(tokens, 4), "(600, 100)"), TokenWidth.AUTO),
                        new Form("a.npy", npy("<i4", stored(tokens, 4), "(60000,)"), TokenWidth.AUTO),
                        new Form("a.npy", npy("<i8", stored(tokens, 8), "(60000,)"), TokenWidth.AUTO))
                .map(form -> DynamicTest.dynamicTest(
                        form.name(), () -> assertThat(tokens(form.bytes(), form.name() + ".bin", 50_257, form.type())
                                        .manifest()
                                        .corpusHash())
                                .isEqualTo(expected)));
    }

    @Test
    void vocabulariesAbove65536AreStoredIn32Bits() throws IOException {
        int[] tokens = new SplittableRandom(SEED).ints(60_000, 0, 128_256).toArray();
        PreparedCorpus corpus = tokens(stored(tokens, 4), "a.bin", 128_256, TokenWidth.AUTO);
        assertThat(corpus.manifest().type()).isEqualTo(TokenType.UINT32);
        assertThat(corpus.manifest().vocabulary()).isEqualTo(128_256);
        List<Integer> found = new ArrayList<>();
        for (var file : List.of(
                corpus.manifest().train(), corpus.manifest().evaluation().get(0))) {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(
                            Path.of(corpus.directory().toUri()).resolve(file.file())))
                    .order(ByteOrder.LITTLE_ENDIAN);
            assertThat(bytes.remaining()).isEqualTo(4 * (int) file.tokens());
            while (bytes.hasRemaining()) {
                found.add(bytes.getInt());
            }
        }
        assertThat(found.stream().mapToInt(Integer::intValue).sorted().toArray())
                .isEqualTo(Arrays.stream(tokens).sorted().toArray());
    }

    @TestFactory
    Stream<DynamicTest> whatIsNotTheTokensThatTheSettingSaysIsRefused() throws IOException {
        int[] tokens = new SplittableRandom(SEED).ints(60_000, 1, 50_257).toArray();
        int[] wrong = tokens.clone();
        wrong[41_234] = 50_257;
        record Refusal(String name, byte[] bytes, TokenWidth type, String... words) {}
        return Stream.of(
                        new Refusal(
                                "u32.bin",
                                stored(tokens, 4),
                                TokenWidth.AUTO,
                                "u32.bin holds 32-bit tokens as it seems",
                                "corpus.tokens.type: uint32"),
                        new Refusal(
                                "i64.bin",
                                stored(tokens, 8),
                                TokenWidth.AUTO,
                                "i64.bin holds 64-bit tokens as it seems",
                                "corpus.tokens.type: int64"),
                        new Refusal(
                                "wrong.bin",
                                stored(wrong, 2),
                                TokenWidth.AUTO,
                                "wrong.bin holds the token 50257 at position 41234 (byte 82468), which is not below corpus.tokens.vocabulary = 50257"),
                        new Refusal(
                                "headed.bin",
                                join(header(20240520, 1, 60_000), stored(wrong, 2)),
                                TokenWidth.AUTO,
                                "at position 41234 (byte 83492)"),
                        new Refusal(
                                "count.bin",
                                join(header(20240520, 1, 59_999), stored(tokens, 2)),
                                TokenWidth.AUTO,
                                "says in its header that it holds 59999 tokens of 2 bytes, but 120000 bytes follow"),
                        new Refusal(
                                "type.bin",
                                join(header(20240520, 1, 60_000), stored(tokens, 2)),
                                TokenWidth.UINT32,
                                "says in its header that its tokens are uint16"),
                        new Refusal(
                                "negative.npy",
                                npy("<i4", stored(new int[] {5, -1, 7}, 4), "(3,)"),
                                TokenWidth.AUTO,
                                "holds the token -1 at position 1"),
                        new Refusal(
                                "big.npy",
                                npy(">u2", stored(tokens, 2), "(60000,)"),
                                TokenWidth.AUTO,
                                "is a NumPy array of >u2",
                                "astype"),
                        new Refusal(
                                "float.npy",
                                npy("<f4", stored(tokens, 4), "(60000,)"),
                                TokenWidth.AUTO,
                                "is a NumPy array of <f4"),
                        new Refusal(
                                "short.npy",
                                npy("<u2", stored(tokens, 2), "(60001,)"),
                                TokenWidth.AUTO,
                                "says in its header that it holds 60001 tokens"),
                        new Refusal(
                                "odd.bin",
                                Arrays.copyOf(stored(tokens, 2), 119_999),
                                TokenWidth.AUTO,
                                "holds no whole number of 16-bit tokens"),
                        new Refusal("tokens.npz", zip(stored(tokens, 2)), TokenWidth.AUTO, "is a zip archive"),
                        new Refusal(
                                "tokens.bin.gz",
                                gzip(stored(tokens, 2)),
                                TokenWidth.AUTO,
                                "is compressed by gzip; unpack it"),
                        new Refusal(
                                "prose.bin",
                                String.join("\n", DOCUMENTS).getBytes(StandardCharsets.UTF_8),
                                TokenWidth.AUTO,
                                "holds text and not tokens; give it as corpus.text"))
                .map(refusal -> DynamicTest.dynamicTest(refusal.name(), () -> {
                    var refused = assertThatThrownBy(
                                    () -> tokens(refusal.bytes(), refusal.name(), 50_257, refusal.type()))
                            .isInstanceOf(UserError.class)
                            .hasMessageContaining(refusal.name());
                    for (String word : refusal.words()) {
                        refused.hasMessageContaining(word);
                    }
                }));
    }

    @Test
    void aBombIsRefusedBeforeItFillsTheDisk() throws IOException {
        // Four gigabytes of spaces and line ends in a few kilobytes.
        byte[] chunk = " ".repeat((1 << 20) - 1).concat("\n").getBytes(StandardCharsets.US_ASCII);
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (var zstd = new com.github.luben.zstd.ZstdOutputStream(packed)) {
            for (int i = 0; i < 2048; i++) {
                zstd.write(chunk);
            }
        }
        assertThat(packed.size()).isLessThan(1 << 20);
        assertThatThrownBy(() -> prepare(text(packed.toByteArray(), "bomb.txt.zst", "text")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("bomb.txt.zst is refused")
                .hasMessageContaining("unpack to more than 1073741824");
    }

    private PreparedCorpus tokens(byte[] bytes, String name, int vocabulary, TokenWidth type) throws IOException {
        Path home = Files.createTempDirectory(folder, "tokens");
        String path = put(home, name, bytes).toString();
        return CorpusPreparer.prepare(
                session,
                new CorpusSpec(
                        new Source.Tokens(List.of(path), List.of(), vocabulary, OptionalDouble.empty(), type),
                        0.1,
                        Malformed.FAIL,
                        CorpusSpec.Split.BLOCK),
                new TokenizerSpec.External(vocabulary),
                List.of(),
                new SweepDirectory(
                        new org.apache.hadoop.fs.Path(home.resolve("out").toUri())));
    }

    private Source text(byte[] bytes, String name, String column) throws IOException {
        Path home = Files.createTempDirectory(folder, "text");
        return new Source.Text(List.of(put(home, name, bytes).toString()), Format.AUTO, column);
    }

    private PreparedCorpus prepare(Source source) throws IOException {
        return prepare(source, Malformed.FAIL);
    }

    private PreparedCorpus prepare(Source source, Malformed malformed) throws IOException {
        return CorpusPreparer.prepare(
                session,
                new CorpusSpec(source, 0.1, malformed, CorpusSpec.Split.BLOCK),
                new TokenizerSpec.Bytes(),
                List.of(),
                new SweepDirectory(new org.apache.hadoop.fs.Path(
                        Files.createTempDirectory(folder, "out").toUri())));
    }

    private SweepDirectory directory(String name) {
        return new SweepDirectory(
                new org.apache.hadoop.fs.Path(folder.resolve(name).toUri()));
    }

    private static Path put(Path home, String name, byte[] bytes) throws IOException {
        Path file = home.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, bytes);
    }

    private static List<String> documents(int count) {
        SplittableRandom random = new SplittableRandom(SEED);
        List<String> documents = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            StringBuilder text = new StringBuilder("Document " + i + " \"quoted\" \\ é 書 𝄞\tand so on\n");
            int lines = 1 + random.nextInt(30);
            for (int line = 0; line < lines; line++) {
                text.append("line ").append(random.nextInt(1_000_000)).append(" of some words");
                text.append(line + 1 < lines ? "\n" : "");
            }
            documents.add(text.toString());
        }
        return List.copyOf(documents);
    }

    private static String quoted(String text) {
        return "\""
                + text.replace("\\", "\\\\")
                        .replace("\"", "\\\"")
                        .replace("\n", "\\n")
                        .replace("\t", "\\t")
                        .replace("é", "\\u00e9")
                        .replace("𝄞", "\\ud834\\udd1e")
                + "\"";
    }

    private static byte[] jsonLines(String field, List<String> documents) {
        StringBuilder lines = new StringBuilder();
        for (String document : documents) {
            lines.append("{\"id\": 17, \"tags\": [\"a\", {\"")
                    .append(field)
                    .append("\": \"decoy\"}], \"")
                    .append(field)
                    .append("\": ")
                    .append(quoted(document))
                    .append("}\n");
        }
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        }
        return packed.toByteArray();
    }

    private static byte[] zstd(byte[] bytes) {
        return Zstd.compress(bytes);
    }

    private static byte[] zip(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (java.util.zip.ZipOutputStream out = new java.util.zip.ZipOutputStream(packed)) {
            out.putNextEntry(new java.util.zip.ZipEntry("inside.txt"));
            out.write(bytes);
        }
        return packed.toByteArray();
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }

    private static byte[] shorts(int count) {
        return stored(new SplittableRandom(3).ints(count, 0, 200).toArray(), 2);
    }

    private static byte[] stored(int[] tokens, int bytes) {
        ByteBuffer stored = ByteBuffer.allocate(tokens.length * bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int token : tokens) {
            switch (bytes) {
                case 2 -> stored.putShort((short) token);
                case 4 -> stored.putInt(token);
                default -> stored.putLong(token);
            }
        }
        return stored.array();
    }

    private static byte[] header(int magic, int version, int tokens) {
        return ByteBuffer.allocate(1024)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(magic)
                .putInt(version)
                .putInt(tokens)
                .array();
    }

    /** NumPy's format 1.0, as numpy.save writes it. */
    private static byte[] npy(String type, byte[] data, String shape) {
        String header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
        String padded = header + " ".repeat(63 - (10 + header.length()) % 64) + "\n";
        ByteBuffer file =
                ByteBuffer.allocate(10 + padded.length() + data.length).order(ByteOrder.LITTLE_ENDIAN);
        file.put("\u0093NUMPY".getBytes(StandardCharsets.ISO_8859_1))
                .put((byte) 1)
                .put((byte) 0);
        file.putShort((short) padded.length())
                .put(padded.getBytes(StandardCharsets.ISO_8859_1))
                .put(data);
        return file.array();
    }

    private interface RowWriter {
        void add(Group row, String text);
    }

    private interface FormMaker<F> {
        F form(String name, String column, Case written);
    }

    private static <F> F parquetForm(
            FormMaker<F> maker,
            String name,
            String column,
            String schema,
            CompressionCodecName codec,
            RowWriter writer) {
        return maker.form(name, column, home -> {
            parquet(home.resolve(name), schema, codec, DOCUMENTS, writer);
            return home.resolve(name);
        });
    }

    private static void parquet(
            Path file, String schema, CompressionCodecName codec, List<String> documents, RowWriter writer)
            throws IOException {
        Files.createDirectories(file.getParent());
        MessageType type = MessageTypeParser.parseMessageType(schema);
        try (ParquetWriter<Group> rows = ExampleParquetWriter.builder(new LocalOutputFile(file))
                .withType(type)
                .withCompressionCodec(codec)
                .withRowGroupSize(64L << 10)
                .build()) {
            for (String document : documents) {
                Group row = new SimpleGroup(type);
                writer.add(row, document);
                rows.write(row);
            }
        }
    }

    /** Rewrites the footer so that it names brotli, as writers in Rust and Python produce it. */
    private static void sayBrotli(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int footer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(bytes.length - 8);
        int changed = 0;
        // In Thrift's compact protocol: field 4 (codec) after field 3 (path, a list of one string): 0x15, zigzag of 1.
        byte[] path = {0x19, 0x18, 4, 't', 'e', 'x', 't', 0x15, 2};
        for (int i = bytes.length - 8 - footer; i + path.length < bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + path.length, path, 0, path.length)) {
                bytes[i + path.length - 1] = 8;
                changed++;
            }
        }
        assertThat(changed).isPositive();
        Files.write(file, bytes);
    }

    private interface Writing {
        void write() throws IOException;
    }

    private static void unchecked(Writing writing) {
        try {
            writing.write();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
