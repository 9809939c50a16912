package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.fitting.law.MultiPower;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A table of training curves with their rates, and a table that repeats itself, through fit --runs. */
class WholeCurveTest {
    private static final double[] TRUTH = {2.5, 0.6, 500, 0.45, 2, 0.6, 0.6};

    @TempDir
    private Path folder;

    private record Answer(int status, String out, String err) {}

    private static Answer execute(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                PowerSweep.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return new Answer(line.execute(arguments), out.toString(), err.toString());
    }

    /** A run of 3,000 steps, rows every 100 from step 200 on; the rate falls to {@code end} of its peak from step 1,000. */
    private static List<String> curve(String name, double end) {
        int rows = 29;
        double[] step = new double[rows];
        double[] rate = new double[rows];
        double[] loss = new double[rows];
        String[] run = new String[rows];
        for (int i = 0; i < rows; i++) {
            step[i] = 200 + 100 * i;
            double through = Math.max(0, (step[i] - 1000) / 2000);
            rate[i] = 3e-4 * (1 - through * (1 - end));
            loss[i] = 3;
            run[i] = name;
        }
        double[] losses = new MultiPower()
                .predictions(
                        TRUTH,
                        Observations.builder()
                                .column(Quantity.STEP, step)
                                .column(Quantity.LEARNING_RATE, rate)
                                .column(Quantity.LOSS, loss)
                                .runs(run)
                                .build());
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            lines.add(name + "," + (long) step[i] + "," + rate[i] + "," + losses[i]);
        }
        return lines;
    }

    private Path file(String header, List<String> lines) throws Exception {
        List<String> all = new ArrayList<>(List.of(header));
        all.addAll(lines);
        return Files.write(folder.resolve("runs.csv"), all);
    }

    @Test
    void curvesWithRatesAndNoSizesAreFittedWhole() throws Exception {
        List<String> lines = new ArrayList<>(curve("flat", 1));
        lines.addAll(curve("half", 0.5));
        lines.addAll(curve("low", 0.1));
        Path report = folder.resolve("out");
        Answer answer = execute(
                "fit",
                "--runs",
                file("run,step,lr,loss", lines).toString(),
                "--bootstrap",
                "0",
                "--json",
                "--output",
                report.toString());

        assertThat(answer.err()).isEmpty();
        JsonNode fit = new ObjectMapper().readTree(answer.out()).at("/fits/0");
        assertThat(fit.at("/law").asText()).isEqualTo("multi-power");
        assertThat(fit.at("/runs").asInt()).isEqualTo(3);
        assertThat(fit.at("/parameters/L0/value").asDouble()).isCloseTo(2.5, within(0.02));
        assertThat(fit.at("/parameters/alpha/value").asDouble()).isCloseTo(0.45, within(0.02));
        assertThat(Files.readString(report.resolve("report.html"))).contains("multi-power: loss along the steps");
    }

    @Test
    void aCurveAloneIsOneRun() throws Exception {
        List<String> lines =
                curve("x", 0.1).stream().map(line -> line.substring(2)).toList();
        Answer answer = execute(
                "fit",
                "--runs",
                file("step,lr,loss", lines).toString(),
                "--bootstrap",
                "0",
                "--law",
                "multi-power",
                "--json");

        assertThat(answer.err()).isEmpty();
        JsonNode document = new ObjectMapper().readTree(answer.out());
        assertThat(document.at("/runs").asInt()).isEqualTo(1);
        assertThat(document.at("/notes").toString()).contains("point along one run");
    }

    @Test
    void rowsThatRepeatAreRefusedDroppedOrAveraged() throws Exception {
        List<String> lines = new ArrayList<>();
        for (double n : new double[] {1e6, 3e6, 1e7, 3e7}) {
            for (double d : new double[] {1e8, 3e8, 1e9, 3e9}) {
                lines.add(n + "," + d + "," + (1.7 + 400 / Math.pow(n, 0.34) + 400 / Math.pow(d, 0.28)));
            }
        }
        lines.add(lines.get(3));
        Path equal = file("n,d,loss", lines);
        Answer refused = execute("fit", "--runs", equal.toString(), "--law", "chinchilla", "--bootstrap", "0");
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains("--duplicates drop");
        Answer dropped = execute(
                "fit",
                "--runs",
                equal.toString(),
                "--law",
                "chinchilla",
                "--bootstrap",
                "0",
                "--json",
                "--duplicates",
                "drop");
        assertThat(new ObjectMapper().readTree(dropped.out()).at("/rows").asInt())
                .isEqualTo(16);
        assertThat(dropped.out()).contains("1 rows repeat another one");

        String[] cells = lines.get(3).split(",");
        double loss = Double.parseDouble(cells[2]);
        lines.set(3, cells[0] + "," + cells[1] + "," + (loss - 0.25));
        lines.set(16, cells[0] + "," + cells[1] + "," + (loss + 0.25));
        Path repeated = file("n,d,loss", lines);
        Answer mean = execute(
                "fit",
                "--runs",
                repeated.toString(),
                "--law",
                "chinchilla",
                "--bootstrap",
                "0",
                "--json",
                "--duplicates",
                "mean");
        JsonNode fit = new ObjectMapper().readTree(mean.out());
        assertThat(fit.at("/rows").asInt()).isEqualTo(16);
        assertThat(fit.at("/fits/0/parameters/alpha/value").asDouble()).isCloseTo(0.34, within(1e-3));
        Answer unknown = execute("fit", "--runs", repeated.toString(), "--duplicates", "merge");
        assertThat(unknown.status()).isEqualTo(1);
        assertThat(unknown.err()).contains("refuse, drop, mean");
    }

    @Test
    void sensitivityIsOneTable() throws Exception {
        List<String> lines = new ArrayList<>();
        for (double n : new double[] {1e6, 3e6, 1e7, 3e7}) {
            for (double d : new double[] {1e8, 3e8, 1e9, 3e9}) {
                double noise = 1 + 0.002 * Math.sin(lines.size() * 7.3);
                lines.add(n + "," + d + "," + noise * (1.7 + 400 / Math.pow(n, 0.34) + 400 / Math.pow(d, 0.28)));
            }
        }
        Answer answer = execute("fit", "--runs", file("n,d,loss", lines).toString(), "--sensitivity");
        assertThat(answer.err()).isEmpty();
        assertThat(answer.status()).isZero();
        assertThat(answer.out())
                .contains(
                        "as asked",
                        "mse-log",
                        "smallest N",
                        "smallest tenth of C",
                        "kaplan-nd",
                        "N_opt ∝ C^a with a from")
                .doesNotContain("convention  ");
    }
}
