package dev.powersweep.orchestrator.program;

import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.shard.ShardManifest;
import java.util.List;
import java.util.Optional;

/**
 * All that a program is told when it is started.
 *
 * @param name of the cell, for people
 * @param assignmentFile that holds the assignment as JSON
 * @param frames file that the program adds its lines to
 * @param resumeStep steps that the checkpoint to go on from has done; 0 without one
 * @param shard what the shard's directory holds; empty where the program brings its own data
 * @param memoryBytes that it may take; 0 for no bound
 * @param gpus addresses of its GPUs
 */
public record Handover(
        Assignment assignment,
        String name,
        String assignmentFile,
        String frames,
        long resumeStep,
        Optional<ShardManifest> shard,
        int threads,
        long memoryBytes,
        List<String> gpus) {
    public Handover {
        gpus = List.copyOf(gpus);
    }
}
