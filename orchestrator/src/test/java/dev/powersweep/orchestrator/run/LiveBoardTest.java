package dev.powersweep.orchestrator.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.junit.jupiter.api.Test;

class LiveBoardTest {
    private final LiveBoard board = new LiveBoard();

    @Test
    void anUpdateCrossesFromAnExecutorToTheDriver() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(update(1, 12));
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(update(1, 12));
        }
    }

    @Test
    void whatAnAttemptSaidThatHasEndedIsNotShownWhenItComesLate() {
        board.onOtherEvent(update(1, 10));
        assertThat(board.running()).containsExactly(update(1, 10));
        board.ended("cell", 1);
        board.onOtherEvent(update(1, 11));
        assertThat(board.running()).isEmpty();
        board.onOtherEvent(update(2, 5));
        board.onOtherEvent(update(1, 12));
        assertThat(board.running()).containsExactly(update(2, 5));
        board.ended("cell", 1);
        assertThat(board.running()).containsExactly(update(2, 5));
    }

    private static LiveUpdate update(int attempt, long step) {
        return new LiveUpdate("cell", "n1-s0", attempt, step, 20, 3.5, 1e4, 0, "host", "1");
    }
}
