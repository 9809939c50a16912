package dev.powersweep.worker.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All kernels as machine code of cards that need not be there: they compile, and their registers suffice. */
class MachineCodeTest {

    private static final Pattern KERNEL = Pattern.compile("Compiling entry function '(\\w+)'");
    private static final Pattern MEMORY =
            Pattern.compile("(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads");

    /** Kernels of each unit, and how many more for each head width. */
    private static final Map<String, int[]> KERNELS = Map.of(
            "activation", new int[] {8, 0},
            "classifier", new int[] {2, 0},
            "embedding", new int[] {4, 0},
            "flash_attention", new int[] {0, 3},
            "norm", new int[] {5, 0},
            "optimiser", new int[] {4, 0},
            "plain_attention", new int[] {2, 6},
            "rotary", new int[] {2, 0},
            "tokens", new int[] {4, 0});

    @ParameterizedTest
    @ValueSource(strings = {"sm_80", "sm_90", "sm_100"})
    void noKernelSpillsRegisters(String architecture, @TempDir Path folder) throws IOException {
        check(folder, architecture, KernelSources.UNITS, new int[] {16, 128}, new int[] {128});
    }

    /** Every head width of the kernels on tensor cores, and others across their range, on all cards since 2018. */
    @Tag("nightly")
    @ParameterizedTest
    @ValueSource(strings = {"sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"})
    void noKernelSpillsRegistersAtAnyHeadWidth(String architecture, @TempDir Path folder) throws IOException {
        List<String> units = new ArrayList<>(List.of("plain_attention", "norm", "optimiser"));
        // Tensor cores know bfloat16 from 8.0 on.
        if (!architecture.equals("sm_75")) {
            units.add("flash_attention");
        }
        int[] flash = IntStream.rangeClosed(1, 8).map(i -> 16 * i).toArray();
        check(folder, architecture, units, flash, new int[] {1, 8, 20, 32, 48, 64, 65, 96, 100, 129, 192, 256});
    }

    private static void check(Path folder, String architecture, List<String> units, int[] flash, int[] plain)
            throws IOException {
        Optional<CudaCompiler> compiler = CudaCompiler.find(folder);
        assumeTrue(compiler.isPresent(), "neither NVRTC nor nvcc is here to compile kernels by");
        for (Map.Entry<String, String> file : KernelSources.files().entrySet()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue());
        }
        assertThat(KERNELS.keySet()).containsExactlyInAnyOrderElementsOf(KernelSources.UNITS);
        List<String> macros = List.of("FLASH_HEAD_WIDTHS(K)=" + list(flash), "PLAIN_HEAD_WIDTHS(K)=" + list(plain));
        for (String unit : units) {
            int widths = unit.equals("flash_attention") ? flash.length : plain.length;
            int kernels = KERNELS.get(unit)[0] + KERNELS.get(unit)[1] * widths;
            String said = compiler.get().compile(folder, unit, architecture, macros);
            assertThat(KERNEL.matcher(said).results().count())
                    .as("kernels of %s: %s", unit, said)
                    .isEqualTo(kernels);
            assertThat(MEMORY.matcher(said).results().map(MatchResult::group))
                    .as("%s for %s: %s", unit, architecture, said)
                    .hasSize(kernels)
                    .containsOnly("0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads");
        }
    }

    private static String list(int... widths) {
        return IntStream.of(widths).mapToObj(width -> "K(" + width + ")").collect(Collectors.joining(" "));
    }
}
