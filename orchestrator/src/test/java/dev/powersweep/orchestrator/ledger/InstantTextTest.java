package dev.powersweep.orchestrator.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InstantTextTest {

    @Test
    void whatAnInstantWritesIsReadAsItself() {
        SplittableRandom random = new SplittableRandom(Long.getLong("test.seed", 1));
        long last = Instant.parse("9999-12-31T23:59:59Z").getEpochSecond();
        for (int i = 0; i < 20_000; i++) {
            int[] units = {1, 1000, 1_000_000, 1_000_000_000};
            int unit = units[random.nextInt(4)];
            Instant instant = Instant.ofEpochSecond(
                    random.nextLong(-last, last), random.nextInt(1_000_000_000 / unit) * (long) unit);
            assertThat(InstantText.read(instant.toString())).isEqualTo(instant);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2024-02-29T00:00:00Z",
                "2024-02-28T24:00:00Z",
                "2016-12-31T23:59:60Z",
                "+10000-01-01T00:00:00Z",
                "-0001-01-01T00:00:00.5Z",
                "0000-01-01T00:00:00.000000001Z",
                "2024-02-29T12:00:00+02:00",
                "2024-02-29t12:00:00z",
                "2024-02-29T12:00:00.1234Z",
                "2024-01-01T00:00:00.Z"
            })
    void otherFormsAreReadAsTheJdkReadsThem(String text) {
        assertThat(InstantText.read(text)).isEqualTo(Instant.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Z",
                "2024-02-30T00:00:00Z",
                "2024-13-01T00:00:00Z",
                "2024-01-01T25:00:00Z",
                "2024-01-01T00:60:00Z",
                "2024-01-01T00:00:00.1234567890Z",
                "2024-01-01T00:00:00",
                "2024-01-01 00:00:00Z",
                "2024-01-01T00:00:0Z",
                "2024/01/01T00:00:00Z",
                "２０２４-01-01T00:00:00Z",
                "2024-01-01T00:00:00.-1Z"
            })
    void whatIsNoInstantIsRefused(String text) {
        assertThatThrownBy(() -> InstantText.read(text)).isInstanceOf(DateTimeException.class);
    }

    /** What reads them counts milliseconds, takes differences and writes years of four digits. */
    @Test
    void aLedgersTimesLieBetween1970And9999() {
        for (String time : new String[] {
            "1969-12-31T23:59:59Z",
            "-1000000000-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "+1000000000-12-31T23:59:59Z"
        }) {
            assertThatThrownBy(() -> LedgerJson.read("\"" + time + "\"", Instant.class))
                    .as(time)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is not between 1970-01-01T00:00:00Z and 9999-12-31T00:00:00Z");
        }
    }
}
