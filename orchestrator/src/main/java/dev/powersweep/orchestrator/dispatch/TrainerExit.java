package dev.powersweep.orchestrator.dispatch;

import java.util.regex.Pattern;

/**
 * The end of a trainer process that wrote no outcome.
 *
 * @param status exit status; 128 plus the number of the signal for a killed process, -1 where it is not known
 * @param killedByUs whether its own executor killed it
 * @param memorySufficed whether the system says that it has killed nothing for want of memory meanwhile
 * @param words last words of its standard error, and for a program that is not ours of its standard output, too
 * @param kind whose program it was
 */
public record TrainerExit(int status, boolean killedByUs, boolean memorySufficed, String words, Kind kind) {

    /** Whose exit statuses mean what. */
    public enum Kind {
        /** PowerSweep's: a status without an outcome is a bug of ours. */
        OWN,
        /** Anybody's: 1 failed, 3 unsupported device, 75 try again, 143 interrupted. */
        PROGRAM
    }

    /** Exit status by which a program asks to be tried again; EX_TEMPFAIL of sysexits.h. */
    static final int TRY_AGAIN = 75;

    private static final Pattern PYTHON_MEMORY =
            Pattern.compile("^(MemoryError|(numpy\\.\\w+\\.)*_?ArrayMemoryError|std::bad_alloc)", Pattern.MULTILINE);
    private static final int SIGNALS = 128;
    private static final int ILLEGAL = 4;
    private static final int ABORT = 6;
    private static final int BUS = 7;
    private static final int KILL = 9;
    private static final int SEGMENT = 11;
    private static final int TERMINATE = 15;

    /** Of PowerSweep's own trainer. */
    public TrainerExit(int status, boolean killedByUs, boolean memorySufficed, String words) {
        this(status, killedByUs, memorySufficed, words, Kind.OWN);
    }

    boolean ofProgram() {
        return kind == Kind.PROGRAM;
    }

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

    /** Whether a JVM, or Python, says that it ran out of memory. */
    boolean saysOutOfMemory() {
        return words.contains("insufficient memory")
                || words.contains("java.lang.OutOfMemoryError")
                || (ofProgram() && PYTHON_MEMORY.matcher(words).find());
    }

    /** Whether PyTorch, JAX or CUDA says that a GPU ran out of memory. */
    boolean saysOutOfGpuMemory() {
        return ofProgram()
                && (words.contains("CUDA out of memory")
                        || words.contains("torch.OutOfMemoryError")
                        || words.contains("torch.cuda.OutOfMemoryError")
                        || words.contains("CUDA_ERROR_OUT_OF_MEMORY")
                        || (words.contains("RESOURCE_EXHAUSTED") && words.contains("Out of memory")));
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
