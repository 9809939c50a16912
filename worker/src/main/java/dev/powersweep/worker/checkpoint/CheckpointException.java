package dev.powersweep.worker.checkpoint;

/** A checkpoint that cannot be used or written; the message is one sentence with the file and the remedy. */
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Whether the file or the request is at fault. */
    public enum Cause {
        /** Missing, truncated, corrupt, or the disk refused it. */
        DAMAGED,
        /** Sound, and of another cell, model or version. */
        FOREIGN
    }

    private final Cause cause;

    private CheckpointException(Cause cause, String message, Throwable reason) {
        super(message, reason);
        this.cause = cause;
    }

    static CheckpointException damaged(String message) {
        return new CheckpointException(Cause.DAMAGED, message, null);
    }

    static CheckpointException damaged(String message, Throwable reason) {
        return new CheckpointException(Cause.DAMAGED, message, reason);
    }

    static CheckpointException foreign(String message) {
        return new CheckpointException(Cause.FOREIGN, message, null);
    }

    public Cause cause() {
        return cause;
    }
}
