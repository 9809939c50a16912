package dev.powersweep.worker.cell;

/** Why an attempt failed; the retry policy of each class stands in one place, the orchestrator's failure policy. */
public enum FailureClass {
    /** The executor, worker or driver went away, or the task was preempted. */
    LOST_EXECUTOR,
    HOST_MEMORY,
    GPU_MEMORY,
    /** The trainer process died of a signal or abort. */
    NATIVE_CRASH,
    TIMEOUT,
    /** Storage, corpus or checkpoint could not be read or written. */
    IO,
    /** The device cannot run the trainer's kernels. */
    UNSUPPORTED_DEVICE,
    /** The cell itself cannot be trained as asked: shapes, shard, vocabulary. */
    BAD_INPUT,
    BAD_NODE,
    /** A program that is not ours failed by its own word, by its exit status, or by what it reported; or a listener did. */
    PROGRAM,
    /** An unexpected exception: a bug of PowerSweep. */
    BUG
}
