package dev.powersweep.worker.bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.TrainerCommand;
import dev.powersweep.worker.kernels.cpu.CpuKernels;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/**
 * Training speed at a set of sizes against a peer, in two processes that take turns on the same core.
 *
 * <p>Usage: {@code [--json] [--profile] [--cpu-time] [--rounds N] [--sizes I,J,…] [--trainers K]
 * [--precision P] [--peer DIRECTORY]},
 * where the directory holds the peer's jars and {@code TorchGpt.java} (profile {@code benchmark} puts them into
 * {@code target/peer}); without it only our side runs. With {@code --precision bfloat16} our side takes bfloat16 factors, the
 * peer runs under autocast, and our own float32 takes turns with both. {@code --cpu-time} counts each side's CPU time in place of wall
 * time, for machines that other programs use at the same time. {@code --profile} adds where a step's time goes, and
 * {@code --trainers K} what K trainers do at once beside what one does alone.
 */
public final class TrainBenchmark {

    /** layers, width, heads, context, batch, vocabulary */
    private static final int[][] SIZES = {
        {2, 32, 2, 64, 4, 256},
        {2, 32, 2, 64, 16, 256},
        {2, 64, 2, 64, 16, 256},
        {4, 128, 4, 128, 16, 256},
        {4, 256, 4, 128, 16, 256},
        {6, 384, 6, 256, 8, 256},
        {4, 128, 4, 128, 16, 4096},
    };

    private static final double ROUND_SECONDS = 1;
    private static final double WARMUP_SECONDS = 10;

    /**
     * One line of the table.
     *
     * @param peerTokensPerSecond empty without a peer, as is {@code ratio}
     * @param gemmShare FLOPs of the step's products (attention's masked half left out) per second over this core's rate
     *     in products of 512 × 512 matrices by the BLAS that ND4J brings
     * @param oneDnnShare the same over the rate of oneDNN, which trainers use for large products; empty where there is none
     * @param float32Ratio our tokens/s over those of our own float32, in turns; empty for float32
     * @param scaling tokens/s of all trainers at once over those of one alone, in turns; empty unless asked
     *     for
     * @param profile share of a step's time by operation, the largest first; empty unless asked for
     */
    public record Result(
            int layers,
            int width,
            int heads,
            int context,
            int batch,
            int vocabulary,
            double tokensPerSecond,
            OptionalDouble peerTokensPerSecond,
            OptionalDouble ratio,
            double gemmShare,
            OptionalDouble oneDnnShare,
            @JsonInclude(JsonInclude.Include.NON_ABSENT) OptionalDouble float32Ratio,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Double> scaling,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Double> profile) {}

    /**
     * What {@code --json} writes.
     *
     * @param sizes a row each
     */
    public record Report(List<Result> sizes) {
        /** One object over several lines; what is empty is null. */
        public String json() {
            try {
                return CellJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(this);
            } catch (JsonProcessingException impossible) {
                throw new IllegalStateException(impossible);
            }
        }
    }

    private TrainBenchmark() {}

    public static void main(String[] args) throws IOException {
        List<String> options = new ArrayList<>(Arrays.asList(args));
        if (options.remove("--cpu-time")) {
            System.setProperty("powersweep.cpuTime", "true");
        }
        boolean json = options.remove("--json");
        boolean profile = options.remove("--profile");
        int rounds = Integer.parseInt(take(options, "--rounds", "7"));
        String peer = take(options, "--peer", "");
        int trainers = Integer.parseInt(take(options, "--trainers", "1"));
        Precision precision = Precision.valueOf(
                take(options, "--precision", Precision.FLOAT32.word()).toUpperCase(Locale.ROOT));
        CpuKernels.objection(precision).ifPresent(objection -> {
            throw new IllegalArgumentException("--precision " + precision.word() + ": " + objection);
        });
        int[] chosen = Arrays.stream(take(options, "--sizes", "0,1,2,3,4,5,6").split(","))
                .mapToInt(Integer::parseInt)
                .toArray();
        if (!options.isEmpty()) {
            throw new IllegalArgumentException("unknown option " + options.get(0)
                    + "; known: --cpu-time --json --profile --rounds --sizes --trainers --precision --peer");
        }
        PrintStream table = json ? System.err : System.out;
        table.println("layers width heads context batch vocabulary   tokens/s      peer  ratio  of SGEMM  of oneDNN"
                + (precision == Precision.FLOAT32 ? "" : "  of float32")
                + (trainers > 1 ? "  " + trainers + " at once" : ""));
        List<Result> results = new ArrayList<>();
        for (int index : chosen) {
            Result result = run(SIZES[index], precision, rounds, peer, profile, trainers);
            results.add(result);
            table.printf(
                    Locale.ROOT,
                    "%6d %5d %5d %7d %5d %10d %10.0f %9.0f %6.2f %8.0f%% %9.0f%%%s%s%n",
                    result.layers,
                    result.width,
                    result.heads,
                    result.context,
                    result.batch,
                    result.vocabulary,
                    result.tokensPerSecond,
                    result.peerTokensPerSecond.orElse(Double.NaN),
                    result.ratio.orElse(Double.NaN),
                    100 * result.gemmShare,
                    100 * result.oneDnnShare.orElse(Double.NaN),
                    result.float32Ratio.stream()
                            .mapToObj(times -> String.format(Locale.ROOT, "%11.2f×", times))
                            .collect(Collectors.joining()),
                    result.scaling.stream()
                            .map(times -> String.format(Locale.ROOT, "%10.2f×", times))
                            .collect(Collectors.joining()));
            result.profile.forEach(
                    (operation, share) -> table.printf(Locale.ROOT, "%30s %5.1f%%%n", operation, 100 * share));
        }
        if (json) {
            System.out.println(new Report(results).json());
        }
    }

