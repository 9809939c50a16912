package dev.powersweep.orchestrator.dispatch;

/**
 * The end of a trainer process that had no last word.
 *
 * @param status exit status; 128 plus the number of the signal for a killed process, -1 where it is not known
 * @param killedByUs whether its own executor killed it
 * @param memorySufficed whether the system says that it has killed nothing for want of memory meanwhile
 * @param words last words of its standard error
 */
public record TrainerExit(int status, boolean killedByUs, boolean memorySufficed, String words) {
    private static final int SIGNALS = 128;
    private static final int ILLEGAL = 4;
    private static final int ABORT = 6;
    private static final int BUS = 7;
    private static final int KILL = 9;
    private static final int SEGMENT = 11;
    private static final int TERMINATE = 15;

    boolean signalled() {
        return status > SIGNALS;
    }

    /** SIGKILL: the kernel's out-of-memory killer, or a person. */
    boolean killed() {
        return status == SIGNALS + KILL;
    }

    boolean terminated() {
        return status == SIGNALS + TERMINATE;
    }

    /** Whether a JVM says that it ran out of memory. */
    boolean saysOutOfMemory() {
        return words.contains("insufficient memory") || words.contains("java.lang.OutOfMemoryError");
    }

    /** The status in words. */
    public String text() {
        return switch (status - SIGNALS) {
            case ABORT -> "SIGABRT";
            case KILL -> "SIGKILL (out of memory?)";
            case BUS -> "SIGBUS";
            case SEGMENT -> "SIGSEGV";
            case ILLEGAL -> "SIGILL";
            case TERMINATE -> "SIGTERM";
            default -> "exit status " + status;
        };
    }
}
