package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** fit and plan on anybody's runs, through the commands that people type. */
class FitCommandTest {
    private static final double E = 1.7;
    private static final double A = 12;
    private static final double ALPHA = 0.3;
    private static final double B = 60;
    private static final double BETA = 0.35;

    @TempDir
    private Path folder;

    private record Answer(int status, String out, String err) {}

    private static Answer execute(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                PowerSweep.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int status = line.execute(arguments);
        return new Answer(status, out.toString(), err.toString());
    }

    private static double loss(double n, double d) {
        return E + A * Math.pow(n, -ALPHA) + B * Math.pow(d, -BETA);
    }

    /** A header and rows of a grid of sizes 2e3 … 1.28e5 and data 1e4 … 1.6e5. */
    private static StringBuilder grid(String header, double noise) {
        SplittableRandom random = new SplittableRandom(5);
        StringBuilder text = new StringBuilder(header).append('\n');
        for (double n = 2e3; n < 2e5; n *= 4) {
            for (double d = 1e4; d < 2e5; d *= 2) {
                text.append(row(n, d, loss(n, d) * Math.exp(noise * random.nextGaussian())));
            }
        }
        return text;
    }

    private static String row(double n, double d, double loss) {
        return String.format(Locale.ROOT, "%.0f,%.0f,%.17g%n", n, d, loss);
    }