    private static Result run(
            int[] size, Precision precision, int rounds, String peerDirectory, boolean profiled, int trainers)
            throws IOException {
        ModelShape shape = ModelShape.gpt(size[0], size[1], size[2], size[3], size[5]);
        double flops = 6.0 * shape.nonEmbeddingParameters()
                + 6.0 * shape.width() * shape.vocabulary()
                + 6.0 * shape.layers() * shape.context() * shape.width();
        int tokens = size[3] * size[4];
        TrainerCommand trainer = TrainerCommand.of(TrainerCommand.Resources.threads(1));
        Start startOurs = () -> new Side(ourCommand(trainer, size, precision), trainer.environment());
        try (Side ours = startOurs.side();
                Side peer = torch(peerDirectory, size, precision);
                Side wide = precision == Precision.FLOAT32
                        ? null
                        : new Side(ourCommand(trainer, size, Precision.FLOAT32), trainer.environment())) {
            int ourSteps = ours.warmUp(tokens);
            int peerSteps = peer == null ? 0 : peer.warmUp(tokens);
            int wideSteps = wide == null ? 0 : wide.warmUp(tokens);
            double[] speeds = new double[rounds];
            double[] peerSpeeds = new double[rounds];
            double[] ratios = new double[rounds];
            double[] wideRatios = new double[rounds];
            double[] shares = new double[rounds];
            double[] oneDnnShares = new double[rounds];
            for (int round = 0; round < rounds; round++) {
                speeds[round] = ours.ask(Integer.toString(ourSteps));
                peerSpeeds[round] = peer == null ? Double.NaN : peer.ask(Integer.toString(peerSteps));
                ratios[round] = speeds[round] / peerSpeeds[round];
                wideRatios[round] = wide == null ? Double.NaN : speeds[round] / wide.ask(Integer.toString(wideSteps));
                double gigaflops = speeds[round] * flops / 1e9;
                shares[round] = gigaflops / ours.ask(TrainRounds.OPEN_BLAS);
                oneDnnShares[round] = gigaflops / ours.ask(TrainRounds.ONE_DNN);
            }
            List<Double> scaling = trainers > 1
                    ? List.of(scaling(ours, ourSteps, trainers - 1, startOurs, tokens, rounds))
                    : List.of();
            Map<String, Double> profile = profiled ? profile(ours.answer(TrainRounds.PROFILE + ourSteps)) : Map.of();
            return new Result(
                    size[0],
                    size[1],
                    size[2],
                    size[3],
                    size[4],
                    size[5],
                    median(speeds),
                    known(median(peerSpeeds)),
                    known(median(ratios)),
                    median(shares),
                    known(median(oneDnnShares)),
                    known(median(wideRatios)),
                    scaling,
                    profile);
        }
    }

    @FunctionalInterface
    private interface Start {
        Side side() throws IOException;
    }

    /** Median over the rounds of the speed of all trainers together over the speed of the first alone just before. */
    private static double scaling(Side first, int steps, int more, Start start, int tokensPerStep, int rounds)
            throws IOException {
        List<Side> others = new ArrayList<>();
        try {
            for (int other = 0; other < more; other++) {
                others.add(start.side());
                others.get(other).warmUp(tokensPerStep);
            }
            String question = Integer.toString(steps);
            double[] scalings = new double[rounds];
            for (int round = 0; round < rounds; round++) {
                double alone = first.ask(question);
                first.send(question);
                for (Side other : others) {
                    other.send(question);
                }
                double together = Double.parseDouble(first.receive());
                for (Side other : others) {
                    together += Double.parseDouble(other.receive());
                }
                scalings[round] = together / alone;
            }
            return median(scalings);
        } finally {
            for (Side other : others) {
                other.close();
            }
        }
    }

