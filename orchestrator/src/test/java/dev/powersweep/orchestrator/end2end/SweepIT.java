package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.cli.OutputSchema;
import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Sweeps from end to end: the launcher, real trainers, real Parquet read by DuckDB, a real cluster. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SweepIT {
    private static final Path SPEC = ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml");

    @TempDir
    private static Path folder;

    @Test
    @Order(1)
    void aSweepTrainsEveryCellAndEndsWithLawsAndReport() throws Exception {
        Result run = powersweep("run", SPEC, "--output", sweep(), "--master", "local[2]")
                .orFail();
        assertThat(run.err()).contains("8");
        assertThat(sweep().resolve("report.html"))
                .content()
                .contains("What the best cell writes", "<pre class=\"passage\"><span>");
        JsonNode fits = new ObjectMapper().readTree(sweep().resolve("fits.json").toFile());
        assertThat(fits.get("runs").asInt()).isEqualTo(8);
        assertThat(duckdb("select state, count(*) from {cells} group by state")).containsExactly("FINISHED|8");
        assertThat(duckdb("select count(*) from (select cell, step from {steps} group by all having count(*) <> 1)"))
                .containsExactly("0");
        assertThat(duckdb("select count(*) from {cells} c where c.steps <> "
                        + "(select count(*) from {steps} s where s.cell = c.cell)"))
                .containsExactly("0");
        assertThat(duckdb("select count(distinct cell) from {evals}")).containsExactly("8");
        assertThat(duckdb("select count(*) from {fits}").get(0)).isNotEqualTo("0");
        // Untrained, a byte costs ln 256 = 5.5 nats. Sixteen steps of the smallest model are few; the best cell has
        // learnt.
        assertThat(duckdb("select max(validation_loss) < 5.3 and min(validation_loss) < 3.5 from {cells}"))
                .containsExactly("true");
    }

    @Test
    @Order(2)
    void queryAndStatusAnswerOnStandardOutputAlone() throws Exception {
        Result query = powersweep(
                        "query",
                        sweep(),
                        "select state, count(*) as cells from cells group by state",
                        "--format",
                        "csv")
                .orFail();
        assertThat(query.out().strip().lines()).containsExactly("state,cells", "FINISHED,8");
        JsonNode status = new ObjectMapper()
                .readTree(powersweep("status", sweep(), "--json").orFail().out());
        assertThat(status.at("/states/FINISHED").asInt()).isEqualTo(8);
        OutputSchema.of("status").accepts(status.toString());
    }

    @Test
    @Order(2)
    void aTrainedCellIsAFileForOtherPrograms() throws Exception {
        for (String file : List.of("model.zip", "weights.npz", "weights.safetensors")) {
            Path target = folder.resolve(file);
            powersweep(
                            "export",
                            sweep(),
                            duckdb("select name from {cells} order by name").get(0),
                            target)
                    .orFail();
            assertThat(target).isNotEmptyFile();
        }
        String cell = duckdb("select name from {cells} order by name").get(0);
        List<Object> sample = List.of("sample", sweep(), cell, "--prompt", "the ", "--tokens", 12, "--seed", 3);
        String text = powersweep(sample.toArray()).orFail().out();
        // A byte is a token here; one that is no UTF-8 by itself is shown as one character, too.
        assertThat(text).startsWith("the ").hasSize("the ".length() + 12 + 1);
        assertThat(powersweep(sample.toArray()).orFail().out()).isEqualTo(text);
        OutputSchema.of("sample")
                .accepts(powersweep("sample", sweep(), cell, "--tokens", 3, "--json")
                        .orFail()
                        .out())
                .accepts(powersweep("sample", sweep(), cell, "--tokens", 3, "--prompt-tokens", "1,2", "--json")
                        .orFail()
                        .out());
        try (ZipFile zip = new ZipFile(folder.resolve("model.zip").toFile())) {
            assertThat(zip.stream().map(ZipEntry::getName))
                    .contains("configuration.json", "coefficients.bin", "updaterState.bin");
        }
    }

    @Test
    @Order(3)
    void theSameSpecificationTrainsNothingAndAGrownOneOnlyWhatIsNew() throws Exception {
        Map<String, Long> before = stepFiles();
        Result again = powersweep("run", SPEC, "--output", sweep(), "--master", "local[1]")
                .orFail();
        assertThat(again.err()).contains("nothing to train");
        assertThat(stepFiles()).isEqualTo(before);

        Path grown = folder.resolve("grown.yaml");
        Files.writeString(grown, Files.readString(SPEC).replace("[16k, 32k]", "[16k, 32k, 48k]"));
        powersweep("run", grown, "--output", sweep(), "--master", "local[1]").orFail();
        assertThat(duckdb("select state, count(*) from {cells} group by state")).containsExactly("FINISHED|12");
        assertThat(stepFiles()).containsAllEntriesOf(before);
    }

    @Test
    @Order(4)
    void aDirectoryOfAnotherSweepIsLeftAlone() throws Exception {
        Path other = folder.resolve("other.yaml");
        Files.writeString(other, Files.readString(SPEC).replace("name: tiny", "name: different"));
        Map<String, Long> before = stepFiles();
        Result refused = powersweep("run", other, "--output", sweep(), "--master", "local[1]");
        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.err()).contains("different").contains("tiny").doesNotContain("Exception");
        assertThat(stepFiles()).isEqualTo(before);
    }

    @Test
    @Order(5)
    void badInputGetsOneSentenceAndAnExitCode() throws Exception {
        assertRefused(powersweep("run", "no-such.yaml"), "no-such.yaml");
        assertRefused(powersweep("query", sweep(), "selec 1"), "selec");
        assertRefused(powersweep("query", sweep(), "select nope from cells"), "nope");
        assertRefused(powersweep("status", folder.resolve("nowhere")), "nowhere");
        assertRefused(
                powersweep("run", SPEC, "--set", "corpus.text=/no/such/text", "--output", folder.resolve("x")),
                "/no/such/text");
        assertRefused(powersweep("run", SPEC, "--set", "grid.dataSizes=[1e12]", "--output", folder.resolve("y")), "1");
        assertRefused(powersweep("run", SPEC, "--output", "/proc/powersweep"), "/proc/powersweep");
        assertThat(powersweep("run", SPEC, "--ouput", "x").err()).contains("--ouput");
    }

    @Test
    @Order(6)
    void theSameJarRunsByPlainSparkSubmitOnAStandaloneClusterWithTheSameNumbers() throws Exception {
        Path cluster = folder.resolve("cluster");
        Path there = folder.resolve("on-cluster");
        Result started = PowerSweepProcess.run(
                        Map.of(),
                        "deploy/standalone/start-cluster.sh",
                        "--port",
                        freePort(),
                        "--workers",
                        2,
                        "--cores",
                        1,
                        "--dir",
                        cluster)
                .orFail();
        try {
            String master = started.out().strip();
            PowerSweepProcess.run(
                            Map.of(),
                            "deploy/standalone/spark-class",
                            "org.apache.spark.deploy.SparkSubmit",
                            "--properties-file",
                            cluster.resolve("submit.conf"),
                            "--master",
                            master,
                            "--conf",
                            "spark.executor.memory=600m",
                            applicationJar(),
                            "run",
                            SPEC,
                            "--output",
                            there)
                    .orFail();
        } finally {
            PowerSweepProcess.run(Map.of(), "deploy/standalone/stop-cluster.sh", cluster);
        }
        String losses = "select cell, step, loss from read_parquet('%s/tables/steps/*.parquet')";
        assertThat(duckdb("select count(*) from (" + losses.formatted(there) + ")")
                        .get(0))
                .isNotEqualTo("0");
        assertThat(duckdb("select count(*) from ((" + losses.formatted(there) + ") except (" + losses.formatted(sweep())
                        + "))"))
                .containsExactly("0");
    }

    private static void assertRefused(Result result, String culprit) {
        assertThat(result.exitCode()).as(result.err()).isNotZero();
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).contains(culprit).doesNotContain("\tat ");
    }

    private static Path sweep() {
        return folder.resolve("tiny");
    }

    private static Path applicationJar() throws IOException {
        try (Stream<Path> files = Files.list(ROOT.resolve("orchestrator/target"))) {
            return files.filter(file -> file.getFileName().toString().matches("powersweep-[0-9].*\\.jar"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Another build may run on the same machine. */
    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static Map<String, Long> stepFiles() throws IOException {
        try (Stream<Path> files = Files.list(sweep().resolve("tables/steps"))) {
            return files.filter(file -> file.toString().endsWith(".parquet"))
                    .collect(java.util.stream.Collectors.toMap(
                            file -> file.getFileName().toString(),
                            file -> file.toFile().lastModified()));
        }
    }

    /** Rows as text, columns joined by {@code |}; {@code {cells}} and its like are the tables on disk. */
    private static List<String> duckdb(String sql) throws SQLException {
        String resolved = sql;
        for (String table : List.of("cells", "steps", "evals", "fits")) {
            resolved = resolved.replace(
                    "{" + table + "}", "read_parquet('" + sweep() + "/tables/" + table + "/*.parquet')");
        }
        List<String> rows = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
                ResultSet result = connection.createStatement().executeQuery(resolved)) {
            int columns = result.getMetaData().getColumnCount();
            while (result.next()) {
                StringBuilder row = new StringBuilder(result.getString(1));
                for (int column = 2; column <= columns; column++) {
                    row.append('|').append(result.getString(column));
                }
                rows.add(row.toString());
            }
        }
        return rows;
    }
}
