package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Which local file lies under a name, and when it was last changed. The time of change is the system's own: programs that
 * set a file's time of modification back cannot set it.
 *
 * <p>Guarantees: a file that was written to, replaced, or whose rights were changed has another stamp, unless that
 * happened within the same tick of the file system's clock; see {@link #changed}.
 *
 * @param identity device, inode, mode, size and times; equal for a file that nobody has touched
 * @param changed by the clock of the file system, when content, name count or rights last changed
 */
public record FileStamp(String identity, Instant changed) {
    private static final String ATTRIBUTES = "unix:dev,ino,mode,size,lastModifiedTime,ctime";

    /**
     * The stamp of the file itself: links are not followed.
     *
     * @return empty where the file system does not tell when a file was changed
     */
    public static Optional<FileStamp> of(Path file) throws IOException {
        try {
            Map<String, Object> found =
                    new TreeMap<>(Files.readAttributes(file, ATTRIBUTES, LinkOption.NOFOLLOW_LINKS));
            return Optional.of(new FileStamp(found.toString(), ((FileTime) found.get("ctime")).toInstant()));
        } catch (UnsupportedOperationException e) {
            return Optional.empty();
        }
    }
}
