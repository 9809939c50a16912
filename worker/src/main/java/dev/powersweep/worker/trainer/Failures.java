package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.checkpoint.CheckpointException;
import dev.powersweep.worker.data.ShardException;
import dev.powersweep.worker.gpu.cuda.CudaException;
import dev.powersweep.worker.train.ListenerException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;

/** Which class a failure is of. */
final class Failures {
    /**
     * What JavaCPP, ND4J and the C++ library say when they are out of memory; each has several exception types for it,
     * often a plain RuntimeException.
     */
    private static final List<String> OUT_OF_MEMORY = List.of(
            "physical memory usage is too high",
            "cannot allocate",
            "failed to allocate",
            "allocation failed",
            "out of memory",
            "bad_alloc",
            "unable to create native thread");

    /** The cell of a {@link Frame.Failed} that answers a line which is no assignment. */
    static final String UNKNOWN_CELL = "unknown";

    private Failures() {}

    static FailureClass classify(Throwable failure) {
        if (failure instanceof ListenerException) {
            return FailureClass.PROGRAM;
        }
        if (failure instanceof SharedFaultException) {
            // As a crash of the process would be, which is tried again.
            return FailureClass.NATIVE_CRASH;
        }
        if (failure instanceof CudaException cuda) {
            return switch (cuda.kind()) {
                case OUT_OF_MEMORY -> FailureClass.GPU_MEMORY;
                case UNSUPPORTED -> FailureClass.UNSUPPORTED_DEVICE;
                case FAILED -> FailureClass.BUG;
            };
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof OutOfMemoryError || soundsLikeMemory(cause)) {
                return FailureClass.HOST_MEMORY;
            }
        }
        if (failure instanceof ShardException shard) {
            return switch (shard.cause()) {
                case DAMAGED -> FailureClass.IO;
                case UNSUITABLE -> FailureClass.BAD_INPUT;
            };
        }
        if (failure instanceof CheckpointException checkpoint) {
            return switch (checkpoint.cause()) {
                case DAMAGED -> FailureClass.IO;
                case FOREIGN -> FailureClass.BAD_INPUT;
            };
        }
        if (failure instanceof PrecisionException) {
            return FailureClass.UNSUPPORTED_DEVICE;
        }
        if (failure instanceof BadInputException) {
            return FailureClass.BAD_INPUT;
        }
        if (failure instanceof IOException || failure instanceof UncheckedIOException) {
            return FailureClass.IO;
        }
        if (failure instanceof UnsatisfiedLinkError) {
            return FailureClass.UNSUPPORTED_DEVICE;
        }
        return FailureClass.BUG;
    }

    /** The answer to a line of standard input that is no assignment. */
    static Frame.Failed ofLine(IllegalArgumentException reason) {
        return new Frame.Failed(
                UNKNOWN_CELL, 0, FailureClass.BAD_INPUT, "The line is " + reason.getMessage() + ".", stack(reason), 0);
    }

    /** The message, or the type where there is none. */
    static String message(Throwable failure) {
        String message = failure.getMessage();
        return message == null || message.isBlank() ? failure.getClass().getName() : message;
    }

    static String stack(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text, true));
        return text.toString();
    }

    private static boolean soundsLikeMemory(Throwable failure) {
        String message = failure.getMessage();
        if (message == null || failure instanceof ShardException || failure instanceof CheckpointException) {
            return false;
        }
        String lower = message.toLowerCase(Locale.ROOT);
        return OUT_OF_MEMORY.stream().anyMatch(lower::contains);
    }
}
