package dev.powersweep.worker.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All kernels as machine code of cards that need not be there: they compile, and their registers suffice. */
class MachineCodeTest {

    private static final Pattern KERNEL = Pattern.compile("Compiling entry function '(\\w+)'");
    private static final Pattern MEMORY =
            Pattern.compile("(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads");

    /** Kernels of each unit; attention's for the head widths below. */
    private static final Map<String, Integer> KERNELS = Map.of(
            "activation", 8,
            "classifier", 2,
            "embedding", 4,
            "flash_attention", 9,
            "norm", 5,
            "optimiser", 4,
            "plain_attention", 14,
            "rotary", 2,
            "tokens", 4);

    private static final List<String> WIDTHS =
            List.of("FLASH_HEAD_WIDTHS(K)=K(16) K(64) K(128)", "PLAIN_HEAD_WIDTHS(K)=K(12) K(64)");

    @ParameterizedTest
    @ValueSource(strings = {"sm_80", "sm_90", "sm_100"})
    void noKernelSpillsRegisters(String architecture, @TempDir Path folder) throws IOException {
        Optional<CudaCompiler> compiler = CudaCompiler.find(folder);
        assumeTrue(compiler.isPresent(), "neither NVRTC nor nvcc is here to compile kernels by");
        for (Map.Entry<String, String> file : KernelSources.files().entrySet()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue());
        }
        assertThat(KERNELS.keySet()).containsExactlyInAnyOrderElementsOf(KernelSources.UNITS);
        for (String unit : KernelSources.UNITS) {
            String said = compiler.get().compile(folder, unit, architecture, WIDTHS);
            assertThat(KERNEL.matcher(said).results().count())
                    .as("kernels of %s: %s", unit, said)
                    .isEqualTo((long) KERNELS.get(unit));
            Matcher memory = MEMORY.matcher(said);
            int told = 0;
            while (memory.find()) {
                assertThat(memory.group())
                        .as("%s for %s: %s", unit, architecture, said)
                        .isEqualTo("0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads");
                told++;
            }
            assertThat(told).isEqualTo(KERNELS.get(unit));
        }
    }
}
