package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From laws to the cells that would tell most, to those cells trained, to laws that know them: all by the commands. */
@Tag("nightly")
class SuggestedCellsIT {
    private static final int FIRST = 9;
    private static final int SUGGESTED = 2;

    @TempDir
    private static Path folder;

    @Test
    void suggestedCellsAreTrainedIntoTheSweepThatTheyWereSuggestedFor() throws Exception {
        Path sweep = folder.resolve("grown");
        powersweep(
                        "run",
                        ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml"),
                        "--set",
                        "grid={modelSizes: [{layers: 1, width: 16, heads: 2}, {layers: 2, width: 32, heads: 2},"
                                + " {layers: 2, width: 48, heads: 2}], dataSizes: [8k, 16k, 32k], batchSizes: [512]}",
                        "--output",
                        sweep,
                        "--master",
                        "local[1]")
                .orFail();
        assertThat(fits(sweep).get("runs").asInt()).isEqualTo(FIRST);

        Path next = folder.resolve("next.yaml");
        Files.writeString(
                next, powersweep("plan", sweep, "--suggest", SUGGESTED).orFail().out());
        // The specification says where its cells belong.
        powersweep("run", next, "--master", "local[1]").orFail();

        JsonNode grown = fits(sweep);
        assertThat(grown.get("runs").asInt()).isEqualTo(FIRST + SUGGESTED);
        assertThat(powersweep("query", sweep, "select state, count(*) from cells group by state", "--format", "csv")
                        .orFail()
                        .out()
                        .strip()
                        .lines()
                        .skip(1))
                .containsExactly("FINISHED," + (FIRST + SUGGESTED));
        JsonNode plan = new ObjectMapper()
                .readTree(powersweep("plan", sweep, "--flops", "1e12", "--json")
                        .orFail()
                        .out());
        assertThat(plan.at("/parameters/value").asDouble()).isPositive();
    }

    private static JsonNode fits(Path sweep) throws IOException {
        return new ObjectMapper().readTree(sweep.resolve("fits.json").toFile());
    }
}
