package dev.powersweep.worker.trainer;

/** A command line that the trainer does not understand; the message says which word and what is expected. */
final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }
}
