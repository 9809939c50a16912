package dev.powersweep.orchestrator.corpus;

import java.util.Objects;
import org.apache.spark.Partitioner;

/** Equal ranges of the hash for every set; hashes are uniform, so nothing needs to be sampled. */
final class BlockPartitioner extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final int sets;
    private final int rangesPerSet;

    BlockPartitioner(int sets, int rangesPerSet) {
        this.sets = sets;
        this.rangesPerSet = rangesPerSet;
    }

    @Override
    public int numPartitions() {
        return sets * rangesPerSet;
    }

    @Override
    public int getPartition(Object key) {
        BlockKey block = (BlockKey) key;
        int range = (int) (((block.order() >>> 32) * rangesPerSet) >>> 32);
        return block.set() * rangesPerSet + range;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof BlockPartitioner that && sets == that.sets && rangesPerSet == that.rangesPerSet;
    }

    @Override
    public int hashCode() {
        return Objects.hash(sets, rangesPerSet);
    }
}
