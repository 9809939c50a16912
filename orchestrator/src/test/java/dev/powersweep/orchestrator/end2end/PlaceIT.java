package dev.powersweep.orchestrator.end2end;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.Zstd;
import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The same sweep in different places: cores, locales, time zones, one process or a cluster of several. */
@ExtendWith(Loopback.Shared.class)
class PlaceIT {
    private static final Map<String, String> ON_CLUSTER = Map.of(
            "POWERSWEEP_SUBMIT_OPTIONS",
            "--conf spark.executor.memory=600m --conf spark.executor.cores=1 --conf"
                    + " spark.executor.resource.gpu.amount=0 --conf spark.default.parallelism=16");

    @TempDir
    private Path folder;

    @Test
    void corpusCellsAndTablesAreTheSameOnOneCoreOnThreeAndOnACluster(Loopback loopback) throws Exception {
        Path specification = Files.writeString(
                folder.resolve("place.yaml"),
                """
                grid: {modelSizes: [5k, 20k], dataSizes: [20k, 40k], batchSizes: 1024}
                context: 64
                evaluation: {timesPerRun: 2, tokens: 4096}
                run: {probeSeconds: 1}
                """);
        StoredResults one = run(specification, "local[1]", Map.of("TZ", "Asia/Kathmandu", "LC_ALL", "POSIX"));
        Map<Path, Object> libraries = unpackedLibraries();
        assertThat(libraries).isNotEmpty();
        StoredResults three = run(specification, "local[3]", Map.of("TZ", "UTC", "LC_ALL", "C.UTF-8"));
        StoredResults cluster = run(specification, loopback.cluster().url(), ON_CLUSTER);
        assertThat(one.cells()).hasSize(4);
        assertThat(one.steps()).hasSize(2 * (20 + 39));
        assertThat(three).isEqualTo(one);
        assertThat(cluster).isEqualTo(one);
        // A trainer that unpacked them anew would have done so under the feet of others.
        Map<Path, Object> still = unpackedLibraries();
        // Those of jars that nobody has used for long may be gone.
        libraries.keySet().retainAll(still.keySet());
        assertThat(libraries).isNotEmpty();
        assertThat(still).containsAllEntriesOf(libraries);
    }

    /** The files that trainers of this user load, each with when it was written. */
    private static Map<Path, Object> unpackedLibraries() throws IOException {
        Path folders = HostCache.ofUser().place().resolve("native");
        Map<Path, Object> libraries = new HashMap<>();
        try (Stream<Path> files = Files.walk(folders)) {
            for (Path file : files.filter(each -> each.toString().contains(".so"))
                    .filter(each -> Files.exists(
                            folders.resolve(folders.relativize(each).getName(0)).resolve("warm")))
                    .toList()) {
                libraries.put(file, Files.getAttribute(file, "unix:ctime", LinkOption.NOFOLLOW_LINKS));
            }
        }
        return libraries;
    }

    @Test
    void everyKindOfFileIsReadByExecutorsAsInOneProcess(Loopback loopback) throws Exception {
        Path specification = Files.writeString(
                folder.resolve("kinds.yaml"),
                "grid: {modelSizes: 5k, dataSizes: 10k, batchSizes: 1024}\ncontext: 64\n");
        Files.createDirectory(folder.resolve("kinds"));
        Path text = Texts.write(folder.resolve("kinds/plain: [1].txt"), 1);
        StringBuilder lines = new StringBuilder();
        for (String paragraph :
                Files.readString(Texts.write(folder.resolve("other.txt"), 2)).split("\n\n")) {
            lines.append("{\"meta\":{\"text\":\"")
                    .append(paragraph.replace("\n", "\\n"))
                    .append("\"}}\n");
        }
        Files.write(
                folder.resolve("kinds/b.jsonl.zst"),
                Zstd.compress(lines.toString().getBytes(StandardCharsets.UTF_8)));
        MessageType schema = MessageTypeParser.parseMessageType(
                "message m { optional group meta { optional binary text (STRING); } }");
        try (ParquetWriter<Group> rows = ExampleParquetWriter.builder(
                        new LocalOutputFile(folder.resolve("kinds/c.parquet")))
                .withType(schema)
                .withCompressionCodec(CompressionCodecName.ZSTD)
                .build()) {
            for (String paragraph : Files.readString(text).split("\n\n")) {
                Group row = new SimpleGroup(schema);
                row.addGroup("meta").append("text", paragraph + " again");
                rows.write(row);
            }
        }
        ByteBuffer tokens = ByteBuffer.allocate(400_000).order(ByteOrder.LITTLE_ENDIAN);
        new SplittableRandom(3).ints(100_000, 0, 100_000).forEach(tokens::putInt);
        Path raw = Files.write(folder.resolve("tokens.bin"), tokens.array());
        for (List<String> corpus : List.of(
                List.of("corpus.text=" + folder.resolve("kinds"), "corpus.textColumn=meta.text"),
                List.of("corpus.tokens={train: " + raw + ", vocabulary: 100k}"))) {
            String here = dryRun(specification, corpus, "local[2]");
            assertThat(here).contains("corpusHash");
            assertThat(dryRun(specification, corpus, loopback.cluster().url())).isEqualTo(here);
        }
    }

