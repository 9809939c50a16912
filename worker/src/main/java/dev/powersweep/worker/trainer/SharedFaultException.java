package dev.powersweep.worker.trainer;

/** Work for several cells of a card failed: which of them it is due to, if to any, cannot be told. */
final class SharedFaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SharedFaultException(Throwable reason) {
        super("work for several cells of one GPU failed: " + Failures.message(reason), reason);
    }
}
