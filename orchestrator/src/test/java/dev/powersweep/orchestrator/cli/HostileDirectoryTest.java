package dev.powersweep.orchestrator.cli;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.cli.InProcess.Answer;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.orchestrator.tables.TableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands on a directory that somebody else wrote to, who wants more than to alter its results. */
class HostileDirectoryTest {
    private static final Duration AT_ONCE = Duration.ofMinutes(1);

    @TempDir
    Path folder;

    private Path sweep;

    @BeforeEach
    void store() throws Exception {
        sweep = folder.resolve("sweep");
        StoredSweep.write(sweep);
    }

    @Test
    void aFileInPlaceOfTheDirectoryIsRefusedBeforeAnythingIsLookedForBelowIt() throws Exception {
        Path specification = Files.writeString(
                folder.resolve("sweep.yaml"), "name: s\ngrid: {modelSizes: [10k], dataSizes: [50k]}\n");

        Answer refused = powersweep("run", specification, "--dry-run", "--output", specification);

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains(specification + " is a file, and a sweep needs a directory");
    }

    @Test
    void rerunRunsNoProgramThatTheLedgerNamesUnlessTheUserSaysSo() throws Exception {
        Path ran = folder.resolve("RAN");
        Path java = Files.createDirectories(folder.resolve("evil/bin")).resolve("java");
        Files.writeString(java, "#!/bin/sh\ntouch " + ran + "\nexit 1\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        change(event -> {
            if (event.path("event").asText().equals("submitted")) {
                ((ObjectNode) event.get("policy"))
                        .put("trainerJava", folder.resolve("evil").toString());
            }
        });

