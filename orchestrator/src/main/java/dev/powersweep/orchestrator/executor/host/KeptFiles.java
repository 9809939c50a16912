package dev.powersweep.orchestrator.executor.host;

import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.PrivateDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Files that spare work and can be made again at any time, kept on this host for this user alone: the newest few that
 * were used of late, within a bound of bytes.
 *
 * <p>Guarantees: a file that is found is whole and has the bytes that were kept under the name; it appears in one step.
 * Nothing here fails: where the place is full, another user's, or cannot be written, nothing is kept, and nothing found.
 */
public final class KeptFiles {
    /** Names are hashes of the reader's own making. */
    private static final String NAME = "[0-9a-z]{1,64}";

    private static final int MOST_FILES = 16;
    private static final long MOST_BYTES = 256L << 20;
    /** Longer than any command needs to write one. */
    private static final Duration ABANDONED = Duration.ofHours(1);

    private static final Logger LOG = LogManager.getLogger(KeptFiles.class);

    private final Path parent;
    private final String kind;
    private final Clock clock;

    /** Writes a file's content. */
    public interface Maker {
        /** @param unfinished where nothing lies yet */
        void writeTo(Path unfinished) throws IOException;
    }

    /** @param parent private directory of the user, made when something is kept */
    KeptFiles(Path parent, String kind, Clock clock) {
        this.parent = parent;
        this.kind = kind;
        this.clock = clock;
    }

    /** The file that was kept under a name, if it still is. */
    public Optional<Path> find(String name) {
        requireName(name);
        try {
            if (!Files.isDirectory(parent, LinkOption.NOFOLLOW_LINKS)) {
                return Optional.empty();
            }
            for (Path file : list(PrivateDirectory.require(parent).resolve(kind))) {
                if (!file.getFileName().toString().startsWith(name + "-")) {
                    continue;
                }
                if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                        && file.getFileName().toString().equals(named(name, file))) {
                    used(file);
                    return Optional.of(file);
                }
                // Cut short by a machine that went down, or changed since: to be made anew.
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.debug("nothing is found in {}", parent, e);
        }
        return Optional.empty();
    }

    /** Keeps a file under a name; where that does not work, nothing is kept. */
    public void keep(String name, Maker maker) {
        requireName(name);
        try {
            Path directory =
                    Files.createDirectories(PrivateDirectory.require(parent).resolve(kind));
            Path unfinished = directory.resolve("." + name + "." + UUID.randomUUID());
            try {
                maker.writeTo(unfinished);
                if (Files.size(unfinished) <= MOST_BYTES) {
                    used(unfinished);
                    Files.move(unfinished, directory.resolve(named(name, unfinished)), StandardCopyOption.ATOMIC_MOVE);
                }
            } finally {
                Files.deleteIfExists(unfinished);
            }
            removeOldest(directory);
        } catch (IOException | UncheckedIOException e) {
            LOG.debug("nothing is kept in {}", parent, e);
        }
    }

    /** The name tells the content, so that one file says all. */
    private static String named(String name, Path file) throws IOException {
        return name + "-" + HexFormat.of().toHexDigits((int) Digests.crc32c(file)) + "-" + Files.size(file);
    }

    private void used(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(clock.instant()));
    }

    private void removeOldest(Path directory) throws IOException {
        Instant abandoned = clock.instant().minus(ABANDONED);
        List<Path> kept = new ArrayList<>();
        for (Path file : list(directory)) {
            if (!file.getFileName().toString().startsWith(".")) {
                kept.add(file);
            } else if (Files.getLastModifiedTime(file).toInstant().isBefore(abandoned)) {
                Files.deleteIfExists(file);
            }
        }
        record Use(Path file, FileTime last, long bytes) {}
        List<Use> uses = new ArrayList<>();
        for (Path file : kept) {
            uses.add(new Use(file, Files.getLastModifiedTime(file), Files.size(file)));
        }
        uses.sort(Comparator.comparing(Use::last).reversed());
        Instant unused = clock.instant().minus(HostCache.UNUSED);
        long bytes = 0;
        for (int i = 0; i < uses.size(); i++) {
            bytes += uses.get(i).bytes();
            if (i >= MOST_FILES
                    || bytes > MOST_BYTES
                    || uses.get(i).last().toInstant().isBefore(unused)) {
                Files.deleteIfExists(uses.get(i).file());
            }
        }
    }

    private static List<Path> list(Path directory) throws IOException {
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    private static void requireName(String name) {
        if (!name.matches(NAME)) {
            throw new IllegalArgumentException("a kept file is named by a hash, not " + name);
        }
    }
}
