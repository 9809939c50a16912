package dev.powersweep.orchestrator.driver;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.executor.PackedTrainer;
import dev.powersweep.orchestrator.executor.ProbeTask;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.StepKind;
import dev.powersweep.orchestrator.plan.StepRate;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * How fast the slots' machine trains the cells of a plan: by a short measurement in trainers on all slots at once, since
 * neighbours slow each other down, and for kinds of steps that it does not come to from what was measured here within the
 * last day and from the cells that the directory has finished.
 */
public final class SpeedProbe {
    private static final Logger LOG = LogManager.getLogger(SpeedProbe.class);
    private static final Duration FRESH = Duration.ofDays(1);
    private static final int MOST_SLOTS = 16;
    /** Of the time that the sweep itself is predicted to take; less than the bound is not worth a trainer's start. */
    private static final double MOST_SHARE = 0.05;

    private static final double LEAST_SECONDS = 1;
    /** Shorter cells tell more of the compiler than of the steps. */
    private static final double SHORTEST_TRAINING_SECONDS = 3;

    private final JavaSparkContext spark;
    private final SweepPlan plan;
    private final int slots;

    /** @param slots cells at once */
    public SpeedProbe(JavaSparkContext spark, SweepPlan plan, int slots) {
        this.spark = spark;
        this.plan = plan;
        this.slots = slots;
    }

    /**
     * Rates for a planner; never fails, since a plan can be made without.
     *
     * @param directory of the sweep; may not exist yet
     * @param seconds most time that measuring may take once trainers run; 0 to measure nothing
     */
    public List<StepRate> rates(SweepDirectory directory, double seconds) {
        Optional<SweepState> stored = stored(directory);
        List<StepRate> finished = stored.map(SpeedProbe::ofFinished).orElse(List.of());
        if (plan.cells().stream()
                .anyMatch(cell -> cell.gridCell().cell().program().isPresent())) {
            // What PowerSweep's own trainer takes says nothing of a program that is not ours.
            return finished;
        }
        List<PlannedCell> ahead = plan.cells().stream()
                .filter(cell -> stored.flatMap(
                                state -> state.cell(cell.gridCell().cell().id()))
                        .filter(record -> record.state().terminal())
                        .isEmpty())
                .toList();
        double predicted =
                ahead.stream().mapToDouble(PlannedCell::predictedSeconds).sum() / slots;
        double budget = Math.min(seconds, MOST_SHARE * predicted);
        try {
            Path cache = cache();
            List<StepRate> before = new ArrayList<>(read(cache));
            before.addAll(finished);
            if (budget < LEAST_SECONDS) {
                return before;
            }
            List<StepRate> now = measure(kinds(ahead), budget);
            List<StepRate> rates = new ArrayList<>(adjusted(before, now));
            rates.addAll(now);
            write(cache, rates);
            return rates;
        } catch (IOException | RuntimeException e) {
            LOG.warn(
                    "training speed could not be measured ({}); times are predicted for a reference machine",
                    e.toString());
            return finished;
        }
    }

    /**
     * Earlier measurements as they would come out now: what else the machine does changes from hour to hour, and slows
     * all kinds of steps alike.
     */
    static List<StepRate> adjusted(List<StepRate> before, List<StepRate> now) {
        Map<StepKind, StepRate> newest = new HashMap<>();
        now.forEach(rate -> newest.put(rate.kind(), rate));
        double change = Math.exp(before.stream()
                .filter(rate -> newest.containsKey(rate.kind()))
                .mapToDouble(rate -> Math.log(newest.get(rate.kind()).stepSeconds() / rate.stepSeconds()))
                .average()
                .orElse(0));
        return before.stream()
                .filter(rate -> !newest.containsKey(rate.kind()))
                .map(rate ->
                        new StepRate(rate.kind(), change * rate.stepSeconds(), change * rate.evaluationTokenSeconds()))
                .toList();
    }

    private Optional<SweepState> stored(SweepDirectory directory) {
        Configuration configuration = spark.hadoopConfiguration();
        if (!SweepRunner.holds(directory, configuration, plan.name())) {
            return Optional.empty();
        }
        try {
            return Optional.of(LedgerReader.open(directory, configuration));
        } catch (UserError e) {
            return Optional.empty();
        }
    }

    /** What the cells that a sweep has finished say of their kinds: the mean, each cell counting by its steps. */
    static List<StepRate> ofFinished(SweepState state) {
        Map<StepKind, double[]> sums = new HashMap<>();
        for (CellRecord cell : state.cells()) {
            Optional<AttemptReport> last = cell.last().filter(report -> report.state() == CellState.FINISHED);
            if (last.isEmpty() || last.get().result().isEmpty()) {
                continue;
            }
            double seconds = last.get().result().get().trainingSeconds();
            long steps = last.get().step() - last.get().resumedFromStep();
            if (seconds >= SHORTEST_TRAINING_SECONDS && steps > 0) {
                double[] sum = sums.computeIfAbsent(StepKind.of(cell.cell()), kind -> new double[2]);
                sum[0] += seconds;
                sum[1] += steps;
            }
        }
        return sums.entrySet().stream()
                .map(each -> new StepRate(each.getKey(), each.getValue()[0] / each.getValue()[1], 0))
                .toList();
    }

