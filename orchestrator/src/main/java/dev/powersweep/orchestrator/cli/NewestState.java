package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.cellstore.CellStore;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.executor.host.HostScratch;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;

/** A local copy of the newest state that is stored of a cell of ours. */
final class NewestState {
    private NewestState() {}

    /** @throws UserError when there is none, it cannot be read, or another program made it */
    static Path of(CellRecord record, SweepDirectory directory, Configuration configuration, HostScratch scratch) {
        String id = record.cell().id();
        if (record.cell().program().isPresent()) {
            throw new UserError(
                    record.name() + " was trained by a program of its own, which alone reads its states; they"
                            + " lie in " + directory.checkpoints(id));
        }
        try {
            return CellStore.newestState(directory.storage(configuration), directory, id, scratch.folder())
                    .orElseThrow(() -> new UserError("no state of " + record.name() + " is stored: it is "
                            + record.state() + ", and " + directory.checkpoints(id)
                            + " holds no whole checkpoint; one is written every run.checkpointSeconds and where a cell"
                            + " finishes"));
        } catch (IOException e) {
            throw new UserError("the states of " + record.name() + " cannot be read: " + e.getMessage(), e);
        }
    }
}
