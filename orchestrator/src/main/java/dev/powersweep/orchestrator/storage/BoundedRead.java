package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.Path;

/** Reads files of a directory that others may write to. */
final class BoundedRead {
    private BoundedRead() {}

    /** @throws IOException when there are more than {@link Storage#MOST_BYTES} bytes */
    static byte[] all(InputStream in, Path file) throws IOException {
        byte[] content = in.readNBytes((int) Storage.MOST_BYTES + 1);
        if (content.length > Storage.MOST_BYTES) {
            throw new IOException(
                    file + " is larger than " + (Storage.MOST_BYTES >> 20) + " MiB, which no such file of a sweep is");
        }
        return content;
    }
}
