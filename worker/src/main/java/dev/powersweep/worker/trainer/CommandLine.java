package dev.powersweep.worker.trainer;

import dev.powersweep.worker.kernels.KernelChoice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the trainer was started to do. Two verbs and a handful of options: the trainer's class path carries no library
 * for them.
 *
 * @param file to train or to export; empty for {@code serve}
 * @param target of {@code export}; empty for the other verbs
 * @param shards overrides the assignment's directory, and is needed for a bare cell
 * @param resume a checkpoint file, or {@value #NEWEST} for the newest in the checkpoint directory
 * @param batches where {@code export} writes the tokens of a cell's steps
 * @param steps how many of them; empty for all
 * @param listeners class names of training listeners
 * @param cells trained at once, on one card; ≥ 1
 */
record CommandLine(
        Verb verb,
        Optional<Path> file,
        Optional<Path> target,
        Backend backend,
        KernelChoice kernels,
        int threads,
        Optional<Path> shards,
        Optional<Path> checkpoints,
        Optional<String> resume,
        OptionalInt microBatchSequences,
        OptionalDouble checkpointSeconds,
        OptionalDouble reportSeconds,
        Optional<Path> batches,
        OptionalLong steps,
        List<String> listeners,
        int cells) {

    static final String NEWEST = "newest";

    private static final int MOST_CELLS = 64;

    enum Verb {
        TRAIN,
        SERVE,
        EXPORT,
        HELP
    }

    /** Where the arrays live. */
    enum Backend {
        CPU,
        CUDA
    }

    private enum Option {
        BACKEND("--backend", "cpu/cuda", "device that must be there; anything else is an error (cpu)"),
        KERNELS("--kernels", "automatic/fast/portable", "kernel set (automatic)"),
        CELLS("--cells", "N", "cells at once, on one GPU of our own kernels (1)"),
        THREADS("--threads", "N", "OpenMP and BLAS threads, unless OMP_NUM_THREADS is set (1)"),
        SHARDS("--shards", "DIR", "directory with shard.json; needed when FILE is a bare cell"),
        CHECKPOINTS("--checkpoints", "DIR", "where checkpoints go (./checkpoints for a bare cell)"),
        RESUME("--resume", "FILE/newest", "go on from a checkpoint"),
        MICRO_BATCH("--micro-batch", "N", "most sequences in one forward pass, 0 to choose by cache size (0)"),
        CHECKPOINT_SECONDS("--checkpoint-seconds", "S", "between checkpoints, 0 for one at the end only (60)"),
        REPORT_SECONDS("--report-seconds", "S", "between lines of step records (1)"),
        LISTENER("--listener", "CLASS", "a training listener of Deeplearning4j's kind; may be repeated"),
        BATCHES("--batches", "FILE.npz", "write the cell's training and evaluation tokens too"),
        STEPS("--steps", "N", "training steps in that file (all)");

        private static final Set<Option> SERVE = EnumSet.of(BACKEND, KERNELS, THREADS, CELLS);
        private static final Set<Option> EXPORT = EnumSet.of(SHARDS, BATCHES, STEPS);

        private final String flag;
        private final String value;
        private final String description;

        Option(String flag, String value, String description) {
            this.flag = flag;
            this.value = value;
            this.description = description;
        }

        static Set<Option> of(Verb verb) {
            return switch (verb) {
                case SERVE -> SERVE;
                case TRAIN -> EnumSet.complementOf(EnumSet.of(BATCHES, STEPS, CELLS));
                case EXPORT -> EXPORT;
                case HELP -> EnumSet.noneOf(Option.class);
            };
        }
    }

    static CommandLine parse(List<String> arguments) throws UsageException {
        if (arguments.contains("--help") || arguments.contains("-h") || arguments.equals(List.of("help"))) {
            return new Builder(Verb.HELP).build();
        }
        if (arguments.isEmpty()) {
            throw new UsageException("a command is missing: train, serve or export");
        }
        Verb verb =
                switch (arguments.get(0)) {
                    case "train" -> Verb.TRAIN;
                    case "serve" -> Verb.SERVE;
                    case "export" -> Verb.EXPORT;
                    default ->
                        throw new UsageException(
                                "unknown command '" + arguments.get(0) + "'; the commands are train, serve and export");
                };
        Builder builder = new Builder(verb);
        Iterator<String> rest = arguments.subList(1, arguments.size()).iterator();
        while (rest.hasNext()) {
            builder.take(rest.next(), rest);
        }
        if (verb == Verb.TRAIN && builder.file.isEmpty()) {
            throw new UsageException("train needs a FILE.json that holds an assignment or a cell");
        }
        if (verb == Verb.EXPORT && builder.target.isEmpty()) {
            throw new UsageException("export needs a CHECKPOINT or a CELL.json, and the FILE.npz to write");
        }
        if (builder.steps.isPresent() && builder.batches.isEmpty()) {
            throw new UsageException("--steps says how many batches to write; give --batches FILE.npz with it");
        }
        return builder.build();
    }

    static String usage() {
        StringBuilder text = new StringBuilder(
                """
                Trains cells of a sweep: one JSON frame per line on standard output, logs on standard error.

                  train FILE.json [OPTIONS]   train the assignment or the cell in FILE
                  serve [OPTIONS]             train the assignments that arrive on standard input, one a line
                  export CHECKPOINT FILE.npz  write the weights as NumPy arrays, which ND4J reads too;
                                              FILE.safetensors, or FILE.zip for Deeplearning4j
                  export CELL.json FILE.npz   the same for a cell's initial weights

                Options of train and serve:
                """);
        EnumSet<Option> both = EnumSet.copyOf(Option.SERVE);
        both.retainAll(Option.of(Verb.TRAIN));
        both.forEach(option -> describe(option, text));
        text.append("Options of serve:\n");
        describe(Option.CELLS, text);
        text.append("Options of train, which go before what an assignment says:\n");
        Option.of(Verb.TRAIN).stream()
                .filter(option -> !Option.SERVE.contains(option))
                .forEach(option -> describe(option, text));
        text.append("Options of export from a cell:\n");
        Option.EXPORT.forEach(option -> describe(option, text));
        text.append(
                """

                Exit status: 0 finished, 1 diverged or failed, 2 wrong command line, 3 device not as asked, 143 stopped
                by SIGTERM after a checkpoint.
                """);
        return text.toString();
    }

    private static void describe(Option option, StringBuilder text) {
        text.append(String.format(Locale.ROOT, "  %-34s %s%n", option.flag + " " + option.value, option.description));
    }

    private static final class Builder {
        private final Verb verb;
        private Optional<Path> file = Optional.empty();
        private Optional<Path> target = Optional.empty();
        private Backend backend = Backend.CPU;
        private KernelChoice kernels = KernelChoice.AUTOMATIC;
        private int threads = 1;
        private Optional<Path> shards = Optional.empty();
        private Optional<Path> checkpoints = Optional.empty();
        private Optional<String> resume = Optional.empty();
        private OptionalInt microBatchSequences = OptionalInt.empty();
        private OptionalDouble checkpointSeconds = OptionalDouble.empty();
        private OptionalDouble reportSeconds = OptionalDouble.empty();
        private Optional<Path> batches = Optional.empty();
        private OptionalLong steps = OptionalLong.empty();
        private final List<String> listeners = new ArrayList<>();
        private int cells = 1;

        Builder(Verb verb) {
            this.verb = verb;
        }

        CommandLine build() {
            return new CommandLine(
                    verb,
                    file,
                    target,
                    backend,
                    kernels,
                    threads,
                    shards,
                    checkpoints,
                    resume,
                    microBatchSequences,
                    checkpointSeconds,
                    reportSeconds,
                    batches,
                    steps,
                    List.copyOf(listeners),
                    cells);
        }

        void take(String word, Iterator<String> rest) throws UsageException {
            if (!word.startsWith("-")) {
                if (verb == Verb.EXPORT && file.isPresent() && target.isEmpty()) {
                    target = Optional.of(Path.of(word));
                } else if (verb != Verb.SERVE && file.isEmpty()) {
                    file = Optional.of(Path.of(word));
                } else {
                    throw new UsageException("unexpected argument '" + word + "'");
                }
                return;
            }
            int equals = word.indexOf('=');
            String flag = equals < 0 ? word : word.substring(0, equals);
            Set<Option> known = Option.of(verb);
            Option option = known.stream()
                    .filter(candidate -> candidate.flag.equals(flag))
                    .findFirst()
                    .orElseThrow(() -> new UsageException("unknown option '" + flag + "' of "
                            + verb.name().toLowerCase(Locale.ROOT)
                            + known.stream()
                                    .map(each -> each.flag)
                                    .collect(Collectors.joining(", ", "; it knows ", ""))));
            String value;
            if (equals >= 0) {
                value = word.substring(equals + 1);
            } else if (rest.hasNext()) {
                value = rest.next();
            } else {
                throw new UsageException(flag + " needs a value: " + option.value);
            }
            set(option, value);
        }

        private void set(Option option, String value) throws UsageException {
            switch (option) {
                case BACKEND -> backend = choice(option, value, Backend.class);
                case KERNELS -> kernels = choice(option, value, KernelChoice.class);
                case THREADS -> threads = (int) number(option, value, 1, 4096, true);
                case CELLS -> cells = (int) number(option, value, 1, MOST_CELLS, true);
                case SHARDS -> shards = Optional.of(Path.of(value));
                case CHECKPOINTS -> checkpoints = Optional.of(Path.of(value));
                case RESUME -> resume = Optional.of(value);
                case MICRO_BATCH ->
                    microBatchSequences = OptionalInt.of((int) number(option, value, 0, Integer.MAX_VALUE, true));
                case CHECKPOINT_SECONDS ->
                    checkpointSeconds = OptionalDouble.of(number(option, value, 0, Double.MAX_VALUE, false));
                case BATCHES -> batches = Optional.of(Path.of(value));
                case STEPS -> steps = OptionalLong.of((long) number(option, value, 1, 1L << 53, true));
                case LISTENER -> listeners.add(value);
                case REPORT_SECONDS ->
                    reportSeconds = OptionalDouble.of(number(option, value, 0, Double.MAX_VALUE, false));
            }
        }

        private static <E extends Enum<E>> E choice(Option option, String value, Class<E> type) throws UsageException {
            return Arrays.stream(type.getEnumConstants())
                    .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(value))
                    .findFirst()
                    .orElseThrow(() ->
                            new UsageException(option.flag + " = '" + value + "' must be one of " + option.value));
        }

        private static double number(Option option, String value, double least, double most, boolean whole)
                throws UsageException {
            try {
                double number = Double.parseDouble(value);
                if (number >= least && number <= most && (!whole || number == Math.rint(number))) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // Refused below, with the bound.
            }
            throw new UsageException(option.flag + " = '" + value + "' must be a " + (whole ? "whole " : "")
                    + "number of at least " + (whole ? Long.toString((long) least) : Double.toString(least)));
        }
    }
}
