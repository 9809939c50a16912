package dev.powersweep.worker.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EnvironmentTest {

    @Test
    void wideKernelsAreAskedForOnlyWhereTheProcessorHasTheirInstructions() {
        assertThat(Environment.variables("flags\t\t: fpu fma avx2 avx512f avx512dq avx512cd avx512bw avx512vl"))
                .containsEntry("OPENBLAS_CORETYPE", "SKYLAKEX");
        assertThat(Environment.variables("flags\t\t: fpu fma avx2 avx512f"))
                .doesNotContainKey("OPENBLAS_CORETYPE")
                .containsEntry("OMP_NUM_THREADS", "1");
        assertThat(Environment.variables("")).doesNotContainKey("OPENBLAS_CORETYPE");
    }
}