    private static Map<String, Double> profile(String answer) {
        Map<String, Double> shares = new LinkedHashMap<>();
        Arrays.stream(answer.split("\t"))
                .map(entry -> entry.split("="))
                .sorted(Comparator.comparingDouble((String[] entry) -> -Double.parseDouble(entry[1])))
                .forEach(entry -> shares.put(entry[0], Double.parseDouble(entry[1])));
        return shares;
    }

    /**
     * {@code null} without a directory. A process that has just unpacked libtorch crashes while it loads it; the next one
     * finds it unpacked.
     */
    private static Side torch(String directory, int[] size, Precision precision) throws IOException {
        if (directory.isEmpty()) {
            return null;
        }
        List<String> command = peerCommand(directory, size, precision);
        Map<String, String> environment = Map.of("OMP_NUM_THREADS", "1", "OMP_WAIT_POLICY", "passive");
        try {
            return new Side(command, environment);
        } catch (IOException e) {
            System.err.println("libtorch's process is started again; the first one: " + e.getMessage());
            return new Side(command, environment);
        }
    }

    private static List<String> ourCommand(TrainerCommand trainer, int[] size, Precision precision) {
        List<String> command = new ArrayList<>(List.of(java()));
        command.addAll(trainer.jvmOptions());
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("powersweep."))
                .forEach(name -> command.add("-D" + name + "=" + System.getProperty(name)));
        command.add(TrainRounds.class.getName());
        Arrays.stream(size).forEach(number -> command.add(Integer.toString(number)));
        command.add(precision.name());
        return command;
    }

    private static List<String> peerCommand(String directory, int[] size, Precision precision) {
        List<String> command = new ArrayList<>(List.of(
                java(),
                "-Xmx256m",
                "-XX:+DisplayVMOutputToStderr",
                "-XX:+ErrorFileToStderr",
                "-Dpowersweep.cpuTime=" + Boolean.getBoolean("powersweep.cpuTime"),
                "-cp",
                directory + File.separator + "*",
                Path.of(directory, "TorchGpt.java").toString()));
        Arrays.stream(size).forEach(number -> command.add(Integer.toString(number)));
        command.add(precision.name());
        return command;
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private static OptionalDouble known(double value) {
        return Double.isNaN(value) ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static String take(List<String> options, String name, String otherwise) {
        int at = options.indexOf(name);
        if (at < 0) {
            return otherwise;
        }
        if (at + 1 == options.size()) {
            throw new IllegalArgumentException(name + " needs a value");
        }
        options.remove(at);
        return options.remove(at);
    }

    /** One of the two processes. */
    private static final class Side implements AutoCloseable {
        private final Process process;
        private final BufferedReader answers;

        Side(List<String> command, Map<String, String> environment) throws IOException {
            Path errors = Files.createTempFile("powersweep-bench", ".err");
            errors.toFile().deleteOnExit();
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
            builder.environment().putAll(environment);
            process = builder.start();
            answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            String first = answers.readLine();
            while (first != null && !first.equals("ready")) {
                first = answers.readLine();
            }
            if (first == null) {
                throw new IOException("a benchmark process ended before it was ready; its command was "
                        + String.join(" ", command) + "; it said: "
                        + Files.readString(errors)
                                .lines()
                                .filter(line -> !line.isBlank() && !line.equals("#"))
                                .limit(3)
                                .collect(Collectors.joining(" ")));
            }
        }

        double ask(String question) throws IOException {
            return Double.parseDouble(answer(question));
        }

        String answer(String question) throws IOException {
            send(question);
            return receive();
        }

        void send(String question) throws IOException {
            process.getOutputStream().write((question + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        }

        String receive() throws IOException {
            String answer = answers.readLine();
            if (answer == null) {
                throw new IOException("a benchmark process ended unexpectedly");
            }
            return answer;
        }

        /** Steps that fill one round. */
        int warmUp(int tokensPerStep) throws IOException {
            int steps = 1;
            long begin = System.nanoTime();
            while (true) {
                double tokensPerSecond = ask(Integer.toString(steps));
                steps = Math.max(1, (int) (ROUND_SECONDS * tokensPerSecond / tokensPerStep));
                if ((System.nanoTime() - begin) / 1e9 > WARMUP_SECONDS) {
                    return steps;
                }
            }
        }

        @Override
        public void close() throws IOException {
            process.getOutputStream().close();
            process.destroy();
        }
    }
}
