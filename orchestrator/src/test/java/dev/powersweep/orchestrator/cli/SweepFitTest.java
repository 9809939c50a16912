package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.driver.TrainedGrid;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepReader;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.text.Numbers;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
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
        assertThat(results.clippedShares()).hasSize(TrainedGrid.cells());
        double smallest = results.usable().get(0).parameters();
        assertThat(results.usable())
                .allSatisfy(cell -> assertThat(results.clippedShares().get(cell.id()))
                        .isEqualTo(cell.parameters() == smallest ? 1.0 : 0.0));
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

    /** Of the grid's four largest cells, each of which trained for .1 s, the two in the middle count. */
    @Test
    void withoutRatesAPlanTakesTheTimeThatTheSweepsOwnSlotsWould() throws Exception {
        execute("fit", sweep, "--law", "chinchilla", "--bootstrap", "30");
        Configuration configuration = new Configuration();
        SweepResults results = SweepReader.read(SweepDirectory.at(sweep, configuration), configuration);
        double[] largest = results.usable().stream()
                .sorted(Comparator.comparingDouble(CellResult::parameters)
                        .thenComparing(CellResult::tokensDone)
                        .reversed())
                .limit(4)
                .mapToDouble(cell -> 6 * cell.parameters() * cell.tokensDone() / 0.1)
                .toArray();
        double pace = (largest[1] + largest[2]) / 2;

        Answer plan = execute("plan", sweep, "--flops", "1e12");
        JsonNode json = new ObjectMapper()
                .readTree(execute("plan", sweep, "--gpu-hours", "0.001", "--gpus", "2", "--json")
                        .out());

        assertThat(plan.err()).isEmpty();
        assertThat(plan.out())
                .contains("On one of this sweep's slots, at the ")
                .contains(" FLOP/s of its 4 largest cells: " + Numbers.duration(1e12 / pace) + "\n")
                .doesNotContain("kWh", "NaN");
        assertThat(json.at("/flops/value").asDouble()).isCloseTo(3.6 * pace, withinPercentage(0.01));
        assertThat(json.at("/costs/0/seconds").asDouble()).isCloseTo(1.8, within(1e-3));
        assertThat(json.at("/costs/0/kilowattHours").isNull()).isTrue();
        assertThat(execute("plan", sweep, "--flops", "1e12", "--gpu", "H100").err())
                .contains("--gpu H100 is a name of a machine of --rates; give that file, too");
    }
}
