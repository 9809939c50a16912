package dev.powersweep.worker.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class TrainBenchmarkTest {
    /** That the document is what docs/schemas says of it is shown in the orchestrator's tests. */
    @Test
    void aReportIsTheDocumentThatScriptsRead() throws Exception {
        Map<String, Double> profile = new LinkedHashMap<>();
        profile.put("products", 0.7);
        profile.put("attention", 0.2);
        OptionalDouble unknown = OptionalDouble.empty();
        TrainBenchmark.Report report = new TrainBenchmark.Report(List.of(
                new TrainBenchmark.Result(
                        2, 32, 2, 64, 4, 256, 1e5, unknown, unknown, 0.5, unknown, unknown, List.of(), Map.of()),
                new TrainBenchmark.Result(
                        4,
                        128,
                        4,
                        128,
                        16,
                        4096,
                        16e3,
                        OptionalDouble.of(8e3),
                        OptionalDouble.of(2),
                        0.6,
                        OptionalDouble.of(0.4),
                        OptionalDouble.of(1.7),
                        List.of(1.9),
                        profile)));
        try (InputStream golden = TrainBenchmarkTest.class.getResourceAsStream("report-golden.json")) {
            assertThat(report.json().strip())
                    .isEqualToNormalizingNewlines(new String(golden.readAllBytes(), StandardCharsets.UTF_8).strip());
        }
    }
}
