package dev.powersweep.orchestrator.corpus;

import java.io.Serializable;

/** Where a block is stored: its set, and its hash as an unsigned number. */
record BlockKey(int set, long order, long tie) implements Serializable, Comparable<BlockKey> {
    @Override
    public int compareTo(BlockKey other) {
        int bySet = Integer.compare(set, other.set);
        int byOrder = bySet != 0 ? bySet : Long.compareUnsigned(order, other.order);
        return byOrder != 0 ? byOrder : Long.compareUnsigned(tie, other.tie);
    }
}
