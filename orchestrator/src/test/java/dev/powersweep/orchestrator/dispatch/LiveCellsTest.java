package dev.powersweep.orchestrator.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class LiveCellsTest {
    private record Heard(String cell, int attempt, long step, long storedStep) implements LiveCells.Update {
        @Override
        public double tokensPerSecond() {
            return 0;
        }
    }

    private final LiveCells<Heard> cells = new LiveCells<>();

    @Test
    void onlyTheNewestOfAnAttemptThatRunsIsShown() {
        assertThat(cells.heard(new Heard("000000000000000a", 1, 1, 0))).isFalse();
        begin(1);
        assertThat(cells.heard(new Heard("000000000000000a", 1, 5, 4))).isTrue();
        assertThat(cells.heard(new Heard("000000000000000a", 1, 3, 0)))
                .as("overtaken")
                .isFalse();
        assertThat(cells.newest()).extracting(Heard::step).containsExactly(5L);
        cells.apply(
                new LedgerEvent.Ended(Instant.EPOCH, AttemptReport.lost("000000000000000a", 1, "gone", Instant.EPOCH)));
        assertThat(cells.heard(new Heard("000000000000000a", 1, 6, 4)))
                .as("after its end")
                .isFalse();
        assertThat(cells.newest()).isEmpty();
        begin(2);
        assertThat(cells.heard(new Heard("000000000000000a", 1, 7, 4)))
                .as("of the attempt before")
                .isFalse();
        assertThat(cells.heard(new Heard("000000000000000a", 2, 4, 4))).isTrue();
        assertThat(cells.newest("000000000000000a").orElseThrow().attempt()).isEqualTo(2);
    }

    private void begin(int attempt) {
        cells.apply(new LedgerEvent.Running(Instant.EPOCH, "000000000000000a", attempt, 0));
    }
}
