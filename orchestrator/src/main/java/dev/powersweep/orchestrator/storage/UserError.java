package dev.powersweep.orchestrator.storage;

import java.io.Serial;

/**
 * A fault that the user can correct: one sentence that names the place, the value and the remedy. The command line prints the
 * message alone and ends with a non-zero code.
 */
public final class UserError extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    public UserError(String message) {
        super(message);
    }

    public UserError(String message, Throwable cause) {
        super(message, cause);
    }
}
