package dev.powersweep.orchestrator.end2end;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The same sweep in different places: cores, locales, time zones, one process or a cluster of several. */
@ExtendWith(Loopback.Shared.class)
class PlaceIT {
    @TempDir
    private Path folder;

    @Test
    void corpusCellsAndTablesAreTheSameOnOneCoreOnThreeAndOnACluster(Loopback loopback) throws Exception {
        Path specification = Files.writeString(
                folder.resolve("place.yaml"),
                """
                grid: {modelSizes: [5k, 10k], dataSizes: [20k, 40k], batchSizes: 1024}
                context: 64
                evaluation: {timesPerRun: 2, tokens: 4096}
                run: {probeSeconds: 1}
                """);
        StoredResults one = run(specification, "local[1]", Map.of("TZ", "Asia/Kathmandu", "LC_ALL", "POSIX"));
        StoredResults three = run(specification, "local[3]", Map.of("TZ", "UTC", "LC_ALL", "C.UTF-8"));
        StoredResults cluster = run(
                specification,
                loopback.cluster().url(),
                Map.of(
                        "POWERSWEEP_SUBMIT_OPTIONS",
                        "--conf spark.executor.memory=600m --conf spark.executor.cores=1"
                                + " --conf spark.executor.resource.gpu.amount=0 --conf spark.default.parallelism=16"));
        assertThat(one.cells()).hasSize(4);
        assertThat(one.steps()).hasSize(2 * (20 + 39));
        assertThat(three).isEqualTo(one);
        assertThat(cluster).isEqualTo(one);
    }

    private StoredResults run(Path specification, String master, Map<String, String> environment) throws IOException {
        Path output = folder.resolve("on-" + master.replaceAll("[^a-z0-9]", ""));
        Result result = PowerSweepProcess.run(
                environment, "bin/powersweep", "run", specification, "--output", output, "--master", master);
        result.orFail();
        try (Stream<Path> corpora = Files.list(output.resolve("corpus"))) {
            assertThat(corpora.map(each -> each.getFileName().toString()).toList())
                    .isEqualTo(List.of("c1ee4d10a1e3ffa5"));
        }
        Configuration configuration = new Configuration();
        return StoredResults.of(SweepDirectory.at(output.toString(), configuration), configuration);
    }
}
