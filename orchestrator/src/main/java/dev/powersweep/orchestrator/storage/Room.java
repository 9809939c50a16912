package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;

/** Room on a local disk. A file of a sweep's directory can say that it has any length, and cost its writer nothing. */
final class Room {
    /** Left to others of the host, or a twentieth of a small disk. */
    private static final long LEFT = 1L << 30;

    private Room() {}

    /** @throws IOException when a copy would fill the disk of {@code target} */
    static void require(org.apache.hadoop.fs.Path file, long bytes, Path target) throws IOException {
        FileStore disk = Files.getFileStore(target.toAbsolutePath().getParent());
        long room = disk.getUsableSpace() - Math.min(LEFT, disk.getTotalSpace() / 20);
        if (bytes > Math.max(0, room)) {
            throw new IOException(file + " has " + bytes + " bytes, and for copies of it there are " + Math.max(0, room)
                    + " bytes where " + target + " would be: make room there");
        }
    }
}
