package dev.powersweep.orchestrator.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;

class TaskHostTest {
    private static final String FAILED = "Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, most"
            + " recent failure: Lost task 0.3 in stage 1.0 (TID 5) (%s): java.io.IOException: no such file";

    @Test
    void aFailureOnAClusterNamesTheHostOfTheTaskThatFailed() {
        Exception failure = new SparkException(
                FAILED.formatted("127.0.0.2 executor 1"), new IOException("/corpus/a.txt does not exist"));
        assertThat(TaskHost.inWords(failure))
                .isEqualTo(" (seen on host 127.0.0.2; every host of the cluster must reach it)");
        assertThat(TaskHost.inWords(new IllegalStateException("a job failed", failure)))
                .contains("127.0.0.2");
    }

    @Test
    void inLocalModeThereIsOneHostAndNoneIsNamed() {
        assertThat(TaskHost.inWords(new SparkException(FAILED.formatted("laptop executor driver"))))
                .isEmpty();
        assertThat(TaskHost.inWords(new IOException("no job"))).isEmpty();
        assertThat(TaskHost.inWords()).isEmpty();
    }
}
