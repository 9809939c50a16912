package dev.powersweep.orchestrator.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GpuCoverageTest {
    @Test
    void cardsThatTheReleasedBackendCoversAreGood() {
        assertThat(GpuCoverage.judge("0, NVIDIA A100-SXM4-80GB, 8.0, 81920 MiB, 550.54.15"))
                .isEqualTo(Finding.good(
                        "GPU 0", "NVIDIA A100-SXM4-80GB, compute capability 8.0, 81920 MiB, driver 550.54.15"));
        assertThat(GpuCoverage.judge("1, NVIDIA L4, 8.9, 23034 MiB, 550.54.15").verdict())
                .isEqualTo(Finding.Verdict.GOOD);
    }

    @Test
    void newerCardsAreToldWhatToDo() {
        Finding hopper = GpuCoverage.judge("0, NVIDIA H100 PCIe, 9.0, 81559 MiB, 550.54.15");
        assertThat(hopper.verdict()).isEqualTo(Finding.Verdict.WARNING);
        assertThat(hopper.remedy()).contains("compute capability 9.0").contains("gpus: 0");
        assertThat(GpuCoverage.judge("0, NVIDIA B200, 10.0, 183359 MiB, 570.1").verdict())
                .isEqualTo(Finding.Verdict.WARNING);
    }
}
