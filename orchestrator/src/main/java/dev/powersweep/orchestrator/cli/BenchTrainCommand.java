package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.executor.TrainerProbe;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code powersweep bench train}: the trainer against libtorch. */
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Trains at seven sizes in turns with the same model in libtorch, one thread each, and prints tokens/s,"
                        + " their ratio, and the share of the core's rate in large single-precision products.")
final class BenchTrainCommand implements Callable<Integer> {
    /** In the trainer's jar. */
    private static final String PROGRAM = "dev.powersweep.worker.bench.TrainBenchmark";

    /** Set by the launcher where it has the peer's jars. */
    private static final String PEER_VARIABLE = "POWERSWEEP_PEER";

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Option(
            names = "--peer",
            paramLabel = "DIR",
            description = "libtorch's jars and TorchGpt.java, as ./mvnw -P benchmark -pl worker package leaves them in"
                    + " worker/target/peer; default: there; without them only our side runs.")
    private Optional<Path> peer =
            Optional.ofNullable(System.getenv(PEER_VARIABLE)).map(Path::of);

    @Option(
            names = "--rounds",
            paramLabel = "R",
            description = "Turns of both sides at a size; default ${DEFAULT-VALUE}.")
    private int rounds = 7;

    @Option(
            names = "--sizes",
            paramLabel = "I,J,…",
            description = "Rows of the table, from 0 on; default ${DEFAULT-VALUE}.")
    private String sizes = "0,1,2,3,4,5,6";

    @Option(
            names = "--trainers",
            paramLabel = "K",
            description = "Also time K trainers at once against one alone, one thread each.")
    private int trainers = 1;

    @Option(
            names = "--precision",
            paramLabel = "P",
            description =
                    "float32, or bfloat16 where the processor has AVX512-BF16 or AMX, beside libtorch under autocast"
                            + " and our own float32. Default ${DEFAULT-VALUE}.")
    private String precision = Precision.FLOAT32.word();

    @Option(names = "--profile", description = "Also print where a step's time goes at each size.")
    private boolean profile;

    @Option(names = "--cpu-time", description = "Count processor time, for machines that others use too.")
    private boolean processorTime;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (rounds < 1 || trainers < 1 || !sizes.matches("[0-6](,[0-6])*")) {
            throw new CommandLine.ParameterException(
                    command.commandLine(),
                    "--rounds and --trainers must be at least 1, and --sizes a list of numbers from 0 to 6");
        }
        boolean narrow = precision.equals(Precision.BFLOAT16.word());
        if (!narrow && !precision.equals(Precision.FLOAT32.word())) {
            throw new CommandLine.ParameterException(command.commandLine(), "--precision must be float32 or bfloat16");
        }
        List<String> arguments = new ArrayList<>(List.of("--rounds", Integer.toString(rounds), "--sizes", sizes));
        if (trainers > 1) {
            arguments.addAll(List.of("--trainers", Integer.toString(trainers)));
        }
        if (profile) {
            arguments.add("--profile");
        }
        if (processorTime) {
            arguments.add("--cpu-time");
        }
        if (json) {
            arguments.add("--json");
        }
        if (narrow) {
            arguments.addAll(List.of("--precision", precision));
        }
        if (peer.isPresent()) {
            if (!Files.exists(peer.get().resolve("TorchGpt.java"))) {
                throw new UserError("there is no TorchGpt.java in " + peer.get()
                        + "; ./mvnw -P benchmark -pl worker package puts the peer into worker/target/peer");
            }
            arguments.addAll(List.of("--peer", peer.get().toString()));
        }
        return TrainerProbe.program(PROGRAM, arguments);
    }
}
