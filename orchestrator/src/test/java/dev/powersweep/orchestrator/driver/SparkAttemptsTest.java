package dev.powersweep.orchestrator.driver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SparkAttemptsTest {
    @Test
    void whoeverWaitsForAStandaloneMasterThatForgotItIsToldHowToGoOn() {
        assertThat(SparkAttempts.ofNone("spark://host:7077", "app-1-0002"))
                .contains("no executor is left", "does not list app-1-0002", "submit again");
        assertThat(SparkAttempts.ofNone("yarn", "application_1_0002"))
                .endsWith("see the master's page for what is free");
    }
}
