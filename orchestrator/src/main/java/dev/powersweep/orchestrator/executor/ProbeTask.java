package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptState.TrainerHealth;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.executor.trainer.TrainerKey;
import dev.powersweep.orchestrator.executor.trainer.TrainerProcess;
import dev.powersweep.orchestrator.executor.trainer.TrainerSeat;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.plan.CostModel;
import dev.powersweep.orchestrator.plan.MachineRate;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.plan.StepKind;
import dev.powersweep.orchestrator.plan.StepRate;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.io.Serial;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.ToDoubleFunction;
import java.util.zip.CRC32C;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.resource.ResourceInformation;

/**
 * Measures kinds of steps in a trainer of this slot, on random tokens: a few steps of each, and of each again, until the
 * time is up. The trainer stays in the pool, so that the sweep that follows finds it warm. Never throws.
 */
public final class ProbeTask implements Function<String, String> {
    @Serial
    private static final long serialVersionUID = 1L;

    /** For the compiler to see the kernels. */
    private static final double WARM_UP_SECONDS = 1.2;

    private static final double SECONDS_PER_KIND = 0.3;
    private static final int MOST_PASSES = 3;
    private static final int FEWEST_STEPS = 4;
    private static final int MOST_STEPS = 5000;
    private static final int EVALUATED_SEQUENCES = 16;
    private static final long SHARD_TOKENS = 1 << 18;
    private static final double PATIENCE_SECONDS = 30;
    /** In place of a hash: no corpus has it. */
    private static final String CORPUS = "0".repeat(16);

    /**
     * @param trainerJar as in {@link CellTask.Setting}
     * @param cells one of each kind, most important first
     * @param seconds after which no further kind is begun, from when the trainer is ready
     * @param slot number of the slot, since cells that share a trainer are told apart
     */
    public record Order(
            RunPolicy policy,
            long trainerMemoryBytes,
            Optional<String> trainerJar,
            List<Cell> cells,
            double seconds,
            int slot) {}

    /** Gives a trainer for one cell. */
    @FunctionalInterface
    private interface Trainers {
        TrainerSeat take(String cell) throws IOException, InterruptedException;
    }

    /** @param problem why there are fewer rates than asked for; empty when there is none */
    public record Report(List<StepRate> rates, String problem) {}

    @Override
    public String call(String orderJson) {
        Order order = LedgerJson.read(orderJson, Order.class);
        List<StepRate> rates = new ArrayList<>();
        String problem = "";
        try {
            measure(order, rates);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problem = "the task was killed";
        } catch (IOException | RuntimeException e) {
            problem = String.valueOf(e.getMessage());
        }
        return LedgerJson.line(new Report(rates, problem));
    }

    private static void measure(Order order, List<StepRate> rates) throws IOException, InterruptedException {
        ExecutorHost host = ExecutorHost.get();
        Map<String, ResourceInformation> resources = TaskContext.get().resourcesJMap();
        List<String> gpus =
                resources.containsKey("gpu") ? List.of(resources.get("gpu").addresses()) : List.of();
        Path jar = CellTask.trainerJar(order.trainerJar(), host.cache());
        TrainerKey key =
                CellSupervisor.key(order.policy(), order.trainerMemoryBytes(), jar, List.of(), host.cache(), gpus);
        Stopping stopping = TaskContext.get()::isInterrupted;
        Trainers trainers = cell -> order.policy().cellsAtOnce() > 1
                ? host.pool().shared().take(key, cell, stopping)
                : new TrainerSeat.Sole(host.pool(), host.pool().take(key, stopping));
        Path scratch = host.scratch().resolve("probe-" + UUID.randomUUID());
        CostModel guess = new CostModel(MachineRate.REFERENCE, order.policy().threadsPerCell());
        Map<Cell, List<Measured>> seen = new LinkedHashMap<>();
        try {
            writeShard(scratch, order.cells().get(0).shape().vocabulary());
            // Started before the time is counted.
            trainers.take("slot-" + order.slot()).end(TrainerHealth.WELL);
            long begin = System.nanoTime();
            Measured warming = run(trainers, scratch, order, order.cells().get(0), guess, 1, WARM_UP_SECONDS);
            double pace = warming.ratio();
            List<Cell> cells = new ArrayList<>(order.cells());
            for (int pass = 0; pass < MOST_PASSES; pass++) {
                for (Cell cell : cells) {
                    if ((System.nanoTime() - begin) / 1e9 > order.seconds()) {
                        break;
                    }
                    Measured measured = run(trainers, scratch, order, cell, guess, pace, SECONDS_PER_KIND);
                    pace = measured.ratio();
                    seen.computeIfAbsent(cell, any -> new ArrayList<>()).add(measured);
                }
                // There and back, so that a machine that grows slower meanwhile does so for all kinds alike.
                Collections.reverse(cells);
            }
            // On a machine so busy that time is up by now, this says how slow it is.
            seen.putIfAbsent(order.cells().get(0), List.of(warming));
        } finally {
            seen.forEach((cell, all) -> {
                StepKind kind = StepKind.of(cell);
                rates.add(new StepRate(
                        kind,
                        median(all, Measured::ratio) * guess.stepSeconds(kind),
                        median(all, Measured::evaluationTokenSeconds)));
            });
            HostCache.deleteAll(scratch);
        }
    }

