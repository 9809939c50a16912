package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CudaCoverageTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Tesla V100-SXM2-16GB, 7.0, 535.183.01",
                "NVIDIA A100-SXM4-80GB, 8.0, 550.54.15",
                "NVIDIA L4, 8.9, 550.54.15",
                "Tesla K80, 3.7, 470.82.01"
            })
    void coveredCardsPass(String card) {
        assertThat(CudaCoverage.objection(List.of(card))).isEmpty();
    }

    @Test
    void hopperAndNewerAreRefusedWithTheRemedy() {
        assertThat(CudaCoverage.objection(List.of("NVIDIA A100, 8.0, 550", "NVIDIA H100 80GB HBM3, 9.0, 550.54.15")))
                .hasValueSatisfying(sentence -> assertThat(sentence)
                        .startsWith("NVIDIA H100 80GB HBM3 has compute capability 9.0, but")
                        .contains("resources.gpus: 0")
                        .contains("a backend built for 9.0"));
        assertThat(CudaCoverage.objection(List.of("NVIDIA B200, 10.0, 570"))).isPresent();
        assertThat(CudaCoverage.objection(List.of("GeForce GTX 680, 3.0, 470"))).isPresent();
    }

    @Test
    void aDriverThatDoesNotSayLeavesItToTheBackend() {
        assertThat(CudaCoverage.objection(List.of("NVIDIA A100, [N/A], 450", "")))
                .isEmpty();
        assertThat(CudaCoverage.objection(List.of())).isEmpty();
    }
}
