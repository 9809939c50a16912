package dev.powersweep.worker.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.worker.bench.gpu.GpuMeasurement;
import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The measurement of cards, rehearsed on the emulated device: a borrowed card is no place to find its faults. */
class GpuMeasurementTest {

    private static final String SIZE = "1,16,2,8,4,37";

    private static List<JsonNode> rows(String... args) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (EmulatedDevice device = new EmulatedDevice(Threads.FORWARDS)) {
            GpuMeasurement.run(device, new PrintStream(out, true, StandardCharsets.UTF_8), args);
        }
        List<JsonNode> rows = new ArrayList<>();
        for (String line : out.toString(StandardCharsets.UTF_8).lines().toList()) {
            rows.add(new ObjectMapper().readTree(line));
        }
        assertThat(rows).noneMatch(row -> row.has("failed"));
        return rows;
    }

    @Test
    void tokensPerSecondOfEachPrecisionAndNumberOfCells() throws Exception {
        List<JsonNode> rows = rows("throughput", "0", "1,2", "float32,bfloat16", SIZE);
        assertThat(rows).hasSize(4).allMatch(row -> row.get("tokensPerSecond").doubleValue() > 0);
    }

    @Test
    void bitsDoNotDependOnNeighboursOrInterruptions() throws Exception {
        List<JsonNode> rows = rows("bits", "3", SIZE);
        assertThat(rows).hasSize(6);
        for (JsonNode row : rows) {
            assertThat(row.path("resumedEqual").asBoolean(true)).isTrue();
            assertThat(row.path("stateEqual").asBoolean(true)).isTrue();
            assertThat(row.path("recordsEqual").asBoolean(true)).isTrue();
        }
    }

    @Test
    void aProfileNamesEveryOperationOfAStep() throws Exception {
        JsonNode row = rows("profile", "2", "bfloat16", "1,32,2,6,2,37").get(0);
        assertThat(row.get("operations").intValue()).isGreaterThan(30);
        assertThat(row.get("shares").has("flashForward_16")).isTrue();
        assertThat(row.get("shares").has("adamw")).isTrue();
    }
}
