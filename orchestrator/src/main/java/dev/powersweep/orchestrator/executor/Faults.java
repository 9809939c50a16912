package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.cellstore.CellStore;
import dev.powersweep.orchestrator.dispatch.Fault;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Exceptions as {@link Fault}s. */
public final class Faults {
    private static final int STACK = 4096;
    private static final List<String> NO_SPACE = List.of("No space left on device", "Disk quota exceeded");

    private Faults() {}

    /** @param own folders of this host */
    static Fault of(Throwable failure, Fault.Stage stage, List<Path> own) {
        Fault.Kind kind = kind(failure);
        String sentence = kind == Fault.Kind.FENCED ? failure.getMessage() : sentence(failure);
        return new Fault(stage, kind, sentence, stack(failure), localPath(failure, own));
    }

    private static Fault.Kind kind(Throwable failure) {
        if (failure instanceof CellStore.FencedException) {
            return Fault.Kind.FENCED;
        } else if (failure instanceof InterruptedException) {
            return Fault.Kind.KILLED;
        } else if (failure instanceof OutOfMemoryError) {
            return Fault.Kind.OUT_OF_MEMORY;
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage());
            if (NO_SPACE.stream().anyMatch(message::contains)) {
                return Fault.Kind.NO_SPACE;
            }
        }
        return failure instanceof IOException || failure instanceof UncheckedIOException
                ? Fault.Kind.IO
                : Fault.Kind.OTHER;
    }

    /** The file that a failure names, where it lies in one of the folders; one that is missing is no fault of theirs. */
    private static Optional<String> localPath(Throwable failure, List<Path> own) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof FileSystemException named
                    && !(cause instanceof NoSuchFileException)
                    && named.getFile() != null
                    && own.stream().anyMatch(folder -> Path.of(named.getFile()).startsWith(folder))) {
                return Optional.of(named.getFile());
            }
        }
        return Optional.empty();
    }

    /** Class and message, one line. */
    public static String sentence(Throwable failure) {
        String message = failure.getMessage();
        String type = failure.getClass().getSimpleName();
        return message == null || message.isBlank()
                ? type
                : type + ": " + message.lines().findFirst().orElse("");
    }

    /** The beginning of the stack trace. */
    public static String stack(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text, true));
        return text.getBuffer().substring(0, Math.min(text.getBuffer().length(), STACK));
    }
}
