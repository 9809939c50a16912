package dev.powersweep.orchestrator.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LiveProcessTest {
    private static final ProcessHandle SELF = ProcessHandle.current();

    @Test
    void thisProcessRuns() {
        assertThat(LiveProcess.of(SELF.pid(), SELF.info().startInstant())).contains(SELF);
        assertThat(LiveProcess.of(SELF.pid(), Optional.empty())).contains(SELF);
    }

    @Test
    void anotherProcessOfTheSameNumberIsNotIt() {
        assertThat(LiveProcess.of(SELF.pid(), Optional.of(Instant.EPOCH))).isEmpty();
    }

    /** Its parent never asks how it ended, as the first process of many containers. */
    @Test
    void aProcessThatHasEndedIsNotAliveThoughNobodyAskedHow() throws Exception {
        assumeThat(Path.of("/proc/self/stat")).exists();
        Process parent = new ProcessBuilder("sh", "-c", "sleep 0.01 & echo $!; exec sleep 60").start();
        try {
            long child = Long.parseLong(parent.inputReader().readLine());
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (LiveProcess.of(child, Optional.empty()).isPresent() && System.nanoTime() < end) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
            assertThat(ProcessHandle.of(child)).isPresent();
            assertThat(LiveProcess.of(child, Optional.empty())).isEmpty();
        } finally {
            parent.destroyForcibly();
        }
    }
}
