package dev.powersweep.worker.bench;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.cpu.GemmRate;
import dev.powersweep.worker.model.RandomStream;
import dev.powersweep.worker.network.KernelSets;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.DivergenceException;
import dev.powersweep.worker.train.TrainingSession;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.StringJoiner;

/**
 * Our side of the benchmark, in a process of its own.
 *
 * <p>Arguments: layers width heads context batch vocabulary precision. Each line of standard input is answered with one line: a
 * number of steps with tokens per second, {@code rate of …} with this core's GFLOP/s in a library's large
 * single-precision products, {@code profile} and a number of steps with each operation's share of their time.
 */
public final class TrainRounds {

    static final String PROFILE = "profile ";
    static final String OPEN_BLAS = "rate of OpenBLAS";
    static final String ONE_DNN = "rate of oneDNN";

    private TrainRounds() {}

    public static void main(String[] args) throws Exception {
        int[] size = Arrays.stream(args).limit(6).mapToInt(Integer::parseInt).toArray();
        Precision precision = Precision.valueOf(args[6]);
        int batch = size[4];
        int vocabulary = size[5];
        Cell cell = new Cell(
                ModelShape.gpt(size[0], size[1], size[2], size[3], vocabulary),
                new DataRule("random tokens", Long.MAX_VALUE >> 20, batch, 1 << 20),
                new TrainingRule(
                                1e-3,
                                10,
                                new Schedule.Constant(),
                                0.9,
                                0.999,
                                1e-8,
                                0.01,
                                1,
                                0,
                                0.02,
                                OptionalInt.empty(),
                                OptionalInt.empty(),
                                TrainingRule.Divergence.DEFAULT)
                        .with(precision),
                new EvaluationRule(1, 1, List.of("none")),
                1);
        // The same tokens every step, as the peer has; which ones they are costs nothing.
        BatchSource tokens = (step, inputs, targets) -> {
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = (int) (RandomStream.bits(1, i) >>> 33) % vocabulary;
                targets[i] = (int) (RandomStream.bits(2, i) >>> 33) % vocabulary;
            }
        };
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        int microBatch = Integer.getInteger("powersweep.microBatchSequences", 0);
        try (TrainingSession session = TrainingSession.create(cell, tokens, KernelChoice.FAST, microBatch)) {
            System.out.println("ready");
            for (String line = commands.readLine(); line != null; line = commands.readLine()) {
                if (line.equals(OPEN_BLAS)) {
                    answer(GemmRate.openBlas(TrainRounds::now));
                } else if (line.equals(ONE_DNN)) {
                    answer(GemmRate.oneDnn(TrainRounds::now).orElse(Double.NaN));
                } else if (line.startsWith(PROFILE)) {
                    profile(cell, tokens, microBatch, Integer.parseInt(line.substring(PROFILE.length())));
                } else {
                    answer(cell.batchTokens() / secondsPerStep(session, Integer.parseInt(line.strip())));
                }
            }
        }
    }

    private static void profile(Cell cell, BatchSource tokens, int microBatch, int steps) throws DivergenceException {
        TimedKernels timed = new TimedKernels(
                KernelSets.open(KernelChoice.FAST, cell.training().products()), TrainRounds::now);
        try (TrainingSession session = TrainingSession.create(cell, tokens, timed.kernels(), microBatch)) {
            secondsPerStep(session, steps);
            timed.reset();
            double all = secondsPerStep(session, steps) * steps;
            StringJoiner shares = new StringJoiner("\t");
            double rest = all;
            for (Map.Entry<String, Double> operation : timed.seconds().entrySet()) {
                shares.add(operation.getKey() + "=" + operation.getValue() / all);
                rest -= operation.getValue();
            }
            System.out.println(shares.add("the rest=" + rest / all));
        }
    }

    private static double secondsPerStep(TrainingSession session, int steps) throws DivergenceException {
        long begin = now();
        for (int step = 0; step < steps; step++) {
            session.step();
        }
        return (now() - begin) / 1e9 / steps;
    }

    /** Wall time, or this thread's CPU time where other programs disturb. */
    private static long now() {
        return Boolean.getBoolean("powersweep.cpuTime")
                ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
                : System.nanoTime();
    }

    private static void answer(double number) {
        System.out.println(String.format(Locale.ROOT, "%.1f", number));
    }
}
