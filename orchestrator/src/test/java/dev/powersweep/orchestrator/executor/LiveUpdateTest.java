package dev.powersweep.orchestrator.executor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.junit.jupiter.api.Test;

class LiveUpdateTest {
    @Test
    void anUpdateCrossesFromAnExecutorToTheDriver() throws Exception {
        LiveUpdate update = new LiveUpdate("cell", "n1-s0", 1, 12, 20, 12_288, 3.5, 1e4, 0, "host", "1");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(update);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(update);
        }
    }
}
