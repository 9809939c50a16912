package dev.powersweep.orchestrator.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClusterChecksTest {
    @TempDir
    Path folder;

    /** The checks wait for executors before they submit a job, and under dynamic allocation only jobs ask for them. */
    @Test
    void dynamicAllocationIsSwitchedOff() throws Exception {
        Map<String, String> given = Map.of(
                "spark.dynamicAllocation.enabled",
                "true",
                "spark.eventLog.enabled",
                "true",
                "spark.eventLog.compress",
                "false",
                "spark.eventLog.dir",
                folder.toUri().toString());
        try {
            given.forEach(System::setProperty);
            assertThat(ClusterChecks.run("local[1]")).hasSize(1);
        } finally {
            given.keySet().forEach(System::clearProperty);
        }
        assertThat(eventLog())
                .filteredOn(line -> line.contains("SparkListenerEnvironmentUpdate"))
                .singleElement()
                .asString()
                .contains("\"spark.dynamicAllocation.enabled\":\"false\"")
                .contains("\"spark.executor.killOnFatalError.depth\":\"0\"");
    }

    private List<String> eventLog() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            Path events = files.filter(file -> Files.isRegularFile(file)
                            && file.getFileName().toString().startsWith("events_"))
                    .findFirst()
                    .orElseThrow();
            return Files.readAllLines(events);
        }
    }
}
