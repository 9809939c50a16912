package dev.powersweep.orchestrator.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GpuCoverageTest {

    @Test
    void cardsAreGoodWithWhatTheirTrainersNeed() {
        assertThat(GpuCoverage.judge("0, NVIDIA A100-SXM4-80GB, 8.0, 81920 MiB, 550.54.15"))
                .isEqualTo(Finding.good(
                        "GPU 0",
                        "NVIDIA A100-SXM4-80GB, compute capability 8.0, 81920 MiB, driver 550.54.15; trainers need NVRTC"
                                + " and cuBLAS of CUDA 13 or 12 on this host, or DL4J's CUDA backend beside them"));
        Finding hopper = GpuCoverage.judge("0, NVIDIA H100 PCIe, 9.0, 81559 MiB, 580.1");
        assertThat(hopper.verdict()).isEqualTo(Finding.Verdict.GOOD);
        assertThat(hopper.toString()).contains("of CUDA 13 or 12 on this host").doesNotContain("DL4J");
        Finding volta = GpuCoverage.judge("1, Tesla V100, 7.0, 16160 MiB, 550.54.15");
        assertThat(volta.verdict()).isEqualTo(Finding.Verdict.GOOD);
        assertThat(volta.toString()).contains("need DL4J's CUDA backend").doesNotContain("NVRTC");
    }

    @Test
    void othersAreWarnedOf() {
        assertThat(GpuCoverage.judge("0, Tesla K20, 3.5, 5 GiB, 390").verdict()).isEqualTo(Finding.Verdict.WARNING);
        assertThat(GpuCoverage.judge("0, Card, [N/A], 5 GiB, 390").verdict()).isEqualTo(Finding.Verdict.WARNING);
    }
}
