package dev.powersweep.orchestrator.executor.host;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/** Whether what lies in a folder may be run: native libraries are unpacked, and a file system may be mounted noexec. */
public final class RunnableFolder {
    private static final Set<PosixFilePermission> OWNER = PosixFilePermissions.fromString("rwx------");

    /** Of execve, by which a Java exception is known. */
    private static final String PERMISSION_DENIED = "error=13";

    private RunnableFolder() {}

    /** Why nothing in it can be run, with the remedy; empty where it can, or where that cannot be told. */
    public static Optional<String> trouble(Path folder) {
        try {
            Path probe = Files.createTempFile(
                    Files.createDirectories(folder), ".probe", "", PosixFilePermissions.asFileAttribute(OWNER));
            try {
                Files.writeString(probe, "#!/bin/sh\nexit 0\n");
                new ProcessBuilder(probe.toString()).start().waitFor();
            } finally {
                Files.deleteIfExists(probe);
            }
        } catch (IOException e) {
            return judge(folder, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (UnsupportedOperationException noPosix) {
            return Optional.empty();
        }
        return Optional.empty();
    }

    /**
     * Refuses a temporary directory of this JVM in which nothing can be run: tables are packed by a native library.
     *
     * @throws UserError with the remedy
     */
    public static void requireTemporary() {
        trouble(temporary()).ifPresent(why -> {
            throw new UserError(why);
        });
    }

    /** The reason of a failed link, where it is the temporary directory's; empty for any other failure. */
    public static Optional<String> unlinked(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof LinkageError) {
                return trouble(temporary());
            }
        }
        return Optional.empty();
    }

    private static Path temporary() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    /** What it means that a program there could not be started. */
    static Optional<String> judge(Path folder, IOException failure) {
        return String.valueOf(failure.getMessage()).contains(PERMISSION_DENIED)
                ? Optional.of(
                        "nothing in " + folder + " can be run, as on a file system that is mounted noexec, and native"
                                + " libraries are unpacked there; mount it with exec, or name another folder with"
                                + " JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=DIR")
                : Optional.empty();
    }
}
