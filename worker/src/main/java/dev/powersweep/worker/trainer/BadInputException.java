package dev.powersweep.worker.trainer;

/** A cell that cannot be trained as asked; the message is one sentence with the value and the remedy. */
final class BadInputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BadInputException(String message, Throwable reason) {
        super(message, reason);
    }
}
