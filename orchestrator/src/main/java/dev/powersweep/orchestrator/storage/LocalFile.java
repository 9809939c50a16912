package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A small text file on the local disk, replaced in one step; no Hadoop class is loaded for it. */
public final class LocalFile {
    private LocalFile() {}

    public static void replace(Path file, String text) {
        Path absolute = file.toAbsolutePath();
        try {
            Files.createDirectories(absolute.getParent());
            // Not a temporary file in Java's sense, which nobody else might read.
            Path unfinished = absolute.resolveSibling(
                    "_" + absolute.getFileName() + "." + ProcessHandle.current().pid());
            try {
                Files.writeString(unfinished, text);
                Files.move(unfinished, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(unfinished);
            }
        } catch (IOException unwritable) {
            throw new UserError(
                    file + ": cannot be written (" + unwritable + "); choose another directory with --output",
                    unwritable);
        }
    }
}