    private String file(CharSequence text) throws IOException {
        return Files.writeString(folder.resolve("runs.csv"), text).toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "not a number     | 8000,20000,NaN    | 'NaN' instead of a finite number",
                "a negative loss  | 8000,20000,-3.1   | has loss = -3.1",
                "no tokens        | 8000,0,3.1        | has d = 0",
                "another unit     | 0.000004,20000,3.1| Column n jumps from 4.000e-06",
                "a word           | 8000,many,3.1     | 'many' instead of a finite number"
            })
    void oneSpoiltRowIsRefusedWithItsPlaceInOneSentence(String what, String row, String complaint) throws Exception {
        Answer answer = execute("fit", "--law", "chinchilla", "--runs", file(grid("n,d,loss", 0.01) + row + "\n"));

        assertThat(answer.status()).as(what).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains(complaint).contains("runs.csv");
        assertThat(answer.out()).isEmpty();
    }

    @Test
    void equalRowsAreRefused() throws Exception {
        String twice = grid("n,d,loss", 0.01)
                .append(row(8000, 2e4, 4))
                .append(row(8000, 2e4, 4))
                .toString();

        Answer answer = execute("fit", "--law", "chinchilla", "--runs", file(twice));

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains("are equal in every column");
    }

    @Test
    void oneDataSizeAndThreePointsAreRefusedByTheLawThatNeedsMore() throws Exception {
        StringBuilder one = new StringBuilder("n,d,loss\n");
        for (double n = 1e3; n < 2e6; n *= 2) {
            one.append(row(n, 1e5, loss(n, 1e5)));
        }
        Answer size = execute("fit", "--law", "chinchilla", "--runs", file(one));
        Answer points = execute(
                "fit",
                "--law",
                "chinchilla",
                "--runs",
                file("n,d,loss\n" + row(1e4, 1e5, 3) + row(2e4, 2e5, 2.9) + row(4e4, 5e5, 2.7)));

        assertThat(size.status()).isEqualTo(1);
        assertThat(size.err()).hasLineCount(1).contains("at least 3 different values of d (tokens)");
        assertThat(points.status()).isEqualTo(1);
        assertThat(points.err()).hasLineCount(1).contains("needs at least 6 rows, and there are 3");
    }

    @Test
    void computeThatContradictsSizeAndDataInSomeRowsIsRefused() throws Exception {
        StringBuilder text = new StringBuilder("n,d,loss,flops\n");
        for (double n = 2e3; n < 2e5; n *= 4) {
            for (double d = 1e4; d < 2e5; d *= 2) {
                double unit = n == 8e3 && d == 2e4 ? 1e-9 : 1;
                text.append(String.format(
                        Locale.ROOT, "%.0f,%.0f,%.9g,%.9g%n", n, d, loss(n, d), 6 * n * d * unit * (1 + n / 1e6)));
            }
        }

        Answer answer = execute("fit", "--law", "chinchilla", "--runs", file(text));

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).containsAnyOf("times 6·n·d", "Column c jumps");
    }

    @Test
    void noiseFreeRunsUnderStrangeHeadersGiveTheirParametersBack() throws Exception {
        String runs = file(grid("Eff_Params,Training Tokens,final-loss", 0));

        Answer answer = execute("fit", "--law", "chinchilla", "--bootstrap", "20", "--json", "--runs", runs);

        JsonNode fit = new ObjectMapper().readTree(answer.out()).at("/fits/0");
        assertThat(answer.err()).isEmpty();
        assertThat(fit.at("/convergence/certified").asBoolean()).isTrue();
        assertThat(fit.at("/parameters/E/value").asDouble()).isCloseTo(E, within(1e-8 * E));
        assertThat(fit.at("/parameters/alpha/value").asDouble()).isCloseTo(ALPHA, within(1e-8));
        assertThat(fit.at("/parameters/beta/value").asDouble()).isCloseTo(BETA, within(1e-8));
    }

    @Test
    void refitsOverExecutorsAreTheSameAsHere() throws Exception {
        String runs = file(grid("n,d,loss", 0.01));
        String[] fit = {"fit", "--law", "chinchilla,kaplan-nd", "--bootstrap", "101", "--json", "--runs", runs};
        String[] spread = java.util.Arrays.copyOf(fit, fit.length + 2);
        spread[fit.length] = "--master";
        spread[fit.length + 1] = "local[3]";

        assertThat(execute(spread).out()).isEqualTo(execute(fit).out());
    }

    @Test
    void everyFitHasBandsARollOutAndAPageWithPlots() throws Exception {
        String runs = file(grid("n,d,loss", 0.005));

        Answer answer = execute(
                "fit",
                "--law",
                "chinchilla",
                "--bootstrap",
                "60",
                "--json",
                "--runs",
                runs,
                "--output",
                folder.toString());

        JsonNode fit = new ObjectMapper().readTree(answer.out()).at("/fits/0");
        assertThat(fit.at("/bands").findValuesAsText("along")).containsExactly("n", "d");
        JsonNode band = fit.at("/bands/0");
        for (int i = 0; i < band.at("/x").size(); i++) {
            assertThat(band.at("/low").get(i).asDouble())
                    .isLessThan(band.at("/value").get(i).asDouble());
            assertThat(band.at("/highOutcome").get(i).asDouble())
                    .isGreaterThan(band.at("/value").get(i).asDouble());
        }
        assertThat(fit.at("/rollOut/steps")).hasSizeGreaterThan(1);
        assertThat(Files.readString(folder.resolve("report.html")))
                .contains("chinchilla: loss along N", "chinchilla: loss along D", "one more run (95 %)");
    }

    @Test
    void ratesAndBatchesThatVaryAreGivenTheirOptimaUnasked() throws Exception {
        SplittableRandom random = new SplittableRandom(3);
        StringBuilder text = new StringBuilder("n,d,lr,batch_tokens,loss\n");
        for (int size = 0; size < 4; size++) {
            double n = 1e4 * Math.pow(4, size);
            for (int i = -2; i <= 2; i++) {
                for (int j = -2; j <= 2; j++) {
                    text.append(String.format(
                            Locale.ROOT,
                            "%.0f,%.0f,%.6g,%.0f,%.9g%n",
                            n,
                            20 * n,
                            0.3 / Math.sqrt(n) * Math.pow(2, i),
                            512 * Math.pow(2, j),
                            3 - 0.1 * size + 0.02 * i * i + 0.01 * j * j + 0.001 * random.nextGaussian()));
                }
            }
        }

        Answer answer = execute("fit", "--bootstrap", "30", "--json", "--runs", file(text));

        JsonNode root = new ObjectMapper().readTree(answer.out());
        assertThat(root.at("/fits").findValuesAsText("law")).contains("lr-surface", "batch-surface");
        for (JsonNode fit : root.at("/fits")) {
            if (fit.at("/law").asText().equals("lr-surface")) {
                assertThat(fit.at("/parameters/p_N/value").asDouble()).isCloseTo(-0.5, within(0.05));
            }
        }
    }

    @Test
    void aPlanFollowsFromAFitAndItsSuggestedCellsAreTakenByRun() throws Exception {
        String runs = file(grid("n,d,loss", 0.005));
        Answer fit = execute(
                "fit", "--law", "chinchilla", "--bootstrap", "100", "--runs", runs, "--output", folder.toString());
        assertThat(fit.status()).isZero();
        String fits = folder.resolve("fits.json").toString();
        Path rates = Files.writeString(
                folder.resolve("rates.yaml"),
                "- {name: small, flopsPerSecond: 1e9, watts: 100, pricePerHour: 1, currency: EUR}\n");

        Answer plan = execute("plan", fits, "--gpu-hours", "2", "--gpus", "4", "--rates", rates.toString(), "--json");
        JsonNode answer = new ObjectMapper().readTree(plan.out());
        assertThat(answer.at("/flops/value").asDouble()).isEqualTo(7.2e12);
        assertThat(answer.at("/costs/0/seconds").asDouble()).isEqualTo(1800);
        assertThat(answer.at("/costs/0/price").asDouble()).isEqualTo(2);
        assertThat(answer.at("/gains")).hasSize(3);
        assertThat(answer.at("/sensitivity/low/exponent").asDouble())
                .isLessThan(answer.at("/sensitivity/high/exponent").asDouble());
        assertThat(answer.at("/outcome/low").asDouble())
                .isLessThan(answer.at("/loss/low").asDouble());

        Answer suggested = execute("plan", fits, "--suggest", "3");
        assertThat(suggested.status()).isZero();
        Path next = Files.writeString(folder.resolve("next.yaml"), suggested.out());
        // A unit test has no trainer whose speed could be measured.
        Answer dry = execute(
                "run",
                next.toString(),
                "--dry-run",
                "--set",
                "run.probeSeconds=0",
                "--output",
                folder.resolve("next").toString());
        assertThat(dry.err()).isEmpty();
        assertThat(dry.status()).isZero();
        assertThat(dry.out()).contains("3 cells");
    }

    @Test
    void aPlanOutOfReachIsRefusedInOneSentenceAndInJson() throws Exception {
        String runs = file(grid("n,d,loss", 0.005));
        execute("fit", "--law", "chinchilla", "--bootstrap", "0", "--runs", runs, "--output", folder.toString());
        String fits = folder.resolve("fits.json").toString();

        Answer text = execute("plan", fits, "--flops", "1e30");
        assertThat(text.status()).isEqualTo(1);
        assertThat(text.out()).isEmpty();
        assertThat(text.err()).hasLineCount(1).contains("times the largest that was fitted", "--extrapolate");
        Answer json = execute("plan", fits, "--flops", "1e30", "--json");
        assertThat(json.status()).isEqualTo(1);
        assertThat(new ObjectMapper().readTree(json.out()).at("/refused").asText())
                .contains("--extrapolate");
        for (List<String> sizes : List.of(
                List.of("--flops", "1e21", "--flops", "1_000_000_000T"),
                List.of("--tokens", "2e10", "--tokens", "20B"),
                List.of("--parameters", "3e8", "--parameters", "300M"))) {
            assertThat(execute("plan", fits, "--extrapolate", sizes.get(2), sizes.get(3))
                            .out())
                    .isNotEmpty()
                    .isEqualTo(execute("plan", fits, "--extrapolate", sizes.get(0), sizes.get(1))
                            .out());
        }
        assertThat(execute("plan", fits, "--flops", "much").err()).contains("'much' is no size; write 5e9, 5G or 300k");
        Answer asked = execute("plan", fits, "--flops", "1e30", "--extrapolate");
        assertThat(asked.status()).isZero();
        assertThat(asked.out()).contains("it is extrapolated");
    }

    /** Gadre's law has a factor of the name of the exponent of N_opt. */
    @Test
    void theRangeOfAnExponentHoldsNoFactorOfItsName() throws Exception {
        String runs = file(grid("n,d,loss", 0.005));
        Answer answer = execute("fit", "--sensitivity", "--bootstrap", "0", "--runs", runs);

        assertThat(answer.status()).as(answer.err()).isZero();
        assertThat(answer.out()).containsPattern("gadre +gadre +\\d+ +– +0\\.\\d+ +– ");
        assertThat(answer.out()).containsPattern("with a from 0\\.\\d+ to 0\\.\\d+ over these fits");
    }

    /** A law in powers of N and D says 860 nats of a model of one parameter. */
    @Test
    void aPlanFarBelowTheRunsIsRefusedAsOneFarAboveIs() throws Exception {
        String runs = file(grid("n,d,loss", 0.005));
        execute("fit", "--law", "chinchilla", "--bootstrap", "0", "--runs", runs, "--output", folder.toString());

        Answer answer = execute("plan", folder.toString(), "--parameters", "1");
        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err())
                .hasLineCount(1)
                .contains("times below the smallest that was fitted", "train smaller cells, ask for more");
        assertThat(execute("plan", folder.toString(), "--parameters", "1", "--extrapolate")
                        .status())
                .isZero();
    }

    @Test
    void aPlanTakesTheFolderThatFitWroteAsItTakesItsFile() throws Exception {
        String runs = file(grid("n,d,loss", 0.005));
        Path output = folder.resolve("laws of my runs");
        execute("fit", "--law", "chinchilla", "--bootstrap", "0", "--runs", runs, "--output", output.toString());

        Answer answer = execute("plan", output.toString(), "--flops", "1e13");
        assertThat(answer.status()).as(answer.err()).isZero();
        assertThat(answer.out())
                .isEqualTo(execute("plan", output.resolve("fits.json").toString(), "--flops", "1e13")
                        .out());
        assertThat(execute("plan", output.toString(), "--suggest", "0").err())
                .startsWith("--suggest = 0 must be at least 1 cell");
        assertThat(execute("plan", output.toString(), "--suggest", "2").out()).contains("name: next-cells");
    }

    @Test
    void hoursOfAMachineThatNobodyKnowsAreRefused() throws Exception {
        String runs = file(grid("n,d,loss", 0.005));
        execute("fit", "--law", "chinchilla", "--bootstrap", "0", "--runs", runs, "--output", folder.toString());
        String fits = folder.resolve("fits.json").toString();

        for (List<String> options : List.of(List.of("--gpu-hours", "2"), List.of("--flops", "1e12", "--gpu", "none"))) {
            String[] arguments = java.util.stream.Stream.concat(
                            java.util.stream.Stream.of("plan", fits), options.stream())
                    .toArray(String[]::new);
            Answer answer = execute(arguments);
            assertThat(answer.status()).isEqualTo(1);
            assertThat(answer.err()).hasLineCount(1).contains("--rates");
        }
    }
}
