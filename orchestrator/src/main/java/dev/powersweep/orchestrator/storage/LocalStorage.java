package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.OutputFile;

/**
 * The local file system by java.nio. Hadoop's own implementation keeps a checksum file beside each file, and therefore
 * can neither replace a file nor refuse an existing name in one step.
 */
final class LocalStorage implements Storage {
    private final LocalTree tree;

    LocalStorage(LocalTree tree) {
        this.tree = tree;
    }

    @Override
    public List<Entry> list(Path directory) throws IOException {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<java.nio.file.Path> children = Files.newDirectoryStream(tree.whole(local(directory)))) {
            for (java.nio.file.Path child : children) {
                try {
                    if (!Storage.unfinished(child.getFileName().toString())) {
                        tree.whole(child);
                    }
                    BasicFileAttributes attributes =
                            Files.readAttributes(child, BasicFileAttributes.class, tree.links());
                    entries.add(new Entry(
                            new Path(directory, child.getFileName().toString()),
                            attributes.size(),
                            attributes.lastModifiedTime().toMillis(),
                            attributes.isDirectory() ? Kind.DIRECTORY : Kind.FILE));
                } catch (NoSuchFileException e) {
                    // Renamed or deleted by another writer since the listing began.
                    continue;
                }
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        }
        return entries;
    }

    @Override
    public boolean exists(Path path) throws IOException {
        return Files.exists(tree.whole(local(path)));
    }

    @Override
    public byte[] read(Path file) throws IOException {
        try (InputStream in = open(file)) {
            return BoundedRead.all(in, file);
        }
    }

    @Override
    public InputStream open(Path file) throws IOException {
        return Channels.newInputStream(channel(file));
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        java.nio.file.Path target = tree.whole(local(file));
        Files.createDirectories(target.getParent());
        try (FileChannel channel = FileChannel.open(
                target, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer buffer = ByteBuffer.wrap(content);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            channel.force(false);
        }
    }

    @Override
    public void publishNew(Path unfinished, Path file) throws IOException {
        java.nio.file.Path source = tree.whole(local(unfinished));
        java.nio.file.Path target = tree.way(local(file));
        try {
            // link(2) refuses an existing name in the same step; rename(2) would replace it.
            Files.createLink(target, source);
        } catch (UnsupportedOperationException e) {
            Files.move(source, target);
            return;
        }
        Files.delete(source);
    }

    @Override
    public void publishOver(Path unfinished, Path file) throws IOException {
        Files.move(tree.whole(local(unfinished)), tree.way(local(file)), StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(Path path) throws IOException {
        java.nio.file.Path root = tree.way(local(path));
        if (!Files.isDirectory(root, LinkOption.NOFOLLOW_LINKS)) {
            Files.deleteIfExists(root);
            return;
        }
        List<java.nio.file.Path> all;
        try (Stream<java.nio.file.Path> walk = Files.walk(root)) {
            all = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (java.nio.file.Path each : all) {
            Files.deleteIfExists(each);
        }
    }

    @Override
    public void makeDirectory(Path directory) throws IOException {
        try {
            Files.createDirectories(tree.whole(local(directory)));
        } catch (FileAlreadyExistsException e) {
            throw new NotDirectoryException(e.getFile());
        }
    }

    @Override
    public void upload(java.nio.file.Path source, Path file) throws IOException {
        java.nio.file.Path target = tree.way(local(file));
        Files.createDirectories(target.getParent());
        Files.copy(source, target, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel channel = FileChannel.open(target, StandardOpenOption.WRITE)) {
            channel.force(false);
        }
    }

    @Override
    public void download(Path file, java.nio.file.Path target) throws IOException {
        Files.createDirectories(target.toAbsolutePath().getParent());
        try (FileChannel channel = channel(file)) {
            Room.require(file, channel.size(), target);
            Files.copy(Channels.newInputStream(channel), target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    @Override
    public InputFile input(Path file) throws IOException {
        return new RegularInputFile(tree.whole(local(file)), tree.links());
    }

    @Override
    public OutputFile output(Path file) throws IOException {
        java.nio.file.Path target = tree.way(local(file));
        Files.createDirectories(target.getParent());
        return new LocalOutputFile(target);
    }

    private FileChannel channel(Path file) throws IOException {
        return RegularFile.open(tree.whole(local(file)), tree.links());
    }

    private static java.nio.file.Path local(Path path) {
        return java.nio.file.Path.of(path.toUri().getPath());
    }
}
