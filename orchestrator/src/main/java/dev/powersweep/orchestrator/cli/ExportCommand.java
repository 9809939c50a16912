package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.executor.TrainerProbe;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.host.HostScratch;
import dev.powersweep.orchestrator.executor.host.RunnableFolder;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep export}: a trained cell as a file that other programs read; starts no Spark. */
@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Writes a cell's newest stored state as a file: weights for NumPy or Hugging Face, or a network of"
                        + " Deeplearning4j with Adam's moments. Needs no living driver.")
public final class ExportCommand implements Callable<Integer> {
    /** Of the trainer's jar. */
    private static final String TRAINER = "dev.powersweep.worker.trainer.Main";

    /** What is written, known by the file's ending. */
    enum Format {
        DL4J(".zip"),
        NPZ(".npz"),
        SAFETENSORS(".safetensors");

        private final String ending;

        Format(String ending) {
            this.ending = ending;
        }

        private static Format of(Path file) {
            return Arrays.stream(values())
                    .filter(format -> file.toString().endsWith(format.ending))
                    .findFirst()
                    .orElseThrow(() -> new UserError(file + " ends in none of "
                            + Arrays.stream(values()).map(each -> each.ending).collect(Collectors.joining(", "))
                            + "; name it so, or give --format"));
        }
    }

    @Mixin
    private CellChoice choice = new CellChoice();

    @Parameters(
            index = "2",
            paramLabel = "FILE",
            description =
                    "Where to: model.zip for Deeplearning4j, weights.npz for NumPy, weights.safetensors for Hugging"
                            + " Face's tools; one that is there is replaced.")
    private Path file = Path.of("");

    @Option(names = "--format", description = "One of ${COMPLETION-CANDIDATES}; default: by FILE's ending.")
    private Optional<Format> format = Optional.empty();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Format chosen = format.orElseGet(() -> Format.of(file));
        Path target = file.toAbsolutePath();
        if (target.getParent() == null || !Files.isDirectory(target.getParent())) {
            throw new UserError("there is no directory " + target.getParent() + " to write " + file + " in; make it");
        }
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory directory = choice.directory(configuration);
        CellRecord record = choice.in(directory, configuration);
        RunnableFolder.requireTemporary();
        try (HostScratch scratch = HostCache.ofUser().scratchForCommand()) {
            Path state = NewestState.of(record, directory, configuration, scratch);
            Path made = scratch.folder().resolve("made" + chosen.ending);
            int status = TrainerProbe.confined(TRAINER, List.of("export", state.toString(), made.toString()), "")
                    .status();
            if (status != 0) {
                return CommandLine.ExitCode.SOFTWARE;
            }
            publish(made, target);
        }
        return CommandLine.ExitCode.OK;
    }

    /** It is whole when it appears under its name. */
    private static void publish(Path made, Path target) throws IOException {
        Path aside = target.resolveSibling("." + target.getFileName() + ".tmp");
        try {
            Files.copy(made, aside, StandardCopyOption.REPLACE_EXISTING);
            Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UserError(
                    target + " cannot be written (" + e.getMessage() + "); free space or name another file", e);
        } finally {
            Files.deleteIfExists(aside);
        }
    }
}
