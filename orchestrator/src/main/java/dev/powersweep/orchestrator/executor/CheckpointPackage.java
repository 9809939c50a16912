package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.program.ProgramFrames;
import dev.powersweep.worker.cell.Frame;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * A program's checkpoint, any file or folder, as one file: a zip archive without compression that holds it under its own
 * name, and beside it what the cell had come to.
 */
final class CheckpointPackage {
    private static final String NOTE = "powersweep.json";
    private static final String CONTENT = "checkpoint/";
    /** Evaluations of a step are few. */
    private static final int MOST_NOTE_BYTES = 1 << 20;

    /** @param loss of the newest step; NaN where it is not known */
    private record Note(String name, long step, double loss, List<Frame.Evaluation> evaluations) {}

    /**
     * What was unpacked.
     *
     * @param content file or folder, under the name that the program gave it
     */
    record Unpacked(Path content, ProgramFrames.Resumed resumed) {}

    private CheckpointPackage() {}

    /** The program has written to its checkpoint while it was read. */
    static final class ChangedException extends IOException {
        private static final long serialVersionUID = 1L;

        ChangedException(Path path) {
            super(path + " was written to while it was stored");
        }
    }

    /** What a checkpoint names cannot be packed on any host: links in a circle or to nowhere, pipes, what may not be read. */
    static final class UnfitException extends IOException {
        private static final long serialVersionUID = 1L;

        UnfitException(IOException cause) {
            super(
                    cause instanceof FileSystemLoopException
                            ? cause.getMessage() + " leads back to a folder that it lies in"
                            : cause instanceof NoSuchFileException
                                    ? cause.getMessage() + " leads to nothing"
                                    : cause instanceof AccessDeniedException
                                            ? cause.getMessage() + " may not be read"
                                            : cause.getMessage(),
                    cause);
        }
    }

    /** Packs a file or folder; links are followed. */
    static void pack(Path content, ProgramFrames.Resumed at, Path target) throws IOException {
        List<String> before = stamps(content);
        try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(target), 1 << 16);
                ZipOutputStream zip = new ZipOutputStream(file, StandardCharsets.UTF_8)) {
            zip.setLevel(Deflater.NO_COMPRESSION);
            String name = content.getFileName().toString();
            zip.putNextEntry(new ZipEntry(NOTE));
            zip.write(LedgerJson.bytes(new Note(name, at.step(), at.loss(), at.evaluations())));
            zip.closeEntry();
            for (Path each : all(content)) {
                String below = content.relativize(each).toString();
                String entry = CONTENT + name + (below.isEmpty() ? "" : "/" + below);
                if (Files.isDirectory(each)) {
                    zip.putNextEntry(new ZipEntry(entry + "/"));
                } else {
                    zip.putNextEntry(new ZipEntry(entry));
                    Files.copy(each, zip);
                }
                zip.closeEntry();
            }
        }
        if (!stamps(content).equals(before)) {
            throw new ChangedException(content);
        }
    }

    private static List<Path> all(Path content) throws IOException {
        try (Stream<Path> walk = Files.walk(content, FileVisitOption.FOLLOW_LINKS)) {
            return walk.sorted().toList();
        } catch (UncheckedIOException e) {
            throw new UnfitException(e.getCause());
        } catch (FileSystemLoopException | NoSuchFileException | AccessDeniedException e) {
            throw new UnfitException(e);
        }
    }

    private static List<String> stamps(Path content) throws IOException {
        List<String> stamps = new ArrayList<>();
        for (Path each : all(content)) {
            BasicFileAttributes found;
            try {
                found = Files.readAttributes(each, BasicFileAttributes.class);
            } catch (NoSuchFileException e) {
                throw new UnfitException(e);
            }
            if (found.isOther()) {
                throw new UnfitException(new IOException(each + " is neither a file nor a folder"));
            }
            stamps.add(each + " " + found.size() + " " + found.lastModifiedTime());
        }
        return stamps;
    }

    /**
     * Unpacks into a folder.
     *
     * @throws IOException when the archive names a path outside of the folder, is larger within than without, or is no
     *     package
     */
    static Unpacked unpack(Path archive, Path folder) throws IOException {
        Files.createDirectories(folder);
        Path root = folder.toRealPath();
        Note note = null;
        // Packages are not compressed: what unpacks to more than the archive has was made to fill a disk.
        long left = Files.size(archive);
        try (InputStream file = Files.newInputStream(archive);
                ZipInputStream zip = new ZipInputStream(file, StandardCharsets.UTF_8)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (entry.getName().equals(NOTE)) {
                    note = LedgerJson.read(zip.readNBytes(MOST_NOTE_BYTES), Note.class);
                    continue;
                }
                Path target = root.resolve(entry.getName()).normalize();
                if (!target.startsWith(root.resolve(CONTENT)) || entry.getName().startsWith("/")) {
                    throw new IOException(
                            "the checkpoint " + archive.getFileName() + " names a path outside of itself");
                }
                if (entry.isDirectory()) {
                    Files.createDirectories(target);
                } else {
                    Files.createDirectories(target.getParent());
                    left = copy(zip, target, left);
                    if (left < 0) {
                        throw new IOException("the checkpoint " + archive.getFileName()
                                + " holds more than it has bytes, so that it was packed by something else");
                    }
                }
            }
        }
        if (note == null) {
            throw new IOException("the checkpoint " + archive.getFileName() + " holds no " + NOTE);
        }
        Path content = root.resolve(CONTENT).resolve(note.name()).normalize();
        if (!content.startsWith(root.resolve(CONTENT)) || !Files.exists(content)) {
            throw new IOException("the checkpoint " + archive.getFileName() + " does not hold what it names");
        }
        return new Unpacked(content, new ProgramFrames.Resumed(note.step(), note.loss(), note.evaluations()));
    }

    /** Copies at most {@code most} bytes; gives what is left of them, below 0 where there are more. */
    private static long copy(InputStream in, Path target, long most) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long left = most;
        try (OutputStream out = Files.newOutputStream(target, StandardOpenOption.CREATE_NEW)) {
            for (int read = in.read(buffer); read >= 0 && left >= 0; read = in.read(buffer)) {
                left -= read;
                if (left >= 0) {
                    out.write(buffer, 0, read);
                }
            }
        }
        return left;
    }
}
