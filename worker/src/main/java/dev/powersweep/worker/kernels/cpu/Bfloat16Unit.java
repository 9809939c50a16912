package dev.powersweep.worker.kernels.cpu;

import java.util.Optional;
import org.bytedeco.dnnl.global.dnnl;

/** What of a processor multiplies bfloat16 numbers and sums in single precision. */
enum Bfloat16Unit {
    /** Tiles of 16 × 32 numbers, of 4th-generation Xeons and later. */
    AMX("AMX", dnnl.dnnl_cpu_isa_avx512_core_amx),
    /**
     * Vectors of 32 numbers, of 3rd-generation Xeons (Cooper Lake), Zen 4 and later. The one Xeon that was measured,
     * of the 4th generation, has it beside AMX, at half the rate of its single-precision products.
     */
    AVX512("AVX-512", dnnl.dnnl_cpu_isa_avx512_core_bf16);

    private final String word;
    private final int instructions;

    Bfloat16Unit(String word, int instructions) {
        this.word = word;
        this.instructions = instructions;
    }

    /**
     * The best one that oneDNN uses here; it asks the processor, the operating system's leave, and
     * {@code DNNL_MAX_CPU_ISA}.
     */
    static Optional<Bfloat16Unit> here() {
        try {
            return of(dnnl.dnnl_get_effective_cpu_isa());
        } catch (LinkageError absent) {
            return Optional.empty();
        }
    }

    /** @param instructions a set of them as oneDNN has it, where a larger one holds the bits of the smaller */
    static Optional<Bfloat16Unit> of(int instructions) {
        for (Bfloat16Unit unit : values()) {
            if ((instructions & unit.instructions) == unit.instructions) {
                return Optional.of(unit);
            }
        }
        return Optional.empty();
    }

    @Override
    public String toString() {
        return word;
    }
}
