package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.apache.parquet.io.DelegatingSeekableInputStream;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.SeekableInputStream;

/** A local file for readers of Parquet, opened as {@link RegularFile} does. */
final class RegularInputFile implements InputFile {
    private final Path file;
    private final LinkOption[] links;

    RegularInputFile(Path file, LinkOption... links) {
        this.file = file;
        this.links = links;
    }

    @Override
    public long getLength() throws IOException {
        return Files.size(file);
    }

    @Override
    public SeekableInputStream newStream() throws IOException {
        FileChannel channel = RegularFile.open(file, links);
        return new DelegatingSeekableInputStream(Channels.newInputStream(channel)) {
            @Override
            public long getPos() throws IOException {
                return channel.position();
            }

            @Override
            public void seek(long position) throws IOException {
                channel.position(position);
            }
        };
    }

    /** Readers name the file in what they complain of. */
    @Override
    public String toString() {
        return file.toString();
    }
}
