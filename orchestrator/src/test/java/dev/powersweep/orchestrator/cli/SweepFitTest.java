package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.driver.TrainedGrid;
import dev.powersweep.orchestrator.results.SweepReader;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** fit, report and plan on the directory of a sweep. */
class SweepFitTest {
    @TempDir
    private Path folder;

    private String sweep;

    private record Answer(int status, String out, String err) {}

    @BeforeEach
    void train() throws Exception {
        sweep = folder.resolve("sweep").toString();
        TrainedGrid.write(Path.of(sweep));
    }

    private static Answer execute(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                PowerSweep.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int status = line.execute(arguments);
        return new Answer(status, out.toString(), err.toString());
    }

    @Test
    void theReaderFindsEveryCellWithSizesAndLoss() {
        Configuration configuration = new Configuration();
        SweepResults results = SweepReader.read(SweepDirectory.at(sweep, configuration), configuration);

        assertThat(results.usable()).hasSize(TrainedGrid.cells()).allSatisfy(cell -> assertThat(
                        cell.validationLoss().getAsDouble())
                .isCloseTo(
                        TrainedGrid.E
                                + TrainedGrid.A * Math.pow(cell.parameters(), -TrainedGrid.ALPHA)
                                + TrainedGrid.B * Math.pow(cell.tokensDone(), -TrainedGrid.BETA),
                        within(1e-6)));
    }

    @Test
    void fitKeepsItsFitsWithTheSweepAndReportLeavesThemAlone() throws Exception {
        Answer fit =
                execute("fit", sweep, "--law", "chinchilla,kaplan-nd", "--bootstrap", "30", "--seed", "7", "--json");
        JsonNode chinchilla = new ObjectMapper().readTree(fit.out()).at("/fits/0");
        assertThat(fit.err()).isEmpty();
        assertThat(fit.status()).isZero();
        assertThat(chinchilla.at("/parameters/alpha/value").asDouble()).isCloseTo(TrainedGrid.ALPHA, within(1e-5));
        assertThat(chinchilla.at("/parameters/E/value").asDouble()).isCloseTo(TrainedGrid.E, within(1e-4));
        Path kept = Path.of(sweep, "fits.json");
        String text = Files.readString(kept);
        var written = Files.getLastModifiedTime(kept);

        Answer report = execute("report", sweep);

        assertThat(report.status()).isZero();
        assertThat(report.out()).contains("report.html");
        assertThat(report.err()).contains("the report shows no text of the best cell (see powersweep sample): ");
        assertThat(Files.readString(Path.of(sweep, "report.html"))).contains("chinchilla");
        assertThat(Files.readString(kept)).isEqualTo(text);
        assertThat(Files.getLastModifiedTime(kept)).isEqualTo(written);
    }

    @Test
    void reportOfASweepWithoutFitsMakesThem() {
        assertThat(execute("report", sweep).status()).isZero();
        assertThat(Path.of(sweep, "fits.json")).exists();
    }

    @Test
    void suggestedCellsJoinTheSweepUnderItsOwnSpecification() throws Exception {
        Files.writeString(
                Path.of(sweep, "sweep.yaml"),
                "name: mine\ncontext: 32\ngrid: {modelSizes: [25k], dataSizes: [300k]}\ntraining: {learningRate: 0.002}\n");
        execute("fit", sweep, "--law", "chinchilla", "--bootstrap", "30");

        Answer suggested = execute("plan", sweep, "--suggest", "2");

        assertThat(suggested.err()).isEmpty();
        SweepSpec next = SweepSpecReader.read(suggested.out(), "next.yaml", List.of());
        assertThat(next.name()).isEqualTo("mine");
        assertThat(next.context()).isEqualTo(32);
        assertThat(next.output()).contains(sweep);
        assertThat(next.grid().parts()).hasSize(2);
    }
}
