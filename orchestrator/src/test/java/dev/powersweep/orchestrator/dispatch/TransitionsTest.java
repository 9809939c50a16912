package dev.powersweep.orchestrator.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.CellState;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class TransitionsTest {
    @Test
    void theseAndNoOthersAreAllowed() {
        Set<String> allowed = new TreeSet<>();
        for (CellState from : CellState.values()) {
            for (CellState to : CellState.values()) {
                if (Transitions.allowed(from, to)) {
                    allowed.add(from + " " + to);
                }
            }
        }
        assertThat(allowed)
                .containsExactlyInAnyOrder(
                        "PLANNED RUNNING",
                        "RUNNING FINISHED",
                        "RUNNING DIVERGED",
                        "RUNNING FAILED",
                        "RUNNING INTERRUPTED",
                        "INTERRUPTED RUNNING",
                        "INTERRUPTED FAILED",
                        "INTERRUPTED PLANNED",
                        "FINISHED PLANNED",
                        "DIVERGED PLANNED",
                        "FAILED PLANNED");
    }
}
