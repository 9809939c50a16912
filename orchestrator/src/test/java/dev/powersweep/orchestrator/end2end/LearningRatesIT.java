package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Learning rates and another key as axes, with real trainers: from a pilot to the rule of the next sweep. */
@Tag("nightly")
class LearningRatesIT {
    private static final Path SPEC = ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml");

    @TempDir
    private Path folder;

    @Test
    void aPilotOverRatesGivesTheRuleOfTheNextSweep() throws Exception {
        Path pilot = folder.resolve("pilot");
        String sizes = "modelSizes: [{layers: 1, width: 16, heads: 1}, {layers: 2, width: 32, heads: 2}],"
                + " dataSizes: [32k], batchSizes: [512]";
        powersweep(
                        "run",
                        SPEC,
                        "--set",
                        "grid={" + sizes + ", learningRates: {factors: [0.1, 0.3, 1, 3, 10, 30, 100]}}",
                        "--set",
                        "training.learningRate=0.003",
                        "--output",
                        pilot,
                        "--master",
                        "local[1]")
                .orFail();
        assertThat(rows(pilot, "select count(*) from cells where state in ('FINISHED', 'DIVERGED')"))
                .isEqualTo("14");
        assertThat(rows(pilot, "select count(distinct peak_learning_rate) from cells"))
                .isEqualTo("7");
        String text = powersweep("plan", pilot, "--learning-rate").orFail().out();
        assertThat(text).contains("Best learning rate = coefficient", "learningRate: {rule: power, coefficient: ");
        JsonNode rule = new ObjectMapper()
                .readTree(powersweep("plan", pilot, "--learning-rate", "--json")
                        .orFail()
                        .out());
        assertThat(rule.at("/optima")).hasSize(2);

        Path next = folder.resolve("next.yaml");
        Files.writeString(
                next,
                rule.get("yaml").asText() + "  warmup: {steps: 2}\ncontext: 32\ngrid: {" + sizes
                        + ", axes: {training.optimizer.weightDecay: [0, 0.1]}}\n");
        Path sweep = folder.resolve("next");
        powersweep("run", next, "--output", sweep, "--master", "local[1]").orFail();
        assertThat(rows(sweep, "select count(distinct weight_decay) from cells where state = 'FINISHED'"))
                .isEqualTo("2");
        assertThat(rows(sweep, "select count(*) from cells where name like '%-weightDecay0.1-s0'"))
                .isEqualTo("2");
        assertThat(Files.readString(sweep.resolve("report.html"))).contains("weightDecay");
    }

    private static String rows(Path sweep, String sql) throws Exception {
        return powersweep("query", sweep, sql, "--format", "csv")
                .orFail()
                .out()
                .strip()
                .lines()
                .skip(1)
                .findFirst()
                .orElseThrow();
    }
}
