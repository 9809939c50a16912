package dev.powersweep.orchestrator.cli;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.AxisHoldOut;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.ObjectiveValue;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.surface.RateRule;
import dev.powersweep.orchestrator.bench.FitRace;
import dev.powersweep.orchestrator.bench.FitRaceText;
import dev.powersweep.orchestrator.bench.LargeGrid;
import dev.powersweep.orchestrator.cli.InProcess.Answer;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.driver.TrainedGrid;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitsJson;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.TrainingRule;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What commands print with {@code --json} is what docs/schemas says of it; {@link OutputSchema} says how strictly. */
class JsonOutputTest {
    @TempDir
    private Path folder;

    static Set<String> schemas() throws IOException {
        return OutputSchema.names();
    }

    @Test
    void everyCommandThatPrintsJsonHasASchemaAndNoOther() throws IOException {
        Set<String> commands = new TreeSet<>();
        collect(PowerSweep.commandLine(), commands);
        assertThat(commands).hasSizeGreaterThan(8);
        Set<String> described = new TreeSet<>();
        for (String name : OutputSchema.names()) {
            String title = OutputSchema.of(name).title();
            assertThat(commands).as(title).anyMatch(command -> title.startsWith(command + " "));
            commands.stream().filter(command -> title.startsWith(command + " ")).forEach(described::add);
        }
        assertThat(described).isEqualTo(commands);
    }

    private static void collect(CommandLine line, Set<String> commands) {
        if (line.getCommandSpec().findOption("--json") != null) {
            commands.add(line.getCommandSpec().qualifiedName());
        }
        line.getSubcommands().values().forEach(below -> collect(below, commands));
    }

    @ParameterizedTest
    @MethodSource("schemas")
    void aSchemaIsOneAndTellsOfEveryPropertyWhatItIs(String name) throws IOException {
        OutputSchema schema = OutputSchema.of(name);
        assertThat(JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                        .getSchema(SchemaLocation.of(SchemaId.V202012))
                        .validate(schema.json()))
                .isEmpty();
        schema.properties((place, node) -> {
            assertThat(node.path("additionalProperties").isBoolean()).as(place).isTrue();
            assertThat(node.path("additionalProperties").asBoolean()).as(place).isFalse();
            node.path("properties").properties().forEach(property -> {
                String where = name + " " + place + "/" + property.getKey();
                assertThat(property.getValue().path("description").asText())
                        .as(where)
                        .endsWith(".");
                assertThat(List.of("type", "$ref", "enum", "const")).as(where).anyMatch(property.getValue()::has);
            });
        });
    }

    @Test
    void listsOfWordsAreThoseOfTheCode() throws IOException {
        assertThat(words("status", "/$defs/failureClass")).isEqualTo(names(FailureClass.values()));
        for (String bench : List.of("bench-ledger", "bench-schedule")) {
            assertThat(words(bench, "/$defs/sweep/properties/failures/propertyNames"))
                    .isEqualTo(names(FailureClass.values()));
            assertThat(words(bench, "/$defs/sweep/properties/states/propertyNames"))
                    .isEqualTo(names(CellState.values()));
        }
        assertThat(words("fit", "/properties/refusals/items/properties/reason"))
                .isEqualTo(names(FitRefusal.Reason.values()));
        assertThat(words("fit", "/properties/options/properties/resampling"))
                .isEqualTo(names(FitOptions.Resampling.values()));
        assertThat(words("fit", "/$defs/quantity"))
                .isEqualTo(Arrays.stream(Quantity.values()).map(Quantity::label).toList());
        for (String at : List.of(
                "/properties/options/properties/objective", "/$defs/fit/properties/objective/properties/name")) {
            assertThat(words("fit", at))
                    .isEqualTo(Arrays.stream(Objective.values())
                            .map(Objective::label)
                            .toList());
        }
        assertThat(words("plan-learning-rate", "/properties/optima/items/properties/place"))
                .isEqualTo(names(RateRule.Place.values()).stream()
                        .map(place -> place.toLowerCase(Locale.ROOT))
                        .toList());
    }

