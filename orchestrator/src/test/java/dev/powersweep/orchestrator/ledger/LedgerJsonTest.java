package dev.powersweep.orchestrator.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Large segments are read by several processors: nothing of that may show. */
class LedgerJsonTest {
    private static final int EVENTS = 20_000;

    @Test
    void eventsOfALargeSegmentKeepTheirOrder() throws Exception {
        List<LedgerEvent> written = new ArrayList<>();
        for (int i = 0; i < EVENTS; i++) {
            written.add(new LedgerEvent.HostExcluded(Instant.ofEpochSecond(i), "host" + i, "reason " + i));
        }

        List<LedgerEvent> read = LedgerJson.events(bytes(lines(written)));

        assertThat(read).isEqualTo(written);
    }

    @Test
    void ofTwoDamagedLinesTheFirstIsTold() {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < EVENTS; i++) {
            lines.add(LedgerJson.line(new LedgerEvent.HostExcluded(Instant.ofEpochSecond(i), "host", "reason")));
        }
        lines.set(1_234, "{\"event\":\"first-damage\"}");
        lines.set(4_321, "{\"event\":\"second-damage\"}");

        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> LedgerJson.events(bytes(lines)))
                    .isInstanceOf(JsonProcessingException.class)
                    .hasMessageContaining("first-damage")
                    .hasMessageNotContainingAny("second-damage", "\n");
        }
    }

    /** Beyond these, milliseconds overflow and dates have more than four digits wherever times are shown. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "1969-12-31T23:59:59Z",
                "-1000000000-01-01T00:00:00Z",
                "9999-12-31T00:00:01Z",
                "+1000000000-12-31T23:59:59.999999999Z"
            })
    void timesThatNoSweepCanHaveAreRefused(String time) {
        String line = "{\"event\":\"host-excluded\",\"at\":\"" + time + "\",\"host\":\"h\",\"reason\":\"r\"}";

        assertThatThrownBy(() -> LedgerJson.events(bytes(List.of(line))))
                .isInstanceOf(JsonProcessingException.class)
                .hasMessageContaining("is not between 1970-01-01T00:00:00Z and 9999-12-31T00:00:00Z");
    }

    private static List<String> lines(List<LedgerEvent> events) {
        return events.stream().map(LedgerJson::line).toList();
    }

    private static byte[] bytes(List<String> lines) {
        return String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    }
}
