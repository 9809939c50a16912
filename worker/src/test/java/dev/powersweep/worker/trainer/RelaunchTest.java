package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.TrainerCommand;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RelaunchTest {
    private static final TrainerCommand WANTED = new TrainerCommand(
            List.of(), Map.of("OMP_NUM_THREADS", "1", "OPENBLAS_CORETYPE", "SKYLAKEX", "OMP_WAIT_POLICY", "passive"));

    @Test
    void aTrainerStartedByItsOwnCommandLacksNothing() {
        assertThat(Relaunch.missing(WANTED, WANTED.environment(), true)).isEmpty();
    }

    @Test
    void anyNumberOfThreadsIsRightButOnlyTheExpectedBlasKernelsAre() {
        Map<String, String> environment = new HashMap<>(WANTED.environment());
        environment.put("OMP_NUM_THREADS", "4");
        assertThat(Relaunch.missing(WANTED, environment, true)).isEmpty();
        environment.put("OPENBLAS_CORETYPE", "Haswell");
        assertThat(Relaunch.missing(WANTED, environment, true))
                .containsExactly("variable OPENBLAS_CORETYPE = SKYLAKEX");
    }

    @Test
    void aBareJvmLacksTheVectorModuleAndTheVariables() {
        assertThat(Relaunch.missing(WANTED, Map.of(), false))
                .containsExactly(
                        "module jdk.incubator.vector",
                        "variable OMP_NUM_THREADS",
                        "variable OPENBLAS_CORETYPE = SKYLAKEX");
    }
}