    /** One cell of each kind of step, the kinds that take most of the sweep first. */
    private static List<Cell> kinds(List<PlannedCell> cells) {
        Map<StepKind, Double> seconds = new HashMap<>();
        Map<StepKind, Cell> first = new HashMap<>();
        for (PlannedCell planned : cells) {
            Cell cell = planned.gridCell().cell();
            StepKind kind = StepKind.of(cell);
            seconds.merge(kind, planned.predictedSeconds(), Double::sum);
            first.putIfAbsent(kind, cell);
        }
        return seconds.entrySet().stream()
                .sorted(Map.Entry.<StepKind, Double>comparingByValue(Comparator.reverseOrder())
                        .thenComparing(entry -> first.get(entry.getKey()).id()))
                .map(entry -> first.get(entry.getKey()))
                .toList();
    }

    private List<StepRate> measure(List<Cell> cells, double seconds) {
        int tasks = Math.min(slots, MOST_SLOTS * plan.policy().cellsAtOnce());
        List<String> orders = new ArrayList<>();
        for (int task = 0; task < tasks; task++) {
            orders.add(LedgerJson.line(new ProbeTask.Order(
                    plan.policy(), trainerMemoryBytes(), trainerJar(), share(cells, task, tasks), seconds, task)));
        }
        spark.setJobGroup("measuring", "measuring training speed", false);
        List<StepRate> rates = new ArrayList<>();
        try {
            for (String json :
                    spark.parallelize(orders, tasks).map(new ProbeTask()).collect()) {
                ProbeTask.Report report = LedgerJson.read(json, ProbeTask.Report.class);
                rates.addAll(report.rates());
                if (!report.problem().isEmpty()) {
                    LOG.warn(
                            "training speed could not be measured on a slot ({}); times are predicted for a reference"
                                    + " machine",
                            report.problem());
                }
            }
        } finally {
            spark.clearJobGroup();
        }
        return ofEachKindOne(rates);
    }

    /** What one of the slots measures. */
    private List<Cell> share(List<Cell> kinds, int slot, int slots) {
        if (plan.policy().cellsAtOnce() > 1) {
            // The same for all at the same time: cells of one kind take their steps together.
            return kinds;
        }
        List<Cell> share = new ArrayList<>();
        // Each slot begins with another kind. One without a kind of its own repeats one: the load counts.
        for (int i = slot; i < Math.max(kinds.size(), slots); i += slots) {
            share.add(kinds.get(i % kinds.size()));
        }
        return share;
    }

    /** Of a kind that several slots have measured the median. */
    static List<StepRate> ofEachKindOne(List<StepRate> rates) {
        Map<StepKind, List<StepRate>> kinds = new LinkedHashMap<>();
        rates.forEach(rate ->
                kinds.computeIfAbsent(rate.kind(), any -> new ArrayList<>()).add(rate));
        return kinds.entrySet().stream()
                .map(each -> new StepRate(
                        each.getKey(),
                        ProbeTask.median(each.getValue(), StepRate::stepSeconds),
                        ProbeTask.median(each.getValue(), StepRate::evaluationTokenSeconds)))
                .toList();
    }

    private long trainerMemoryBytes() {
        return SweepRunner.trainerMemoryBytes(
                plan.policy(),
                plan.cells().stream().mapToLong(PlannedCell::memoryBytes).max().orElse(0));
    }

    private Optional<String> trainerJar() {
        return Optional.ofNullable(spark.getConf().get(SweepRunner.TRAINER_JAR, null));
    }

    private Path cache() throws IOException {
        String machine = String.join(
                "\n",
                spark.master(),
                Integer.toString(slots),
                Integer.toString(plan.policy().threadsPerCell()),
                Integer.toString(plan.policy().gpusPerCell()),
                Integer.toString(plan.policy().cellsAtOnce()),
                plan.policy().trainerJava().orElse(""),
                trainerJar().isPresent()
                        ? trainerJar().get()
                        : PackedTrainer.find().sha256());
        String hash = Digests.sha256(new ByteArrayInputStream(machine.getBytes(StandardCharsets.UTF_8)));
        return HostCache.ofUser().root().resolve("rates").resolve(hash.substring(0, 16) + ".json");
    }

    private static List<StepRate> read(Path cache) {
        try {
            Instant written = Files.getLastModifiedTime(cache).toInstant();
            if (Duration.between(written, Instant.now()).compareTo(FRESH) > 0) {
                return List.of();
            }
            return LedgerJson.mapper().readValue(Files.readAllBytes(cache), new TypeReference<List<StepRate>>() {});
        } catch (IOException e) {
            // Not measured yet, or by another version.
            return List.of();
        }
    }

    private static void write(Path cache, List<StepRate> rates) throws IOException {
        Files.createDirectories(cache.getParent());
        Path aside = cache.resolveSibling("." + cache.getFileName() + "." + UUID.randomUUID());
        Files.write(aside, LedgerJson.bytes(rates));
        Files.move(aside, cache, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
