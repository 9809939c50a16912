package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Starts a trainer on this machine as a supervisor would, and ends it again. */
public final class TrainerProbe {
    private TrainerProbe() {}

    /**
     * What a trainer of the application's jar says of itself.
     *
     * @throws IOException when none comes up; the message says why
     */
    public static Frame.Ready ready() throws IOException, InterruptedException {
        ExecutorHost host = ExecutorHost.get();
        try {
            TrainerKey key = CellSupervisor.key(
                    RunPolicy.DEFAULT, 0, CellTask.trainerJar(Optional.empty(), host.cache()), host.cache(), List.of());
            return host.pool().take(key, Stopping.NEVER).ready();
        } finally {
            ExecutorHost.shutDown();
        }
    }
}