    private static List<String> words(String schema, String place) throws IOException {
        List<String> words = new ArrayList<>();
        OutputSchema.of(schema).json().at(place).path("enum").forEach(word -> words.add(word.asText()));
        return words;
    }

    private static List<String> names(Enum<?>... values) {
        return Arrays.stream(values).map(Enum::name).toList();
    }

    @Test
    void status() throws Exception {
        OutputSchema schema = OutputSchema.of("status");
        Path stored = folder.resolve("stored");
        StoredSweep.write(stored);
        schema.accepts(out("status", stored, "--json"));

        Path driven = folder.resolve("driven");
        Configuration configuration = new Configuration();
        SweepDirectory directory = SweepDirectory.at(driven.toString(), configuration);
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(4), 4).plan();
        String cell = plan.cells().get(0).gridCell().cell().id();
        LiveNumbers live = new LiveNumbers(
                1234,
                OptionalDouble.of(60),
                List.of(new LiveNumbers.RunningCell(cell, "c", 1, 0, 10, Double.NaN, Double.NaN, "host")));
        Lease.Timing quick = new Lease.Timing(Duration.ofMillis(50), Duration.ofSeconds(30));
        try (Ledger ledger = Ledger.open(
                Storage.of(directory.root(), configuration),
                directory,
                "app",
                "test",
                quick,
                () -> Optional.of(live))) {
            Instant now = Instant.now();
            List<LedgerEvent> events = new ArrayList<>(List.of(new LedgerEvent.Submitted(
                    now, plan.name(), plan.corpusHash(), plan.specification(), plan.policy())));
            for (PlannedCell planned : plan.cells()) {
                events.add(new LedgerEvent.Planned(
                        now, planned.gridCell().name(), planned.gridCell().cell(), 1, 1 << 20));
            }
            events.add(new LedgerEvent.Running(now, cell, 1, 0));
            events.add(new LedgerEvent.HostExcluded(now, "host", "no disk"));
            events.add(new LedgerEvent.SweepStopped(now, "enough"));
            ledger.append(events).join();
            schema.accepts(awaitedLive(driven)).isNoLooserThanItsOutputs();
        }
    }

    private static String awaitedLive(Path sweep) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() < end) {
            String said = out("status", sweep, "--json");
            JsonNode status = new ObjectMapper().readTree(said);
            if (status.path("live").isObject()) {
                assertThat(status.at("/live/running/0/loss").isNull()).isTrue();
                return said;
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
        throw new AssertionError("no beat within a minute");
    }

    @Test
    void plan() throws Exception {
        OutputSchema schema = OutputSchema.of("plan");
        Path rates = Files.writeString(
                folder.resolve("rates.yaml"),
                "- {name: small, flopsPerSecond: 1e9, watts: 100, pricePerHour: 1, currency: EUR}\n");
        Path sizes = fits("sizes", grid("n,d,loss", List.of()), "--law", "chinchilla", "--bootstrap", "100");
        schema.accepts(out("plan", sizes, "--flops", "1e12", "--rates", rates, "--json"));
        Answer refused = powersweep("plan", sizes, "--flops", "1e30", "--json");
        assertThat(refused.exitCode()).isEqualTo(1);
        schema.accepts(refused.out());
        Path batches = fits(
                "batches",
                grid("n,d,batch_tokens,loss", List.of(256.0, 1024.0, 4096.0)),
                "--law",
                "chinchilla,three-term",
                "--bootstrap",
                "0");
        schema.accepts(out("plan", batches, "--flops", "1e12", "--json")).isNoLooserThanItsOutputs();
    }

    @Test
    void planOfALearningRate() throws Exception {
        Path sweep = folder.resolve("rates");
        List<Cell> cells = new ArrayList<>();
        for (int layers : new int[] {1, 2, 4, 8}) {
            for (double rate : new double[] {5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2}) {
                cells.add(cell(layers, rate));
            }
        }
        TrainedGrid.write(sweep, cells, cell -> {
            double off = Math.log(cell.training().peakLearningRate() / 0.4)
                    + 0.5 * Math.log(cell.shape().nonEmbeddingParameters());
            return 3 + 0.05 * off * off;
        });
        OutputSchema.of("plan-learning-rate")
                .accepts(out("plan", sweep, "--learning-rate", "--json"))
                .isNoLooserThanItsOutputs();
    }

    private static Cell cell(int layers, double rate) {
        Cell cell = Sweeps.cell(layers, 80, Trouble.NONE);
        TrainingRule rule = cell.training();
        return new Cell(
                cell.model(),
                cell.data(),
                new TrainingRule(
                        rate,
                        rule.warmupSteps(),
                        rule.schedule(),
                        rule.beta1(),
                        rule.beta2(),
                        rule.epsilon(),
                        rule.weightDecay(),
                        rule.gradientClip(),
                        rule.dropout(),
                        rule.initialStandardDeviation(),
                        rule.mupBaseWidth(),
                        rule.earlyStopping(),
                        rule.divergence()),
                cell.evaluation(),
                cell.seed());
    }

    @Test
    void fit() throws Exception {
        OutputSchema schema = OutputSchema.of("fit");
        Path sweep = folder.resolve("sweep");
        TrainedGrid.write(sweep);
        schema.accepts(out(
                "fit", sweep, "--law", "chinchilla,kaplan-nd,three-term", "--bootstrap", "30", "--profiles", "--json"));
        schema.accepts(Files.readString(sweep.resolve("fits.json")));
        Path runs = Files.writeString(folder.resolve("few.csv"), grid("n,d,loss", List.of()));
        schema.accepts(out("fit", "--runs", runs, "--law", "chinchilla", "--bootstrap", "0", "--json"));
        StringBuilder curve = new StringBuilder("run,step,lr,loss\n");
        for (double floor : new double[] {0, 0.1, 0.5}) {
            double sum = 0;
            for (int step = 1; step <= 60; step++) {
                double rate = floor + (1 - floor) * (1 + Math.cos(Math.PI * step / 61)) / 2;
                sum += rate;
                curve.append(String.format(
                        Locale.ROOT, "r%s,%d,%s,%.9g%n", floor, step, rate * 1e-3, 2.5 + Math.pow(sum, -0.45)));
            }
        }
        schema.accepts(out(
                "fit",
                "--runs",
                Files.writeString(folder.resolve("curves.csv"), curve),
                "--law",
                "multi-power",
                "--bootstrap",
                "0",
                "--json"));
        schema.accepts(FitsJson.write(axesAlone(), FitsJson.Detail.SUMMARY));
        // Two minima that are nearly equal are rare; the golden document has them.
        try (InputStream golden = FitsJson.class.getResourceAsStream("fits-golden.json")) {
            schema.accepts(new String(golden.readAllBytes(), StandardCharsets.UTF_8));
        }
        schema.isNoLooserThanItsOutputs();
    }

    /** As where leaving out the largest scale leaves too few rows, and leaving out the largest model does not. */
    private static FitSet axesAlone() {
        FitResult fit = FitResult.of("chinchilla", "L(N,D) = E + A/N^alpha + B/D^beta")
                .data(12, 12)
                .objective(new ObjectiveValue(Objective.HUBER_LOG, 1e-3, 0.25, 0.02))
                .parameter("E", Estimate.of(1.8, "nats/token"))
                .convergence(new Convergence(64, 0.75, 1e-12, 12.5, 9, Convergence.Proof.CERTIFIED, "a search"))
                .identifiability(new Identifiability("All is told.", List.of()))
                .quality(new Quality(-100, 6, 0.01, 0.99))
                .axes(Map.of(Quantity.N, new AxisHoldOut(0.01, 0.02, 3)))
                .build();
        return new FitSet(
                "runs.csv",
                12,
                12,
                List.of(),
                FitOptions.defaults().threads(1).bootstrap(0),
                List.of(new FitSet.Fitted("Hoffmann et al. 2022", "every row", fit)),
                List.of());
    }

    @Test
    void dryRun() throws Exception {
        OutputSchema schema = OutputSchema.of("dry-run");
        schema.accepts(dryRun("context: 32\ngrid: {modelSizes: [25k, 50k], dataSizes: 300k}\n"));
        schema.accepts(dryRun("grid: {design: auto, flops: 2e13}\n"));
        Files.writeString(folder.resolve("train.sh"), "#!/bin/sh\n");
        schema.accepts(
                        dryRun(
                                """
                                corpus: none
                                context: 1
                                trainer: {command: [./train.sh], files: train.sh}
                                grid:
                                  points: [{arguments: {depth: 2}}, {N: 100, arguments: {depth: 4}}]
                                  dataSizes: 3200
                                  batchSizes: {sequences: 8}
                                training: {learningRate: 0.1}
                                """))
                .isNoLooserThanItsOutputs();
    }

    /** A unit test has no trainer whose speed could be measured. */
    private String dryRun(String specification) throws IOException {
        return out(
                "run",
                Files.writeString(folder.resolve("sweep.yaml"), specification),
                "--dry-run",
                "--json",
                "--set",
                "run.probeSeconds=0",
                "--output",
                folder.resolve("none"));
    }

    /** That a trained cell's is one, too, is shown in SweepIT. */
    @Test
    void sample() throws Exception {
        int[] tokens = {1, 2, 3};
        OutputSchema.of("sample")
                .accepts(new Sample("c", Optional.of("a"), Optional.of("b"), tokens, tokens).json())
                .accepts(new Sample("c", Optional.empty(), Optional.empty(), tokens, new int[0]).json())
                .isNoLooserThanItsOutputs();
    }

    @Test
    void benchLedgerAndSchedule() throws Exception {
        OutputSchema.of("bench-ledger")
                .accepts(out("bench", "ledger", folder.resolve("l"), "--cells", "40", "--slots", "4", "--json"))
                .isNoLooserThanItsOutputs();
        OutputSchema.of("bench-schedule")
                .accepts(out("bench", "schedule", "--cells", "400", "--slots", "4", "--json"))
                .accepts(out("bench", "schedule", "--cells", "40", "--slots", "4", "--no-failures", "--json"))
                .isNoLooserThanItsOutputs();
    }

    /** What the command prints of a race, which takes SciPy and a minute. */
    @Test
    void benchFit() throws Exception {
        List<FitRace.Lap> laps = List.of(new FitRace.Lap(2, 3, 0.5), new FitRace.Lap(1, 2, 0.5));
        OutputSchema.of("bench-fit")
                .accepts(FitRaceText.json(new FitRace.Result(240, 4000, 2, laps, laps)))
                .isNoLooserThanItsOutputs();
    }

    /** The worker's test of its benchmark sees that it writes this very document. */
    @Test
    void benchTrain() throws Exception {
        OutputSchema.of("bench-train")
                .accepts(Files.readString(
                        Path.of("../worker/src/test/resources/dev/powersweep/worker/bench/report-golden.json")))
                .isNoLooserThanItsOutputs();
    }

    /** Standard output of a command that does what was asked. */
    private static String out(Object... arguments) {
        Answer answer = powersweep(arguments);
        assertThat(answer.exitCode()).as(answer.err()).isZero();
        return answer.out();
    }

    /** The fits.json of runs. */
    private Path fits(String name, String runs, String... options) throws IOException {
        Path output = folder.resolve(name);
        Path file = Files.writeString(folder.resolve(name + ".csv"), runs);
        out(Stream.concat(Stream.of("fit", "--runs", file, "--output", output), Stream.of(options))
                .toArray());
        return output.resolve("fits.json");
    }

    /** Runs by a law that knows what a batch costs, with noise. */
    private static String grid(String header, List<Double> batches) {
        SplittableRandom random = new SplittableRandom(5);
        StringBuilder text = new StringBuilder(header).append('\n');
        for (double n = 2e3; n < 2e5; n *= 4) {
            for (double d = 1e4; d < 2e5; d *= 2) {
                for (double b : batches.isEmpty() ? List.of(0.0) : batches) {
                    double loss = (1.7 + 12 * Math.pow(n, -0.3) + 60 * Math.pow(d / (1 + b / 2000), -0.35))
                            * Math.exp(0.005 * random.nextGaussian());
                    text.append(String.format(Locale.ROOT, "%.0f,%.0f,", n, d))
                            .append(batches.isEmpty() ? "" : String.format(Locale.ROOT, "%.0f,", b))
                            .append(String.format(Locale.ROOT, "%.9g%n", loss));
                }
            }
        }
        return text.toString();
    }
}
