package dev.powersweep.worker.gpu.cuda;

/** A card, its driver or a library of CUDA that is missing, does not fit, or failed; one sentence with the remedy. */
public final class CudaException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** What is wrong, as far as it changes what can be done next. */
    public enum Kind {
        /** No driver, card or library that fits: the same on the next try on this host. */
        UNSUPPORTED,
        OUT_OF_MEMORY,
        FAILED
    }

    private final Kind kind;

    CudaException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    CudaException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
