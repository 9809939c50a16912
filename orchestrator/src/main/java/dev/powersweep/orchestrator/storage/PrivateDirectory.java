package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Comparator;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Directories below a place where everybody may write, such as {@code /tmp}, that this process's user alone may enter.
 * A name there can be guessed: whoever takes it first would choose what this user reads and runs.
 */
public final class PrivateDirectory {
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    private PrivateDirectory() {}

    /**
     * Makes the directory with mode 0700, or takes the one that this user made before. One that others could write to is
     * replaced by an empty one; one that they could read is closed to them.
     *
     * @return {@code path}
     * @throws IOException when the name belongs to another user or is no directory (a symbolic link is none), or when it
     *     cannot be made
     */
    public static Path require(Path path) throws IOException {
        Path absolute = path.toAbsolutePath();
        if (!absolute.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            return Files.createDirectories(path);
        }
        Files.createDirectories(absolute.getParent());
        if (made(absolute)) {
            return path;
        }
        PosixFileAttributes found =
                Files.readAttributes(absolute, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!found.isDirectory()) {
            throw new IOException(absolute + " is no directory; remove it");
        }
        UserPrincipal user = user();
        if (!found.owner().equals(user)) {
            throw new IOException(absolute + " belongs to " + found.owner().getName() + " and not to " + user.getName()
                    + ", who runs this process, so that nothing in it can be trusted; have it removed, or set"
                    + " -Djava.io.tmpdir to another directory");
        }
        if (found.permissions().contains(PosixFilePermission.GROUP_WRITE)
                || found.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
            Path away = absolute.resolveSibling(absolute.getFileName() + "." + UUID.randomUUID());
            Files.move(absolute, away, StandardCopyOption.ATOMIC_MOVE);
            delete(away);
            return require(path);
        }
        if (!found.permissions().equals(OWNER_ONLY)) {
            Files.setPosixFilePermissions(absolute, OWNER_ONLY);
        }
        return path;
    }

    private static boolean made(Path path) throws IOException {
        try {
            Files.createDirectory(path, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    /** Who owns what this process makes. By a file, because a container's user may have no name to look up. */
    private static UserPrincipal user() throws IOException {
        Path file = Files.createTempFile("powersweep-owner", "");
        try {
            return Files.getOwner(file, LinkOption.NOFOLLOW_LINKS);
        } finally {
            Files.delete(file);
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> walk = Files.walk(directory)) {
            for (Path each : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
