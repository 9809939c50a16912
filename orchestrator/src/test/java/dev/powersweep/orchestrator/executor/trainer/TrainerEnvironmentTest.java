package dev.powersweep.orchestrator.executor.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class TrainerEnvironmentTest {

    @Test
    void aTrainerGetsWhatItRunsByAndNoSecretOfItsExecutor() {
        Map<String, String> executor = Map.of(
                "PATH", "/bin",
                "LC_ALL", "C.UTF-8",
                "CUDA_VISIBLE_DEVICES", "1",
                "_SPARK_AUTH_SECRET", "secret",
                "AWS_SECRET_ACCESS_KEY", "secret",
                "HADOOP_TOKEN_FILE_LOCATION", "/secret",
                "POWERSWEEP_SUBMIT_OPTIONS", "--conf spark.authenticate.secret=secret",
                "HTTPS_PROXY", "http://user:secret@proxy");
        assertThat(TrainerEnvironment.of(executor, ""))
                .containsOnlyKeys("PATH", "LC_ALL", "CUDA_VISIBLE_DEVICES")
                .containsEntry("PATH", "/bin");
        assertThat(TrainerEnvironment.of(executor, "HTTPS_PROXY, OTHER"))
                .containsOnlyKeys("PATH", "LC_ALL", "CUDA_VISIBLE_DEVICES", "HTTPS_PROXY");
    }

    /** Its own errors name this one as the remedy. */
    @Test
    void aTrainerIsToldWhereCudaLies() {
        assertThat(TrainerEnvironment.of(Map.of("POWERSWEEP_CUDA_LIBRARIES", "/opt/cuda"), ""))
                .containsEntry("POWERSWEEP_CUDA_LIBRARIES", "/opt/cuda");
    }
}
