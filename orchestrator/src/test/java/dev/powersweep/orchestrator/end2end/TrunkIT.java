package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
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
                        "local[2]",
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
                            "local[2]",
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