    /** @param ratio of measured to guessed time of a step */
    private record Measured(double ratio, double evaluationTokenSeconds) {}

    /** What else the machine does slows a single measurement as it pleases. */
    public static <T> double median(List<T> all, ToDoubleFunction<T> value) {
        double[] sorted = all.stream().mapToDouble(value).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static Measured run(
            Trainers trainers, Path scratch, Order order, Cell cell, CostModel guess, double pace, double seconds)
            throws IOException, InterruptedException {
        // Where even the fewest steps of the whole batch take too long, a smaller batch of the same passes tells.
        int sequences = cell.data().batchSequences();
        while (sequences > 1 && FEWEST_STEPS * pace * guess.stepSeconds(StepKind.of(cell, sequences)) > seconds) {
            sequences = (sequences + 1) / 2;
        }
        double guessed = guess.stepSeconds(StepKind.of(cell, sequences));
        int steps = (int) Math.max(FEWEST_STEPS, Math.min(MOST_STEPS, Math.round(seconds / (pace * guessed))));
        Cell probe = new Cell(
                cell.model(),
                new DataRule(CORPUS, steps, sequences, SHARD_TOKENS),
                cell.training().withoutEarlyStopping(),
                new EvaluationRule(
                        steps, (long) EVALUATED_SEQUENCES * cell.model().context(), List.of(ShardManifest.VALIDATION)),
                order.slot());
        TrainerSeat trainer = trainers.take(probe.id());
        TrainerHealth health = TrainerHealth.SICK;
        try {
            Measured measured = run(trainer, scratch, probe, guessed, seconds);
            health = TrainerHealth.WELL;
            return measured;
        } finally {
            trainer.end(health);
        }
    }

    private static Measured run(TrainerSeat trainer, Path scratch, Cell probe, double guessed, double seconds)
            throws IOException, InterruptedException {
        trainer.process()
                .send(new Assignment(
                        probe,
                        1,
                        scratch.toString(),
                        scratch.resolve("checkpoints").toString(),
                        Optional.empty(),
                        0,
                        0,
                        1));
        List<Double> taken = new ArrayList<>();
        double evaluation = 0;
        long end = System.nanoTime() + (long) ((PATIENCE_SECONDS + 10 * seconds) * 1e9);
        while (System.nanoTime() < end) {
            Optional<TrainerProcess.Message> message = trainer.poll(200);
            if (message.isEmpty()) {
                continue;
            }
            if (!(message.get() instanceof TrainerProcess.Message.Said said)) {
                throw new IOException("the trainer ended while it was measured");
            }
            if (said.frame() instanceof Frame.Steps rows) {
                for (double each : rows.seconds()) {
                    taken.add(each);
                }
            } else if (said.frame() instanceof Frame.Evaluation evaluated) {
                evaluation = evaluated.seconds() / evaluated.tokens();
            } else if (said.frame() instanceof Frame.Failed failed) {
                throw new IOException("a step could not be measured: " + failed.message());
            } else if (said.frame() instanceof Frame.Outcome) {
                // The first third still warms caches and compiler.
                double mean = taken.stream()
                        .skip(taken.size() / 3)
                        .mapToDouble(Double::doubleValue)
                        .average()
                        .orElseThrow(() -> new IOException("a step could not be measured: none was made"));
                return new Measured(mean / guessed, evaluation);
            }
        }
        throw new IOException("steps of a measurement took more than " + PATIENCE_SECONDS + " s");
    }

    static void writeShard(Path folder, int vocabulary) throws IOException {
        Files.createDirectories(folder);
        TokenType type = TokenType.forVocabulary(vocabulary);
        SplittableRandom random = new SplittableRandom(1);
        byte[] tokens = new byte[(int) SHARD_TOKENS * type.bytes()];
        for (int i = 0; i < SHARD_TOKENS; i++) {
            int token = random.nextInt(vocabulary);
            for (int at = 0; at < type.bytes(); at++) {
                tokens[i * type.bytes() + at] = (byte) (token >> (8 * at));
            }
        }
        CRC32C crc = new CRC32C();
        crc.update(tokens);
        Files.write(folder.resolve("tokens.bin"), tokens);
        ShardManifest manifest = new ShardManifest(
                ShardManifest.FORMAT,
                CORPUS,
                "random",
                vocabulary,
                type,
                new ShardManifest.TokenFile("train", "tokens.bin", SHARD_TOKENS, SHARD_TOKENS, crc.getValue()),
                List.of(new ShardManifest.TokenFile(
                        ShardManifest.VALIDATION, "tokens.bin", SHARD_TOKENS, SHARD_TOKENS, crc.getValue())));
        Files.writeString(folder.resolve(ShardManifest.FILE_NAME), CellJson.line(manifest), StandardCharsets.UTF_8);
    }
}
