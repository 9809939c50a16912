package dev.powersweep.orchestrator.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MachineChecksTest {
    @ParameterizedTest
    @ValueSource(strings = {"?", "", " "})
    void aUserWithoutANameIsBrokenWithTheRemedy(String name) {
        Finding finding = MachineChecks.user(name);
        assertThat(finding.verdict()).isEqualTo(Finding.Verdict.BROKEN);
        assertThat(finding.remedy()).contains("/etc/passwd");
        assertThat(MachineChecks.user("me").verdict()).isEqualTo(Finding.Verdict.GOOD);
    }
}
