package dev.powersweep.worker.train;

/** A user's listener failed; the message names its class and says what it threw. */
public final class ListenerException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public ListenerException(String message, Throwable reason) {
        super(message, reason);
    }
}
