package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A trunk shared along D against the same cells trained one by one, with real trainers. */
class TrunkIT {
    private static final Path SPEC = ROOT.resolve("orchestrator/src/test/resources/end2end/trunk.yaml");

    @TempDir
    private Path folder;

    @Test
    void aCellThatSharesATrunkHasTheSameBitsInItsTablesAsTrainedAlone() throws Exception {
        Path shared = folder.resolve("shared");
        Result dryRun = powersweep(
                        "run",
                        SPEC,
                        "--output",
                        shared,
                        "--master",
                        "local[1]",
                        "--dry-run",
                        "--set",
                        "run.probeSeconds=0")
                .orFail();
        // Of 112k tokens: four fifths of 16k and 32k.
        assertThat(dryRun.out()).contains("saved (34 %)");
        Result run = powersweep("run", SPEC, "--output", shared, "--master", "local[2]")
                .orFail();
        assertThat(run.err()).contains("shared trunks saved").contains("makespan");
        assertThat(sql("select count(*) from {shared}/cells where shared_steps > 0", shared))
                .isEqualTo("2");
        assertThat(sql("select count(*) from {shared}/cells where state = 'FINISHED'", shared))
                .isEqualTo("3");
        for (String tokens : List.of("16k", "32k")) {
            Path alone = folder.resolve(tokens);
            powersweep(
                            "run",
                            SPEC,
                            "--output",
                            alone,
                            "--master",
                            "local[1]",
                            "--set",
                            "grid.dataSizes=" + tokens,
                            "--set",
                            "run.probeSeconds=0")
                    .orFail();
            String steps = "select cell, step, tokens, loss, learning_rate, gradient_norm, gradient_square_small,"
                    + " gradient_square_big from ";
            String evals = "select cell, step, set, loss, standard_error, bits_per_byte from ";
            for (String columns : List.of(steps, evals)) {
                String table = columns.equals(steps) ? "/steps" : "/evals";
                String ofCell = " where cell in (select cell from {alone}/cells)";
                String mine = columns + "{shared}" + table + ofCell;
                String theirs = columns + "{alone}" + table;
                assertThat(sql("select count(*) from (" + theirs + ")", shared, alone))
                        .isNotEqualTo("0");
                assertThat(sql("select count(*) from ((" + mine + ") except all (" + theirs + "))", shared, alone))
                        .isEqualTo("0");
                assertThat(sql("select count(*) from ((" + theirs + ") except all (" + mine + "))", shared, alone))
                        .isEqualTo("0");
            }
            String loss = "select validation_loss, train_loss from ";
            assertThat(sql(
                            "select count(*) from ((" + loss + "{alone}/cells) except (" + loss + "{shared}/cells))",
                            shared,
                            alone))
                    .isEqualTo("0");
        }
    }

    @Test
    void branchesOfOtherBatchesGoOnFromStatesOfTheirTrunkAndAreCompared() throws Exception {
        Path branched = folder.resolve("branched");
        Result run = powersweep(
                        "run",
                        SPEC,
                        "--output",
                        branched,
                        "--master",
                        "local[2]",
                        "--set",
                        "grid.dataSizes=64k",
                        "--set",
                        "grid.branches={at: [16k, 32k], batchSizes: [512, 1024], tokens: 8192}",
                        "--set",
                        "run.probeSeconds=0")
                .orFail();
        assertThat(run.err()).contains("5 cells finished").contains("shared trunks saved");
        String ofBranches = " from {shared}/cells where branch_tokens is not null";
        assertThat(sql(
                        "select count(*)" + ofBranches + " and shared_steps * trunk_batch_tokens = branch_tokens",
                        branched))
                .isEqualTo("4");
        assertThat(sql("select count(distinct tokens - branch_tokens)" + ofBranches, branched))
                .isEqualTo("1");
        // Up to the branch the rows are the trunk's; behind it batch and rate are the branch's to its last step.
        String pairs = " from {shared}/steps s join {shared}/cells c on c.cell = s.cell and c.branch_tokens is not null"
                + " join {shared}/steps t on t.cell = c.trunk_cell and t.step = s.step";
        assertThat(sql("select count(*)" + pairs + " where s.step <= c.shared_steps", branched))
                .isEqualTo(Integer.toString(2 * (31 + 63)));
        assertThat(sql(
                        "select count(*)" + pairs
                                + " where s.step <= c.shared_steps and (s.loss <> t.loss or s.tokens <> t.tokens)",
                        branched))
                .isEqualTo("0");
        assertThat(sql(
                        "select count(*) from {shared}/steps s join {shared}/cells c on c.cell = s.cell where s.step >"
                                + " c.shared_steps and c.branch_tokens is not null and (s.learning_rate <>"
                                + " c.branch_learning_rate or s.tokens <> c.branch_tokens + (s.step - c.shared_steps) *"
                                + " c.batch_tokens)",
                        branched))
                .isEqualTo("0");
        assertThat(sql("select count(*) from {shared}/fits where law = 'branched-critical-batch'", branched))
                .isNotEqualTo("0");
        assertThat(Files.readString(branched.resolve("report.html"))).contains("Critical batch size by branching");
    }

