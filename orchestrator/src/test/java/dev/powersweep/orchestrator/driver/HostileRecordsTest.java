package dev.powersweep.orchestrator.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.powersweep.orchestrator.cellstore.CellManifest;
import dev.powersweep.orchestrator.cellstore.CellManifest.Chunk;
import dev.powersweep.orchestrator.cellstore.CellManifest.KeptTrunk;
import dev.powersweep.orchestrator.cellstore.CellManifest.StoredCheckpoint;
import dev.powersweep.orchestrator.cellstore.CellStore;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.SharedSteps;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.Merge;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellListeners;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every record that is read from a sweep's directory, with each of its texts replaced by names that lead elsewhere. A text
 * either is refused at parsing, or stands in {@link #SHOWN}: it is shown to people and never becomes a path.
 */
class HostileRecordsTest {
    private static final String CELL = "0123456789abcdef";
    private static final String SHA256 = "ab".repeat(32);
    private static final Instant NOW = Instant.EPOCH;
    private static final List<String> HOSTILE = List.of(
            "../../../../victim",
            "..",
            ".",
            ".hidden",
            "",
            "/etc/passwd",
            "a/../../b",
            "a\\..\\b",
            "a/b",
            "file:///etc/passwd",
            "a\u0000b",
            "a\nb",
            "%2e%2e",
            "~",
            "a".repeat(300));

    /** Texts that people read; see the tests of what is printed for what they may hold. */
    private static final Set<String> SHOWN = Set.of(
            "driver-started/host",
            "driver-started/application",
            "driver-started/version",
            "submitted/sweep",
            "submitted/specification",
            // Becomes a path, of a program: run only with --trust.
            "submitted/policy/trainerJava",
            "corpus-read/kinds",
            "planned/name",
            "ended/report/message",
            "ended/report/detail",
            "ended/report/host",
            "ended/report/executor",
            "host-excluded/host",
            "host-excluded/reason",
            "sweep-stopped/reason",
            "manifest/outcome/message",
            "manifest/outcome/detail",
            "manifest/outcome/host",
            "manifest/outcome/executor",
            "shard/tokenizer",
            "shard/train/name",
            "shard/evaluation/0/name",
            "planned/cell/evaluation/sets/0",
            // Run only with --trust, which shows them; names of files are no texts of these.
            "planned/cell/program/command/0",
            "planned/cell/program/environment/A",
            "planned/cell/program/arguments/b");

    static Stream<Arguments> records() {
        Cell cell = Sweeps.cell(1, 2, Trouble.NONE);
        RunPolicy policy = new RunPolicy(
                1,
                0,
                0,
                60,
                1,
                0,
                300,
                3,
                10,
                Optional.of("/opt/jdk"),
                Optional.of(new CellListeners(List.of("a.B"), List.of(new Program.File("listeners.jar", SHA256, 1)))),
                OptionalInt.empty());
        AttemptReport report = new AttemptReport(
                CELL,
                1,
                Outcome.failed(FailureClass.BUG, "message", "detail"),
                new AttemptReport.Work(1, 0, Optional.of(new SharedSteps(CELL, 1)), 1, 1, 1),
                NOW,
                NOW,
                new AttemptReport.Place("host", "executor"),
                Optional.empty(),
                "logs/" + CELL + "/1.log");
        StoredCheckpoint checkpoint = new StoredCheckpoint("checkpoint-000001-step-1-1-x.ckpt", 1, 1, SHA256);
        Chunk chunk = new Chunk("steps", "_steps-000001-1-x.parquet", CELL + "-1-1-1.parquet", 1, 1);
        CellManifest manifest = new CellManifest(
                1,
                CELL,
                1,
                0,
                "1-abc",
                1,
                List.of(checkpoint),
                List.of(chunk),
                List.of(chunk),
                Optional.of(report),
                new KeptTrunk(List.of(checkpoint), List.of(chunk)),
                Optional.of(new SharedSteps(CELL, 1)));
        ShardManifest.TokenFile tokens = new ShardManifest.TokenFile("train", "train.bin", 1, 1, 0);
        return Stream.of(
                Arguments.of("driver-started", new LedgerEvent.DriverStarted(NOW, 1, Map.of(), "h", 1, "a", "v")),
                Arguments.of("submitted", new LedgerEvent.Submitted(NOW, "s", Sweeps.CORPUS, "name: s", policy)),
                Arguments.of("corpus-read", new LedgerEvent.CorpusRead(NOW, Sweeps.CORPUS, 1, 1, "1 text")),
                Arguments.of("planned", new LedgerEvent.Planned(NOW, "n", cell, 1, 1)),
                Arguments.of("planned", new LedgerEvent.Planned(NOW, "n", ofAProgram(cell), 1, 1)),
                Arguments.of("running", new LedgerEvent.Running(NOW, CELL, 1, 0)),
                Arguments.of("ended", new LedgerEvent.Ended(NOW, report)),
                Arguments.of("requested", new LedgerEvent.Requested(NOW, CELL, LedgerEvent.Beginning.RESUME)),
                Arguments.of("host-excluded", new LedgerEvent.HostExcluded(NOW, "h", "r")),
                Arguments.of("merged", new LedgerEvent.Merged(NOW, "steps", "000001-000001")),
                Arguments.of("sweep-stopped", new LedgerEvent.SweepStopped(NOW, "r")),
                Arguments.of("manifest", manifest),
                Arguments.of(
                        "merge",
                        new Merge(
                                "merged-000001-000001.parquet",
                                List.of(new Merge.Member(CELL, 0)),
                                List.of(CELL + "-1-1-1.parquet"))),
                Arguments.of(
                        "shard",
                        new ShardManifest(1, Sweeps.CORPUS, "bytes", 256, TokenType.UINT8, tokens, List.of(tokens))));
    }

    private static Cell ofAProgram(Cell cell) {
        return new Cell(
                cell.model(),
                cell.data(),
                cell.training(),
                cell.evaluation(),
                cell.seed(),
                Optional.of(new Program(
                        List.of("train"),
                        List.of(new Program.File("train.py", SHA256, 1)),
                        Map.of("A", "1"),
                        Map.of("b", "2"),
                        Program.Parameters.COMPUTED)));
    }

    @Test
    void everyEventOfALedgerIsAmongTheRecords() {
        Set<Class<?>> tried = new HashSet<>();
        records().map(each -> each.get()[1].getClass()).forEach(tried::add);
        assertThat(tried).contains(LedgerEvent.class.getPermittedSubclasses());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("records")
    void noNameOfARecordLeadsElsewhere(String name, Record sound) throws IOException {
        byte[] json = LedgerJson.bytes(sound);
        Class<? extends Record> type = sound.getClass();
        assertThat(LedgerJson.read(json, parsedAs(type))).isEqualTo(sound);
        Set<String> believed = new TreeSet<>();
        for (List<String> path : texts(LedgerJson.mapper().readTree(json))) {
            String place = name + "/" + String.join("/", path);
            for (String hostile : HOSTILE) {
                if (hostile.equals("a/b") && (place.endsWith("/log") || place.endsWith("/files/0/name"))) {
                    // A path below DIR or a cell's folder, of names that each stay there.
                    continue;
                }
                JsonNode changed = LedgerJson.mapper().readTree(json);
                replace(changed, path, hostile);
                try {
                    LedgerJson.read(LedgerJson.bytes(changed), parsedAs(type));
                    // Absent: a log that there is none of, a chunk that is not in a table.
                    if (!hostile.isEmpty() || SHOWN.contains(place)) {
                        believed.add(place);
                    }
                } catch (IOException refused) {
                    continue;
                }
            }
        }
        assertThat(believed).isSubsetOf(SHOWN);
    }

    private static Class<?> parsedAs(Class<?> type) {
        return LedgerEvent.class.isAssignableFrom(type) ? LedgerEvent.class : type;
    }

    private static List<List<String>> texts(JsonNode node) {
        List<List<String>> found = new ArrayList<>();
        if (node instanceof ObjectNode object) {
            object.fields().forEachRemaining(field -> texts(field.getValue())
                    .forEach(rest -> found.add(prefixed(field.getKey(), rest))));
        } else if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                String index = Integer.toString(i);
                texts(array.get(i)).forEach(rest -> found.add(prefixed(index, rest)));
            }
        } else if (node.isTextual()) {
            found.add(List.of());
        }
        return found;
    }

    private static List<String> prefixed(String first, List<String> rest) {
        List<String> path = new ArrayList<>(List.of(first));
        path.addAll(rest);
        return path;
    }

    private static void replace(JsonNode root, List<String> path, String text) {
        JsonNode parent = root;
        for (String step : path.subList(0, path.size() - 1)) {
            parent = parent.isArray() ? parent.get(Integer.parseInt(step)) : parent.get(step);
        }
        String last = path.get(path.size() - 1);
        if (parent instanceof ArrayNode array) {
            array.set(Integer.parseInt(last), TextNode.valueOf(text));
        } else {
            ((ObjectNode) parent).put(last, text);
        }
    }

    /** The attacks as they were made: a tree deleted, a file overwritten, a file moved out of reach. */
    @ParameterizedTest
    @MethodSource("manifests")
    void aManifestReachesNothingOutsideItsDirectory(String attack, String json, @TempDir Path folder) throws Exception {
        Path victim = Files.createDirectories(folder.resolve("victim/tree"));
        Path kept = Files.writeString(victim.resolve("kept"), "kept\n");
        Path sweep = Files.createDirectories(folder.resolve("sweep"));
        SweepDirectory directory = SweepDirectory.at(sweep.toString(), new Configuration());
        Storage storage = Storage.of(directory.root(), new Configuration());
        Path home = Files.createDirectories(sweep.resolve("checkpoints/" + CELL));
        Files.writeString(home.resolve("manifest-000001.json"), json);
        Files.writeString(home.resolve("changed"), "changed\n");
        Path local = Files.createDirectories(folder.resolve("local/deep"));

        assertThatThrownBy(() -> {
                    CellStore store = CellStore.open(storage, directory, CELL, 2, 0);
                    store.fetchCheckpoint(local);
                })
                .isInstanceOf(IOException.class)
                .hasMessageContaining("manifest-000001.json is damaged");

        assertThat(kept).hasContent("kept\n");
        assertThat(victim).isDirectoryContaining(file -> file.equals(kept));
        assertThat(sweep.resolve("tables")).doesNotExist();
    }

    /** Sound names in a folder that somebody has put a link in place of: a file deleted, and one made. */
    @Test
    void aManifestReachesNothingThroughAFolderThatIsALink(@TempDir Path folder) throws Exception {
        Path victim = Files.createDirectories(folder.resolve("victim"));
        Path kept = Files.writeString(victim.resolve("id_rsa"), "kept\n");
        Path sweep = Files.createDirectories(folder.resolve("sweep/tables")).getParent();
        Files.createSymbolicLink(sweep.resolve("tables/steps"), victim);
        SweepDirectory directory = SweepDirectory.at(sweep.toString(), new Configuration());
        Path home = Files.createDirectories(sweep.resolve("checkpoints/" + CELL));
        Files.writeString(home.resolve("_steps-000001-1-x.parquet"), "a key of somebody else");
        Files.writeString(
                home.resolve("manifest-000001.json"),
                manifest(
                        CELL,
                        "[]",
                        "[" + chunk("steps", "_steps-000001-1-x.parquet", "authorized_keys") + "]",
                        chunk("steps", "_gone", "id_rsa")));

        assertThatThrownBy(() -> CellStore.open(directory.storage(new Configuration()), directory, CELL, 2, 0))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("tables/steps is a symbolic link to " + victim);

        assertThat(victim.toFile().list()).containsExactly("id_rsa");
        assertThat(kept).hasContent("kept\n");
    }

    static Stream<Arguments> manifests() {
        String changed = "0370a7b4da4ba7d8fbb6ff0ac1b83dfc8a7a1ff0e6d1a2fa6b6ce8b05e4dfc1e";
        String up = "../../../victim/tree";
        return Stream.of(
                Arguments.of("a tree deleted", manifest(CELL, "[]", "[]", chunk("steps", up, "nothing.parquet"))),
                Arguments.of(
                        "a published file deleted", manifest(CELL, "[]", "[]", chunk("steps", "_x", "../../" + up))),
                Arguments.of(
                        "a file overwritten",
                        manifest(
                                CELL,
                                "[{\"file\": \"../../victim/tree/kept\", \"step\": 1, \"bytes\": 8, \"sha256\": \""
                                        + changed + "\"}]",
                                "[]",
                                "")),
                Arguments.of(
                        "a file moved into the tables",
                        manifest(CELL, "[]", "[" + chunk("steps", up + "/kept", "moved.parquet") + "]", "")),
                Arguments.of(
                        "a file moved by the table's name",
                        manifest(CELL, "[]", "[" + chunk("../../victim/tree", "changed", "moved") + "]", "")),
                Arguments.of("another cell's manifest", manifest("fedcba9876543210", "[]", "[]", "")),
                Arguments.of(
                        "another number than its name's",
                        manifest(CELL, "[]", "[]", "").replace("\"sequence\": 1", "\"sequence\": 2")),
                Arguments.of("a path for a cell", manifest("../../../victim", "[]", "[]", "")));
    }

    private static String chunk(String table, String pending, String file) {
        return "{\"table\": \"" + table + "\", \"pending\": \"" + pending + "\", \"file\": \"" + file
                + "\", \"firstStep\": 1, \"lastStep\": 1}";
    }

    private static String manifest(String cell, String checkpoints, String chunks, String dropped) {
        return """
                {"sequence": 1, "cell": "%s", "attempt": 1, "generation": 0, "owner": "1-x", "step": 1,
                 "checkpoints": %s, "chunks": %s, "dropped": [%s], "outcome": null,
                 "trunk": {"states": [], "chunks": []}, "shared": null}
                """
                .formatted(cell, checkpoints, chunks, dropped);
    }

    @Test
    void noIdentityOrHashLeadsOutOfASweepsDirectory() {
        SweepDirectory directory = SweepDirectory.at("/sweep", new Configuration());
        for (String hostile : HOSTILE) {
            List<ThrowingCallable> places = List.of(
                    () -> directory.corpus(hostile),
                    () -> directory.programFile(hostile),
                    () -> directory.checkpoints(hostile),
                    () -> directory.logs(hostile),
                    () -> directory.table(hostile),
                    () -> directory.merges(hostile),
                    () -> Storage.child(directory.root(), hostile));
            places.forEach(place -> assertThatThrownBy(place).as(hostile).isInstanceOf(IllegalArgumentException.class));
        }
    }
}
