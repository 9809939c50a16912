package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.worker.shard.ShardManifest;
import org.apache.hadoop.fs.Path;

/**
 * A tokenised corpus in a sweep's directory.
 *
 * @param directory holds {@code shard.json} and the token files it names
 */
public record PreparedCorpus(ShardManifest manifest, Path directory) {

    public CorpusFacts facts() {
        return CorpusFacts.of(manifest);
    }
}