    /**
     * Below {@code /proc/self/cwd} each process sees its own working directory, as each host sees its own disk: executors
     * have neither the corpus nor what the driver wrote.
     */
    @Test
    void aCorpusOrADirectoryThatOnlyTheDriverHasIsRefusedInOneSentence(Loopback loopback) throws Exception {
        Path specification = Files.writeString(
                folder.resolve("apart.yaml"),
                "grid: {modelSizes: 5k, dataSizes: 10k, batchSizes: 1024}\ncontext: 64\n");
        Result corpus = PowerSweepProcess.run(
                ON_CLUSTER,
                "bin/powersweep",
                "run",
                specification,
                "--dry-run",
                "--master",
                loopback.cluster().url(),
                "--set",
                "corpus.text=file:///proc/self/cwd/README.md");
        assertRefused(
                corpus,
                "/proc/self/cwd/README\\.md .*seen on host 127\\.0\\.0\\.[12]; every host of the cluster must reach"
                        + " it");
        String output = "/proc/self/cwd/orchestrator/target/seen-by-the-driver-alone";
        Result directory = PowerSweepProcess.run(
                ON_CLUSTER,
                "bin/powersweep",
                "run",
                specification,
                "--output",
                "file://" + output,
                "--master",
                loopback.cluster().url());
        assertRefused(directory, output + ".*choose an --output that all hosts of the cluster share");
    }

    private static void assertRefused(Result run, String pattern) {
        assertThat(run.exitCode()).isNotZero();
        assertThat(run.err()).containsPattern("(?m)^powersweep: .*" + pattern).doesNotContain("\tat ");
    }

    /** Corpus and cells of a sweep, without what is measured. */
    private static String dryRun(Path specification, List<String> corpus, String master) throws IOException {
        List<Object> words = new ArrayList<>(List.of(
                "run", specification, "--dry-run", "--json", "--master", master, "--set", "run.probeSeconds=0"));
        corpus.forEach(setting -> words.addAll(List.of("--set", setting)));
        String out = PowerSweepProcess.run(ON_CLUSTER, "bin/powersweep", words.toArray())
                .orFail()
                .out();
        JsonNode root = new ObjectMapper().readTree(out);
        return "corpusHash " + root.get("corpusHash").asText() + " cells " + root.findValuesAsText("id");
    }

    private StoredResults run(Path specification, String master, Map<String, String> environment) throws IOException {
        Path output = folder.resolve("on-" + master.replaceAll("[^a-z0-9]", ""));
        Result result = PowerSweepProcess.run(
                environment, "bin/powersweep", "run", specification, "--output", output, "--master", master);
        result.orFail();
        try (Stream<Path> corpora = Files.list(output.resolve("corpus"))) {
            assertThat(corpora.map(each -> each.getFileName().toString()).toList())
                    .isEqualTo(List.of("c1ee4d10a1e3ffa5"));
        }
        Configuration configuration = new Configuration();
        return StoredResults.of(SweepDirectory.at(output.toString(), configuration), configuration);
    }
}
