package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where local paths may lead. Whoever may write to a sweep's directory could put a symbolic link in place of any of its
 * folders, and what is read, written or deleted below it would lie where the link leads: among the files of whoever runs
 * the sweep. So no link below the directory is followed; the directory itself may be one.
 *
 * <p>Does not cover: a folder that is exchanged for a link between the look and what follows it.
 */
final class LocalTree {
    private final Optional<Path> root;

    private LocalTree(Optional<Path> root) {
        this.root = root;
    }

    /** A user's own files, whose links he has made himself. */
    static LocalTree everywhere() {
        return new LocalTree(Optional.empty());
    }

    /** A sweep's directory. */
    static LocalTree below(Path root) {
        return new LocalTree(Optional.of(root.toAbsolutePath().normalize()));
    }

    /** How a file itself is opened. */
    LinkOption[] links() {
        return root.isPresent() ? new LinkOption[] {LinkOption.NOFOLLOW_LINKS} : new LinkOption[0];
    }

    /**
     * The path, if no link is on its way or at its end.
     *
     * @throws IOException naming the link
     */
    Path whole(Path path) throws IOException {
        return checked(path, true);
    }

    /** The path, if no link is on its way; it may be one itself, as where a link is deleted. */
    Path way(Path path) throws IOException {
        return checked(path, false);
    }

    private Path checked(Path path, boolean end) throws IOException {
        if (root.isEmpty()) {
            return path;
        }
        Path absolute = path.toAbsolutePath().normalize();
        if (!absolute.startsWith(root.get())) {
            return path;
        }
        Path reached = root.get();
        for (Path part : root.get().relativize(absolute)) {
            reached = reached.resolve(part);
            boolean last = reached.equals(absolute);
            if ((end || !last) && !reached.equals(root.get()) && Files.isSymbolicLink(reached)) {
                throw new IOException(reached + " is a symbolic link to " + Files.readSymbolicLink(reached)
                        + ": none is followed below a sweep's directory, because whoever may write there could lead it"
                        + " anywhere; put what it leads to in its place, or move the whole directory");
            }
        }
        return path;
    }
}
