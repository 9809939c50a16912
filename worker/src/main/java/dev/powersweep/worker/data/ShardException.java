package dev.powersweep.worker.data;

/** A shard that cannot serve a cell; the message is one sentence with the place, the value and the remedy. */
public final class ShardException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Whether another copy of the same shard, or another cell, is what helps. */
    public enum Cause {
        /** The files are missing, truncated or changed. */
        DAMAGED,
        /** The files are sound and do not fit the cell. */
        UNSUITABLE
    }

    private final Cause cause;

    private ShardException(Cause cause, String message, Throwable reason) {
        super(message, reason);
        this.cause = cause;
    }

    static ShardException damaged(String message) {
        return new ShardException(Cause.DAMAGED, message, null);
    }

    static ShardException damaged(String message, Throwable reason) {
        return new ShardException(Cause.DAMAGED, message, reason);
    }

    static ShardException unsuitable(String message) {
        return new ShardException(Cause.UNSUITABLE, message, null);
    }

    public Cause cause() {
        return cause;
    }
}
