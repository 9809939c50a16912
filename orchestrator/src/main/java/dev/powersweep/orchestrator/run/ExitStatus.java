package dev.powersweep.orchestrator.run;

import dev.powersweep.worker.cell.FailureClass;

/** What the end of a trainer says that had no last word. A signal n shows as 128 + n. */
final class ExitStatus {
    private static final int SIGNALS = 128;
    private static final int ABORT = 6;
    private static final int KILL = 9;
    private static final int TERMINATE = 15;

    private ExitStatus() {}

    /** Whether somebody killed the process as hard as can be: the kernel's out-of-memory killer, or a person. */
    static boolean killed(int status) {
        return status == SIGNALS + KILL;
    }

    /**
     * SIGKILL is taken for the kernel's out-of-memory killer unless that had nothing to do; other signals are crashes of
     * native code.
     *
     * @param memorySufficed as {@link TrainerProcess#memorySufficed} says
     */
    static FailureClass classify(int status, boolean memorySufficed) {
        return switch (status - SIGNALS) {
            case KILL -> memorySufficed ? FailureClass.LOST_EXECUTOR : FailureClass.HOST_MEMORY;
            case TERMINATE -> FailureClass.LOST_EXECUTOR;
            default -> status > SIGNALS ? FailureClass.NATIVE_CRASH : FailureClass.BUG;
        };
    }

    static String text(int status) {
        return switch (status - SIGNALS) {
            case ABORT -> "SIGABRT";
            case KILL -> "SIGKILL (out of memory?)";
            case 7 -> "SIGBUS";
            case 11 -> "SIGSEGV";
            case 4 -> "SIGILL";
            case TERMINATE -> "SIGTERM";
            default -> "exit status " + status;
        };
    }
}