        Answer refused = powersweep("rerun", sweep, "--master", "local[1]");

        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.err())
                .contains("asks to run trainers on the Java in " + folder.resolve("evil"))
                .contains("--trust");
        assertThat(ran).doesNotExist();
    }

    /** A ledger can ask for cells that no machine holds; whoever reruns it begins no attempt to find out. */
    @Test
    void rerunBeginsNoCellThatCannotHaveItsMemory() throws Exception {
        change(event -> {
            if (event.path("event").asText().equals("submitted")) {
                ((ObjectNode) event.get("policy")).put("trainerMemoryBytes", 1 << 20);
            }
        });
        List<Path> before = below();

        Answer refused = powersweep("rerun", sweep, "--master", "local[1]");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains(" of memory but resources.memory is 1 MB: take smaller grid.modelSizes")
                .doesNotContain("Exception");
        assertThat(below()).isEqualTo(before);
    }

    private List<Path> below() throws IOException {
        try (Stream<Path> all = Files.walk(sweep)) {
            return all.sorted().toList();
        }
    }

    /** Tasks write the corpus by Hadoop's file system, which follows links: only the look before them is in the way. */
    @Test
    void aRunWritesNoCorpusThroughAFolderThatIsALink() throws Exception {
        Path victim = Files.createDirectory(folder.resolve("victim"));
        Path output = Files.createDirectory(folder.resolve("output"));
        Files.createSymbolicLink(output.resolve("corpus"), victim);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            text.append("line ").append(i * 7919L % 20_011).append(i % 10 == 0 ? "\n\n" : "\n");
        }
        Path corpus = Files.writeString(folder.resolve("text.txt"), text);
        Path specification = Files.writeString(
                folder.resolve("own.yaml"),
                """
                name: own
                corpus: {text: %s}
                grid: {modelSizes: [25k], dataSizes: [100k]}
                trainer: {command: ["false"]}
                """
                        .formatted(corpus));

        Answer refused = powersweep("run", specification, "--output", output, "--master", "local[1]");

        assertThat(victim).isEmptyDirectory();
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("corpus is a symbolic link to " + victim);
        assertThat(output.toFile().list()).containsExactly("corpus");
    }

    @Test
    void aRunBeginsInNoDirectoryOfWhichAFolderIsALink() throws Exception {
        Path victim = Files.createDirectory(folder.resolve("victim"));
        Configuration configuration = new Configuration();
        for (String name : List.of("ledger", "corpus", "programs", "tables", "merges", "checkpoints", "logs")) {
            Path output = Files.createDirectory(folder.resolve("output-" + name));
            Files.createSymbolicLink(output.resolve(name), victim);
            assertThatThrownBy(() -> WritableDirectory.require(
                            SweepDirectory.at(output.toString(), configuration), configuration))
                    .as(name)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(name + " is a symbolic link to " + victim);
        }
        assertThat(victim).isEmptyDirectory();
    }

    @Test
    void suggestTakesOverNoFilesAndProgramsOfTheDirectorysSpecificationUnseen() throws Exception {
        Files.writeString(
                sweep.resolve("sweep.yaml"),
                """
                name: trial
                corpus: {text: [/home/me/.ssh/id_rsa]}
                tokenizer: {kind: file, path: /home/me/tokenizer.json}
                evaluation: {sets: {mine: /home/me/notes}}
                grid: {modelSizes: [25k], dataSizes: [300k]}
                resources: {trainerJava: /tmp/evil}
                run: {listeners: {classes: a.Evil, files: /tmp/evil.jar}}
                """);
        Files.writeString(sweep.resolve("fits.json"), "{}");
        Answer refused = powersweep("plan", sweep, "--suggest", "2");
        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err())
                .contains("corpus.text: /home/me/.ssh/id_rsa")
                .contains("tokenizer.path: /home/me/tokenizer.json")
                .contains("evaluation.sets.mine: /home/me/notes")
                .contains("resources.trainerJava: /tmp/evil")
                .contains("run.listeners.classes: a.Evil")
                .contains("run.listeners.files: /tmp/evil.jar")
                .contains("--trust");
    }

    @Test
    void suggestTakesOverNoTokensAndTrainerOfTheDirectorysSpecificationUnseen() throws Exception {
        Files.writeString(
                sweep.resolve("sweep.yaml"),
                """
                name: trial
                corpus: {tokens: {train: /home/me/train.bin, validation: /home/me/held.bin, vocabulary: 256}}
                grid: {modelSizes: [25k], dataSizes: [300k]}
                trainer:
                  command: [/tmp/evil.sh, -x]
                  files: [/home/me/secret.py]
                  environment: {LD_PRELOAD: /tmp/x.so}
                """);
        Files.writeString(sweep.resolve("fits.json"), "{}");

        Answer refused = powersweep("plan", sweep, "--suggest", "2");

        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err())
                .contains("corpus.tokens.train: /home/me/train.bin")
                .contains("corpus.tokens.validation: /home/me/held.bin")
                .contains("trainer.command: /tmp/evil.sh -x")
                .contains("trainer.files: /home/me/secret.py")
                .contains("trainer.environment: LD_PRELOAD=/tmp/x.so")
                .contains("--trust");
    }

    @Test
    void aPipeInPlaceOfAFileIsRefusedWhereverOneIsRead() throws Exception {
        for (String place : List.of(
                "ledger/segment-000002-000000001-000000001.jsonl",
                "ledger/lease-000009.json",
                "ledger/_beat-000001.json",
                "sweep.yaml",
                "fits.json",
                "tables/cells/cells.parquet",
                "tables/steps/0123456789abcdef-000000001-000000001-1.parquet",
                "merges/steps/merge-000001-000001.json")) {
            Path pipe = sweep.resolve(place);
            Path aside = folder.resolve("aside");
            Files.createDirectories(pipe.getParent());
            boolean was = Files.exists(pipe);
            if (was) {
                Files.move(pipe, aside);
            }
            assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                    .isZero();
            for (List<Object> command : List.<List<Object>>of(
                    List.of("status", sweep),
                    List.of("fit", sweep),
                    List.of("report", sweep),
                    List.of("plan", sweep, "--flops", "1e18"))) {
                Answer answer = assertTimeoutPreemptively(AT_ONCE, () -> powersweep(command.toArray()));
                assertThat(answer.err()).as("%s with %s", command, place).doesNotContain("\tat ");
            }
            Files.delete(pipe);
            if (was) {
                Files.move(aside, pipe);
            }
        }
        Path pipe = sweep.resolve("ledger/segment-000002-000000001-000000001.jsonl");
        new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor();
        assertThat(powersweep("status", sweep).err()).contains(pipe + " is no regular file");
    }

    @Test
    void aSmallFileOfMillionsOfRowsIsRefusedByItsFooter() throws Exception {
        SweepDirectory directory = SweepDirectory.at(sweep.toString(), new Configuration());
        StepRow row =
                new StepRow("0123456789abcdef", 1, 1, 1, 1, 1, 1, OptionalDouble.empty(), OptionalDouble.empty(), 1);
        org.apache.hadoop.fs.Path bomb =
                Storage.child(directory.table("steps"), "0123456789abcdef-000000001-000000001-1.parquet");
        TableFile.write(
                Storage.of(directory.root(), new Configuration()),
                bomb,
                Table.STEPS,
                Collections.nCopies(1_200_000, row),
                Map.of());
        assertThat(Files.size(Path.of(bomb.toUri()))).isLessThan(1 << 20);
        Answer report = powersweep("report", sweep);
        assertThat(report.exitCode()).isNotZero();
        assertThat(report.err())
                .contains(bomb.getName() + " holds 1200000 rows")
                .contains("is not what PowerSweep wrote");
    }

    @Test
    void whatStatusPrintsOfADirectoryDoesNothingToATerminalAndForgesNoLine() throws Exception {
        String name = "\u001b]0;owned\u0007\u001b[2J\u009b1A\u202e\r\nsweep forged in /nowhere";
        change(event -> {
            switch (event.path("event").asText()) {
                case "submitted" -> event.put("sweep", "q" + name);
                case "planned" ->
                    event.put("name", "c" + name + event.path("cell").hashCode());
                case "ended" ->
                    ((ObjectNode) event.get("report")).put("host", name).put("message", "m" + name);
                default -> {}
            }
        });
        Answer text = powersweep("status", sweep);
        assertThat(text.exitCode()).isZero();
        assertThat(text.out()).contains("\uFFFD]0;owned\uFFFD").doesNotContain("\nsweep forged");
        assertThat(text.out().replace("\n", "")).matches("[^\\p{Cntrl}\\p{Cf}\\u0080-\\u009f]*");

        Answer json = powersweep("status", sweep, "--json");
        assertThat(LedgerJson.mapper().readTree(json.out()).path("sweep").asText())
                .isEqualTo("q" + name);
        assertThat(json.out().replace("\n", "")).matches("[^\\p{Cntrl}\\p{Cf}\\u0080-\\u009f]*");
    }

    /** What no command prints of a directory, whatever its ledger says: names come into tables, plans and refusals, too. */
    @Test
    void noCommandPrintsWhatATerminalWouldCarryOut() throws Exception {
        String hostile = "\u001b]0;owned\u0007\u001b[2J\u009b1A\u202e\r\npowersweep: forged";
        change(event -> {
            switch (event.path("event").asText()) {
                case "driver-started" -> event.put("host", hostile).put("application", hostile);
                case "submitted" -> event.put("sweep", "q" + hostile);
                case "planned" ->
                    event.put("name", "c" + hostile + event.path("cell").hashCode());
                case "ended" ->
                    ((ObjectNode) event.get("report")).put("host", hostile).put("message", "m" + hostile);
                default -> {}
            }
        });
        Path weights = folder.resolve("weights.npz");
        for (List<Object> command : List.<List<Object>>of(
                List.of("status", sweep),
                List.of("fit", sweep),
                List.of("plan", sweep, "--flops", "1e18"),
                List.of("plan", sweep, "--suggest", "2"),
                List.of("report", sweep),
                List.of("query", sweep, "select * from cells"),
                List.of("query", sweep, "select * from cells", "--format", "markdown"),
                List.of("query", sweep, "select * from cells", "--format", "csv"),
                List.of("query", sweep, "select * from cells", "--format", "json"),
                List.of("export", sweep, "*", weights),
                List.of("export", sweep, "c*", weights),
                List.of("export", sweep, "nobody", weights))) {
            Answer answer = powersweep(command.toArray());
            for (String said : List.of(answer.out(), answer.err())) {
                assertThat(said.replace("\n", "")).as("%s", command).matches("[^\\p{Cntrl}\\p{Cf}\\u0080-\\u009f]*");
                assertThat(said.lines()).as("%s", command).noneMatch(line -> line.startsWith("powersweep: forged"));
            }
        }
        assertThat(powersweep("query", sweep, "select name from cells").out()).contains("\uFFFD]0;owned");
    }

    @Test
    void messagesAboutADirectoryDoNothingToATerminalEither() throws Exception {
        Path strange = folder.resolve("a\u001b]0;owned\u0007b");
        Answer answer = powersweep("status", strange);
        assertThat(answer.exitCode()).isNotZero();
        assertThat(answer.err().replace("\n", "")).matches("[^\\p{Cntrl}\\u0080-\\u009f]*");

        // status --watch writes to the screen itself.
        Files.move(sweep, strange);
        Configuration configuration = new Configuration();
        String text =
                StatusText.of(SweepStatus.read(SweepDirectory.at(strange.toString(), configuration), configuration));
        assertThat(text).contains("a\uFFFD]0;owned");
        assertThat(text.replace("\n", "")).matches("[^\\p{Cntrl}\\u0080-\\u009f]*");
    }

    /** Warnings of fits are printed as they are, but for what every command's output passes. */
    @Test
    void whatFitsSayDoesNothingToATerminal() throws Exception {
        String hostile = "\u001b]0;owned\u0007\u001b[2J\u009b1A\u202e\r\npowersweep: forged";
        ObjectNode fits = (ObjectNode)
                LedgerJson.mapper()
                        .readTree(
                                """
                        {"fits": [{"law": "chinchilla",
                         "parameters": {"E": {"value": 1.7}, "A": {"value": 400}, "alpha": {"value": 0.34},
                                        "B": {"value": 410}, "beta": {"value": 0.28}},
                         "residuals": [{"n": 1e8, "d": 1e9, "b": 1000}, {"n": 4e8, "d": 4e9, "b": 1000}]}]}
                        """);
        ((ObjectNode) fits.at("/fits/0")).putArray("warnings").add("w" + hostile);
        fits.putArray("notes").add("Rates untuned" + hostile);
        Files.writeString(sweep.resolve("fits.json"), LedgerJson.line(fits));
        for (List<Object> command : List.<List<Object>>of(
                List.of("plan", sweep, "--flops", "1e18"), List.of("plan", sweep, "--flops", "1e18", "--json"))) {
            Answer answer = powersweep(command.toArray());
            assertThat(answer.exitCode()).as(answer.err()).isZero();
            assertThat(answer.out()).contains("]0;owned");
            assertThat(answer.out().lines()).as("%s", command).noneMatch(line -> line.startsWith("powersweep: forged"));
            assertThat((answer.out() + answer.err()).replace("\n", ""))
                    .as("%s", command)
                    .matches("[^\\p{Cntrl}\\p{Cf}\\u0080-\\u009f]*");
        }
    }

    @Test
    void fitsOfAStrangerAreAnsweredOrRefusedInASentence() throws Exception {
        String sound =
                """
                {"options": {"confidence": 0.95}, "fits": [{"law": "chinchilla",
                 "parameters": {"E": {"value": 1.7}, "A": {"value": 400}, "alpha": {"value": 0.34},
                                "B": {"value": 410}, "beta": {"value": 0.28}},
                 "replicas": {"values": [[1.7, 400, 0.34, 410, 0.28], [1.71, 401, 0.341, 411, 0.281]]},
                 "quality": {"noise": 0.01},
                 "residuals": [{"n": 1e6, "d": 1e8, "b": 1000}, {"n": 2e6, "d": 2e8, "b": 1000},
                               {"n": 4e6, "d": 1e8, "b": 1000}, {"n": 4e6, "d": 4e8, "b": 1000}],
                 "warnings": ["w"]}]}
                """;
        Path file = sweep.resolve("fits.json");
        List<String> strange = List.of("0", "-1", "1e308", "1e-320", "1e999", "\"x\"", "null", "[]", "{}");
        List<String> held = List.of(
                "0.95",
                "\"value\": 1.7",
                "\"value\": 400",
                "\"value\": 0.34",
                "[1.7, 400, 0.34, 410, 0.28]",
                "0.01",
                "1e6",
                "1e8",
                "1000",
                "[\"w\"]",
                "\"chinchilla\"");
        for (String part : held) {
            for (String value : strange) {
                String put = part.startsWith("\"value\"") ? "\"value\": " + value : value;
                Files.writeString(file, sound.replace(part, put));
                for (List<Object> command : List.<List<Object>>of(
                        List.of("plan", sweep, "--flops", "1e18"), List.of("plan", file, "--suggest", "2"))) {
                    Answer answer = assertTimeoutPreemptively(AT_ONCE, () -> powersweep(command.toArray()));
                    assertThat(answer.err())
                            .as("%s for %s, %s", value, part, command)
                            .doesNotContain("unexpected failure")
                            .doesNotContain("\tat ");
                }
            }
        }
        Files.writeString(file, "[".repeat(100_000));
        assertThat(powersweep("plan", sweep, "--flops", "1e18").err())
                .contains("not what powersweep fit writes", "write it again with powersweep fit")
                .hasLineCount(1);
    }

    /** Rewrites the ledger as whoever may write to the directory can. */
    private void change(Consumer<ObjectNode> change) throws IOException {
        List<Path> segments;
        try (Stream<Path> files = Files.list(sweep.resolve("ledger"))) {
            segments = files.filter(file -> file.getFileName().toString().startsWith("segment-"))
                    .toList();
        }
        for (Path segment : segments) {
            List<String> lines = new ArrayList<>();
            for (String line : Files.readAllLines(segment)) {
                JsonNode event = LedgerJson.mapper().readTree(line);
                change.accept((ObjectNode) event);
                lines.add(LedgerJson.line(event));
            }
            Files.write(segment, lines);
        }
    }
}