    @Test
    @Tag("nightly")
    void aDriverKilledInTheMiddleOfATrunkLosesNothingOfItNorOfItsBranches() throws Exception {
        Path undisturbed = folder.resolve("undisturbed");
        Path disturbed = folder.resolve("disturbed");
        powersweep(longer(undisturbed).toArray()).orFail();

        // First before any branch has begun, then when one has taken the trunk's state over and the trunk still trains.
        killDriver(disturbed, kept -> kept.trunkStep() > 0);
        killDriver(disturbed, kept -> kept.branches() > 0);
        Result last = powersweep(longer(disturbed).toArray()).orFail();
        assertThat(last.err()).contains("shared trunks saved");

        assertThat(sql("select count(*) from {shared}/cells where shared_steps > 0", disturbed))
                .isEqualTo("2");
        assertThat(sql("select count(*) from {shared}/cells where state = 'FINISHED'", disturbed))
                .isEqualTo("3");
        assertThat(sql(
                        "select count(*) from (select cell, step from {shared}/steps group by all having count(*) <> 1)",
                        disturbed))
                .isEqualTo("0");
        String steps = "select cell, step, tokens, loss, learning_rate, gradient_norm, gradient_square_small,"
                + " gradient_square_big from {%1$s}/steps";
        String evals = "select cell, step, set, loss, standard_error, bits_per_byte, tokens_scored from {%1$s}/evals";
        String cells = "select cell, steps_done, train_loss, validation_loss, shared_steps, trunk_cell, spent_flops"
                + " from {%1$s}/cells";
        for (String rows : List.of(steps, evals, cells)) {
            String mine = rows.formatted("shared");
            String theirs = rows.formatted("alone");
            assertThat(sql("select count(*) from (" + theirs + ")", disturbed, undisturbed))
                    .isNotEqualTo("0");
            for (String difference : List.of(mine + " except all " + theirs, theirs + " except all " + mine)) {
                assertThat(sql("select count(*) from (" + difference + ")", disturbed, undisturbed))
                        .as(difference)
                        .isEqualTo("0");
            }
        }
        Result again = powersweep(longer(disturbed).toArray()).orFail();
        assertThat(again.err()).contains("nothing to train");
    }

    /** A trunk that trains for seconds after its first branch has begun. */
    private static List<Object> longer(Path directory) {
        return List.of(
                "run",
                SPEC,
                "--output",
                directory,
                "--master",
                "local[1]",
                "--set",
                "grid.modelSizes={layers: 2, width: 32, heads: 2}",
                "--set",
                "grid.dataSizes=[200k, 400k, 1M]",
                "--set",
                "evaluation.everyTokens=65536",
                "--set",
                "run.checkpointSeconds=0.2",
                "--set",
                "run.probeSeconds=0");
    }

    /**
     * What a sweep has stored of a trunk.
     *
     * @param trunkStep to which the cell has got that trains it; -1 when that has ended
     * @param branches cells that have begun from a state of it
     */
    private record Kept(long trunkStep, int branches) {
        private static final ObjectMapper JSON = new ObjectMapper();

        static Kept in(Path directory) throws IOException {
            long trunkStep = 0;
            int branches = 0;
            Path checkpoints = directory.resolve("checkpoints");
            if (!Files.exists(checkpoints)) {
                return new Kept(0, 0);
            }
            for (Path cell : list(checkpoints)) {
                List<Path> manifests = list(cell).stream()
                        .filter(file -> file.getFileName().toString().startsWith("manifest-"))
                        .sorted()
                        .toList();
                if (manifests.isEmpty()) {
                    continue;
                }
                JsonNode newest;
                try {
                    newest = JSON.readTree(manifests.get(manifests.size() - 1).toFile());
                } catch (FileNotFoundException replaced) {
                    // By a newer one; the next look finds it.
                    continue;
                }
                if (newest.path("shared").isObject()) {
                    branches++;
                } else if (newest.path("outcome").isObject()) {
                    trunkStep = -1;
                } else {
                    trunkStep = Math.max(trunkStep, newest.path("step").asLong());
                }
            }
            return new Kept(trunkStep, branches);
        }

        private static List<Path> list(Path folder) throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                return files.toList();
            }
        }
    }

    /** Submits the sweep and kills its driver as soon as so much is stored, while the trunk still trains. */
    private void killDriver(Path directory, Predicate<Kept> enough) throws Exception {
        List<String> command =
                new ArrayList<>(List.of(ROOT.resolve("bin/powersweep").toString()));
        longer(directory).forEach(argument -> command.add(argument.toString()));
        Path log = folder.resolve("killed.log");
        try (Daemon driver = Daemon.start("driver", log, Map.of("SPARK_LOCAL_IP", "127.0.0.1"), command)) {
            while (!enough.test(Kept.in(directory))) {
                assertThat(driver.alive()).as(driver.log()).isTrue();
                TimeUnit.MILLISECONDS.sleep(20);
            }
            driver.kill();
        }
        assertThat(Kept.in(directory).trunkStep())
                .as("the trunk was still in training")
                .isPositive();
    }

    private static String sql(String query, Path shared) throws SQLException {
        return sql(query, shared, shared);
    }

    /** The only value of the answer; {@code {shared}/cells} and its like are tables on disk. */
    private static String sql(String query, Path shared, Path alone) throws SQLException {
        String resolved = query.replaceAll("\\{(\\w+)\\}/(\\w+)", "read_parquet('{$1}/tables/$2/*.parquet')")
                .replace("{shared}", shared.toString())
                .replace("{alone}", alone.toString());
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
                ResultSet result = connection.createStatement().executeQuery(resolved)) {
            result.next();
            return result.getString(1);
        }
    }
}
