package dev.powersweep.orchestrator.doctor;

import dev.powersweep.orchestrator.executor.TrainerProbe;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;

/** Starts a trainer as a supervisor would and reads what it says of itself. */
final class TrainerCheck {
    private TrainerCheck() {}

    static Finding run() {
        try {
            Frame.Ready ready = TrainerProbe.ready();
            return Finding.good(
                    "trainer", ready.backend() + " backend, " + ready.kernels() + " kernels, " + ready.device());
        } catch (IOException e) {
            return Finding.broken("trainer", e.getMessage(), "powersweep status and the trainer's log say more");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Finding.broken("trainer", "interrupted", "run powersweep doctor again");
        }
    }
}
