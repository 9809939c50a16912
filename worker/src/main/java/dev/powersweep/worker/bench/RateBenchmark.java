package dev.powersweep.worker.bench;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainerCommand;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.model.RandomStream;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.DivergenceException;
import dev.powersweep.worker.train.TrainingSession;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * What a step costs at learning rates up to divergence, relative to the same step at an ordinary rate. Large rates bring
 * extreme numbers, and a processor takes a hundred cycles and more for an operation on a subnormal one.
 *
 * <p>Usage: {@code java -cp powersweep-trainer.jar dev.powersweep.worker.bench.RateBenchmark [ROUNDS]}. Each cell takes turns with
 * its like at the rate {@value #ORDINARY_RATE} in one process, and CPU time is counted, so that other programs disturb
 * little. Tokens are a Markov chain over Zipf-distributed words, so that some are rare. A cell that diverges, as a sweep's
 * would by default, is compared up to there. The exit status is 1 when a cell is more than {@value #MOST} times slower than
 * its like.
 */
public final class RateBenchmark {

    private static final double ORDINARY_RATE = 0.003;
    private static final double[] RATES = {0.003, 0.01, 0.03, 0.05, 0.1, 0.3, 1, 3};
    private static final double MOST = 1.2;
    private static final int DEFAULT_ROUNDS = 9;
    private static final double ROUND_SECONDS = 0.15;
    private static final int STEPS_BEFORE = 400;
    private static final int STEPS_OF_A_START = 5;
    private static final int VOCABULARY = 256;
    private static final String CHILD = "in this process";

    private record Named(String name, ModelShape shape, int batchSequences) {}

    private static final List<Named> MODELS = List.of(
            new Named("2 x 48, GELU, LayerNorm", ModelShape.gpt(2, 48, 2, 64, VOCABULARY), 8),
            new Named(
                    "2 x 64, squared ReLU, RMSNorm, rotary, untied",
                    new ModelShape(
                            2,
                            64,
                            2,
                            256,
                            64,
                            VOCABULARY,
                            Activation.SQUARED_RELU,
                            Positions.ROTARY,
                            Normalization.RMS_NORM,
                            Embeddings.UNTIED),
                    8),
            new Named("3 x 128, GELU, LayerNorm", ModelShape.gpt(3, 128, 4, 64, VOCABULARY), 8));

    private RateBenchmark() {}

    public static void main(String[] args) throws IOException, InterruptedException, DivergenceException {
        List<String> arguments = new ArrayList<>(Arrays.asList(args));
        if (arguments.remove(CHILD)) {
            int rounds = arguments.isEmpty() ? DEFAULT_ROUNDS : Integer.parseInt(arguments.get(0));
            System.exit(measure(rounds) > MOST ? 1 : 0);
        }
        TrainerCommand trainer = TrainerCommand.of(TrainerCommand.Resources.threads(1));
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(trainer.jvmOptions());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), RateBenchmark.class.getName(), CHILD));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().putAll(trainer.environment());
        System.exit(builder.start().waitFor());
    }

    /** The largest ratio. */
    private static double measure(int rounds) throws DivergenceException {
        System.out.println("rate, CPU time of a step over that at " + ORDINARY_RATE + ", loss before and after");
        double worst = 0;
        for (Named model : MODELS) {
            System.out.println(model.name);
            for (double rate : RATES) {
                worst = Math.max(worst, measure(model, rate, rounds));
            }
        }
        System.out.printf(Locale.ROOT, "slowest %.2f, bound %.2f%n", worst, MOST);
        return worst;
    }

    private static double measure(Named model, double rate, int rounds) throws DivergenceException {
        BatchSource tokens = words(model.shape.context());
        try (TrainingSession like = session(model, ORDINARY_RATE, tokens);
                TrainingSession session = session(model, rate, tokens)) {
            List<Double> ratios = new ArrayList<>();
            try {
                while (session.stepsDone() < STEPS_BEFORE) {
                    ratios.add(seconds(session, STEPS_OF_A_START) / seconds(like, STEPS_OF_A_START));
                }
                double loss = session.step().loss();
                ratios.clear();
                int steps = (int) Math.max(1, ROUND_SECONDS / (seconds(like, 20) / 20));
                for (int round = 0; round < rounds; round++) {
                    ratios.add(seconds(session, steps) / seconds(like, steps));
                }
                System.out.printf(
                        Locale.ROOT,
                        "%8.3g %6.2f %10.3f %10.3f after %d steps%n",
                        rate,
                        median(ratios),
                        loss,
                        session.step().loss(),
                        session.stepsDone());
            } catch (DivergenceException e) {
                System.out.printf(
                        Locale.ROOT,
                        "%8.3g %6s diverged after %d steps: %s%n",
                        rate,
                        ratios.isEmpty() ? "-" : String.format(Locale.ROOT, "%.2f", median(ratios)),
                        session.stepsDone(),
                        e.getMessage());
            }
            return median(ratios);
        }
    }

    /** Of nothing, 0. */
    private static double median(List<Double> ratios) {
        return ratios.isEmpty()
                ? 0
                : ratios.stream().sorted().skip(ratios.size() / 2).findFirst().orElseThrow();
    }

    private static double seconds(TrainingSession session, int steps) throws DivergenceException {
        long begin = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        for (int step = 0; step < steps; step++) {
            session.step();
        }
        return (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - begin) / 1e9;
    }

    private static TrainingSession session(Named model, double rate, BatchSource tokens) {
        Cell cell = new Cell(
                model.shape,
                new DataRule("Markov chain", Long.MAX_VALUE >> 20, model.batchSequences, 1 << 20),
                new TrainingRule(
                        rate,
                        20,
                        new Schedule.Constant(),
                        0.9,
                        0.95,
                        1e-8,
                        0.1,
                        1,
                        0,
                        0.02,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT),
                new EvaluationRule(1, 1, List.of("none")),
                1);
        return TrainingSession.create(cell, tokens, KernelChoice.FAST, 0);
    }

    /** Three of five tokens follow from the one before; the others are Zipf-distributed. */
    private static BatchSource words(int context) {
        double[] cumulative = new double[VOCABULARY];
        double sum = 0;
        for (int token = 0; token < VOCABULARY; token++) {
            sum += 1 / Math.pow(token + 1, 1.5);
            cumulative[token] = sum;
        }
        double all = sum;
        return (step, inputs, targets) -> {
            long key = RandomStream.key(1, "tokens", step, 0);
            int token = 0;
            for (int i = 0; i < inputs.length; i++) {
                token = i % context == 0 ? next(key, 3L * i, 0, cumulative, all) : targets[i - 1];
                inputs[i] = token;
                targets[i] = next(key, 3L * i + 1, token, cumulative, all);
            }
        };
    }

    private static int next(long key, long counter, int before, double[] cumulative, double all) {
        double unit = (RandomStream.bits(key, counter) >>> 11) * 0x1p-53;
        if (unit < 0.6) {
            return (before * 37 + 11) % VOCABULARY;
        }
        int found = Arrays.binarySearch(cumulative, (unit - 0.6) / 0.4 * all);
        return Math.min(VOCABULARY - 1, found < 0 ? -found - 1 : found);
    }
}
