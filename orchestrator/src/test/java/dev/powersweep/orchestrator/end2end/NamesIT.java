package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names of files that are not ASCII or hold colons, in locales that know neither. */
class NamesIT {
    private static final Map<String, String> POSIX = Map.of("LC_ALL", "POSIX", "LANG", "");
    private static final String CELLS =
            """
            grid: {modelSizes: 5k, dataSizes: 10k, batchSizes: 1024}
            context: 64
            evaluation: {timesPerRun: 1, tokens: 2048}
            run: {probeSeconds: 0}
            """;

    @TempDir
    private Path folder;

    @Test
    void theLauncherReadsEveryNameWhateverTheLocale() throws IOException {
        Path books = Files.createDirectories(folder.resolve("Bücher 書"));
        Texts.write(books.resolve("Küche.txt"), 1);
        Texts.write(books.resolve("plain.txt"), 2);
        Texts.write(books.resolve("a:b.txt"), 3);
        Path specification = Files.writeString(folder.resolve("namen-ä.yaml"), "name: names\n" + CELLS);
        Path output = folder.resolve("Läufe/2026-11-26T21:30:05");
        Result run = PowerSweepProcess.run(
                        POSIX,
                        "bin/powersweep",
                        "run",
                        specification,
                        "--set",
                        "corpus.text=" + books,
                        "--output",
                        output,
                        "--master",
                        "local[1]")
                .orFail();
        assertThat(run.err()).contains("corpus: read 3 files, 2.4 MB: 3 text");
        try (Stream<Path> stored = Files.walk(output.resolve("corpus"))) {
            Path sources = stored.filter(file -> file.endsWith("sources.json"))
                    .findFirst()
                    .orElseThrow();
            assertThat(Files.readString(sources)).contains("Küche.txt", "plain.txt", "a:b.txt");
        }
        Result status =
                PowerSweepProcess.run(POSIX, "bin/powersweep", "status", output).orFail();
        assertThat(status.out()).contains("1: 1 finished");
        Result cells = PowerSweepProcess.run(
                        POSIX, "bin/powersweep", "query", output, "select state from cells", "--format", "csv")
                .orFail();
        assertThat(cells.out()).contains("FINISHED");
    }

    @Test
    void aJvmThatCannotSayANameRefusesItInASentence() throws IOException {
        Path books = Files.createDirectories(folder.resolve("books"));
        Texts.write(books.resolve("Küche.txt"), 1);
        Texts.write(books.resolve("plain.txt"), 2);
        Path specification = Files.writeString(folder.resolve("names.yaml"), CELLS);
        Result lost = plain("run", specification, "--set", "corpus.text=" + books, "--output", folder.resolve("out"));
        assertThat(lost.exitCode()).isNotZero();
        assertThat(lost.err())
                .contains("holds a file whose name this JVM cannot say")
                .contains("start it with LC_ALL=C.UTF-8")
                .doesNotContain("\tat ");
        Result named = plain("run", specification, "--output", folder.resolve("Läufe"));
        assertThat(named.exitCode()).isNotZero();
        assertThat(named.err())
                .contains("has characters that this JVM cannot read")
                .contains("LC_ALL=C.UTF-8")
                .doesNotContain("\tat ");
    }

    /** A plain spark-submit, without the launcher. */
    private static Result plain(Object... arguments) throws IOException {
        Path jar = Loopback.applicationJar();
        List<Object> words = new ArrayList<>(List.of(
                "-cp",
                jar + ":" + ROOT.resolve("orchestrator/target/spark/jars") + "/*",
                "org.apache.spark.deploy.SparkSubmit",
                "--master",
                "local[1]",
                jar));
        words.addAll(List.of(arguments));
        return PowerSweepProcess.run(POSIX, System.getProperty("java.home") + "/bin/java", words.toArray());
    }
}
