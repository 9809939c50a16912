package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.kernels.KernelChoice;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CommandLineTest {
    @Test
    void optionsAreTakenInBothForms() throws UsageException {
        CommandLine command = CommandLine.parse(List.of(
                "train",
                "--shards=a=b",
                "cell.json",
                "--kernels",
                "portable",
                "--report-seconds",
                "0.5",
                "--threads=2"));
        assertThat(command.verb()).isEqualTo(CommandLine.Verb.TRAIN);
        assertThat(command.file()).hasValue(Path.of("cell.json"));
        assertThat(command.shards()).hasValue(Path.of("a=b"));
        assertThat(command.kernels()).isEqualTo(KernelChoice.PORTABLE);
        assertThat(command.reportSeconds()).hasValue(0.5);
        assertThat(command.threads()).isEqualTo(2);
        assertThat(command.backend()).isEqualTo(CommandLine.Backend.CPU);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|unknown command ''; the commands are train, serve and export",
                "fit|unknown command 'fit'; the commands are train, serve and export",
                "export a.ckpt|export needs a CHECKPOINT or a CELL.json, and the FILE.npz to write",
                "export a.ckpt b.npz --threads 1|unknown option '--threads' of export; it knows --shards, --batches, --steps",
                "export a.json b.npz --steps 3|--steps says how many batches to write; give --batches FILE.npz with it",
                "export a.json b.npz --batches c.npz --steps 0|--steps = '0' must be a whole number of at least 1",
                "train a.json --steps 3|unknown option '--steps' of train; it knows --backend, --kernels, --threads, --shards, --checkpoints, --resume, --micro-batch, --checkpoint-seconds, --report-seconds, --listener",
                "train|train needs a FILE.json that holds an assignment or a cell",
                "serve x.json|unexpected argument 'x.json'",
                "train a.json b.json|unexpected argument 'b.json'",
                "serve --shards d|unknown option '--shards' of serve; it knows --backend, --kernels, --cells, --threads",
                "train a.json --cells 2|unknown option '--cells' of train; it knows --backend, --kernels, --threads, --shards, --checkpoints, --resume, --micro-batch, --checkpoint-seconds, --report-seconds, --listener",
                "serve --cells 65|--cells = '65' must be a whole number of at least 1",
                "serve --threads|--threads needs a value: N",
                "serve --threads 0|--threads = '0' must be a whole number of at least 1",
                "serve --threads 1.5|--threads = '1.5' must be a whole number of at least 1",
                "train a.json --report-seconds x|--report-seconds = 'x' must be a number of at least 0.0",
                "train a.json --report-seconds NaN|--report-seconds = 'NaN' must be a number of at least 0.0",
                "serve --kernels quick|--kernels = 'quick' must be one of automatic/fast/portable"
            })
    void aWrongWordIsNamed(String line, String message) {
        assertThatThrownBy(() -> CommandLine.parse(List.of(line.split(" "))))
                .isInstanceOf(UsageException.class)
                .hasMessage(message);
    }

    @Test
    void helpListsEveryOptionUnderAnyLocale() throws UsageException {
        assertThat(CommandLine.parse(List.of("serve", "--help")).verb()).isEqualTo(CommandLine.Verb.HELP);
        assertThat(CommandLine.usage())
                .contains(
                        "--backend cpu/cuda",
                        "--micro-batch N",
                        "--checkpoint-seconds S",
                        "--resume FILE/newest",
                        "--batches FILE.npz");
    }
}
