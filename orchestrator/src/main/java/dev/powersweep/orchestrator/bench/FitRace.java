package dev.powersweep.orchestrator.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * Approach 3 with its global minimum and bootstrap, {@code powersweep fit} against SciPy's L-BFGS-B from Hoffmann's 4,500
 * starts: whole process against whole process, in turns, on the same processors.
 *
 * <p>Each side is started once before anything is timed, so that both find their files in memory; ours keeps its classes in
 * memory layout beside its jar from then on, as Python keeps its compiled modules.
 */
public final class FitRace {
    /** Processors that both sides may use. */
    private static final int PROCESSORS = 2;

    private static final String PYTHON = "python3";

    /** Objectives are equal when they differ by no more than this, relative; below zero ours is the lower. */
    private static final double SAME = 1e-9;

    private final Path launcher;
    private final int refits;
    private final int rounds;

    /**
     * @param launcher the {@code powersweep} script
     * @param refits of the bootstrap
     * @param rounds in which both sides run
     */
    public FitRace(Path launcher, int refits, int rounds) {
        this.launcher = launcher;
        this.refits = refits;
        this.rounds = rounds;
    }

    /**
     * One side of one round.
     *
     * @param wallSeconds of the whole process
     * @param cpuSeconds of all its threads
     * @param objective sum of Huber's function of the log residuals at its best parameters
     */
    public record Lap(double wallSeconds, double cpuSeconds, double objective) {}

    /**
     * The race.
     *
     * @param rows fitted
     * @param refits of the bootstrap
     * @param processors that both sides were held to
     * @param ours a lap a round
     * @param scipy a lap a round
     */
    public record Result(int rows, int refits, int processors, List<Lap> ours, List<Lap> scipy) {
        public Result {
            ours = List.copyOf(ours);
            scipy = List.copyOf(scipy);
        }

        /** SciPy's median time over ours, start to end. */
        public double wallRatio() {
            return median(scipy, Lap::wallSeconds) / median(ours, Lap::wallSeconds);
        }

        /** SciPy's median processor time over ours. */
        public double cpuRatio() {
            return median(scipy, Lap::cpuSeconds) / median(ours, Lap::cpuSeconds);
        }

        /** How far our objective lies above SciPy's, relative; negative where ours is lower. */
        public double excess() {
            return ours.get(0).objective() / scipy.get(0).objective() - 1;
        }

        static double median(List<Lap> laps, ToDoubleFunction<Lap> quantity) {
            double[] sorted = laps.stream().mapToDouble(quantity).sorted().toArray();
            int half = sorted.length / 2;
            return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
        }
    }

    /**
     * Runs the race on these runs' N, D and loss.
     *
     * @throws UserError where a side cannot be run, or ours ends above SciPy's minimum
     */
    public Result run(Observations runs) {
        try {
            Path folder = Files.createTempDirectory("powersweep-bench-");
            try {
                return run(runs, folder);
            } finally {
                delete(folder);
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private Result run(Observations runs, Path folder) throws IOException {
        Path table = folder.resolve("runs.csv");
        Files.writeString(table, csv(runs));
        Path script = folder.resolve("approach3.py");
        try (InputStream source = FitRace.class.getResourceAsStream("approach3.py")) {
            Files.copy(source, script);
        }
        List<String> pinned = Runtime.getRuntime().availableProcessors() > PROCESSORS
                ? List.of("taskset", "-c", "0-" + (PROCESSORS - 1))
                : List.of();
        List<String> ours = join(
                pinned,
                List.of(launcher.toString(), "fit", "--runs", table.toString(), "--law", "chinchilla", "--bootstrap"),
                List.of(String.valueOf(refits), "--json"));
        List<String> scipy =
                join(pinned, List.of(PYTHON, script.toString(), table.toString()), List.of(String.valueOf(refits)));
        TimedProcess.run(folder, join(List.of(PYTHON, "-c"), List.of("import scipy.optimize")));
        TimedProcess.run(folder, ours);
        List<Lap> our = new ArrayList<>();
        List<Lap> their = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            our.add(lap(TimedProcess.run(folder, ours), "/fits/0/objective/sum"));
            their.add(lap(TimedProcess.run(folder, scipy), "/objective"));
        }
        int processors = Math.min(PROCESSORS, Runtime.getRuntime().availableProcessors());
        Result result = new Result(runs.size(), refits, processors, our, their);
        if (result.excess() > SAME) {
            throw new UserError("the race is lost: our objective " + our.get(0).objective() + " lies above SciPy's "
                    + their.get(0).objective());
        }
        return result;
    }

    private static Lap lap(TimedProcess.End end, String objective) throws IOException {
        JsonNode value = new ObjectMapper().readTree(end.output()).at(objective);
        return new Lap(end.wallSeconds(), end.cpuSeconds(), value.asDouble(Double.NaN));
    }

    @SafeVarargs
    private static List<String> join(List<String>... parts) {
        return Stream.of(parts).flatMap(List::stream).toList();
    }

    private static String csv(Observations runs) {
        StringBuilder text = new StringBuilder("N,D,loss\n");
        for (int i = 0; i < runs.size(); i++) {
            text.append(runs.at(Quantity.N, i))
                    .append(',')
                    .append(runs.at(Quantity.D, i))
                    .append(',')
                    .append(runs.at(Quantity.LOSS, i))
                    .append('\n');
        }
        return text.toString();
    }

    /**
     * Runs of a usual kind: sizes 4e7 … 1.6e10 and budgets 1e18 … 3e21 FLOPs at random, losses by Hoffmann's published
     * law, and noise of half a percent with a tail.
     */
    public static Observations planted(int rows, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] parameters = new double[rows];
        double[] tokens = new double[rows];
        double[] loss = new double[rows];
        for (int i = 0; i < rows; i++) {
            parameters[i] = 4e7 * Math.pow(400, random.nextDouble());
            double budget = 1e18 * Math.pow(3000, random.nextDouble());
            tokens[i] = budget / (6 * parameters[i]);
            double noise = 0.005 * random.nextGaussian() * (random.nextInt(20) == 0 ? 4 : 1);
            loss[i] = (1.69 + 406.4 * Math.pow(parameters[i], -0.34) + 410.7 * Math.pow(tokens[i], -0.28))
                    * Math.exp(noise);
        }
        return Observations.builder()
                .column(Quantity.N, parameters)
                .column(Quantity.D, tokens)
                .column(Quantity.LOSS, loss)
                .build();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
