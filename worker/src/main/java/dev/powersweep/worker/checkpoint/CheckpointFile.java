package dev.powersweep.worker.checkpoint;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.model.AlignedLayout;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * One checkpoint on disk, little-endian throughout:
 *
 * <pre>
 * bytes    content
 * 8        "PSWCKPT" and a zero byte
 * 4        format version
 * 4        n, bytes of the header
 * n        {@link CheckpointHeader} as JSON, padded with spaces so that the sections begin at a multiple of 64
 * …        the sections, raw, one after the other
 * 8        bytes of all the above
 * 4        CRC-32C of all the above
 * </pre>
 *
 * <p>Guarantees: under its final name a file is complete and on disk (written aside, forced, renamed); a reader uses no
 * byte before the checksum has been verified.
 */
public final class CheckpointFile {
    private static final byte[] MAGIC = "PSWCKPT\0".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int PREAMBLE = MAGIC.length + 2 * Integer.BYTES;
    private static final int TRAILER = Long.BYTES + Integer.BYTES;
    private static final int ALIGNMENT = 64;
    private static final String UNFINISHED = ".tmp";
    private static final int MAX_HEADER = 1 << 24;

    private final Path file;
    private final CheckpointHeader header;
    private final long sectionsStart;

    private CheckpointFile(Path file, CheckpointHeader header, long sectionsStart) {
        this.file = file;
        this.header = header;
        this.sectionsStart = sectionsStart;
    }

    /** @param sha256 of the whole file, lower-case hexadecimal */
    public record Written(Path file, long bytes, String sha256) {}

    /** Whether a writer that was killed left {@code file}, an unfinished file for a name with this prefix. */
    static boolean isUnfinished(Path file, String prefix) {
        String name = file.getFileName().toString();
        return name.startsWith("." + prefix) && name.endsWith(UNFINISHED);
    }

    /** Writes a checkpoint; throws {@link CheckpointException} when the disk does not take it. */
    public static Written write(
            Path file, Cell cell, long step, String layout, Progress progress, List<Section> sections) {
        List<CheckpointHeader.Extent> extents = sections.stream()
                .map(section -> new CheckpointHeader.Extent(
                        section.name(), section.data().remaining()))
                .toList();
        byte[] json = CellJson.line(new CheckpointHeader(cell, step, layout, progress, extents))
                .getBytes(StandardCharsets.UTF_8);
        int padded = (PREAMBLE + json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - PREAMBLE;
        ByteBuffer head = ByteBuffer.allocate(PREAMBLE + padded).order(ByteOrder.LITTLE_ENDIAN);
        head.put(MAGIC).putInt(VERSION).putInt(padded).put(json);
        while (head.hasRemaining()) {
            head.put((byte) ' ');
        }
        head.flip();

        Path absolute = file.toAbsolutePath();
        Path aside = absolute.resolveSibling("." + absolute.getFileName() + UNFINISHED);
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            CRC32C crc = new CRC32C();
            long bytes = head.remaining();
            try (FileChannel channel = FileChannel.open(
                    aside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                put(channel, head, sha256, crc);
                for (Section section : sections) {
                    bytes += section.data().remaining();
                    put(channel, section.data(), sha256, crc);
                }
                ByteBuffer trailer = ByteBuffer.allocate(TRAILER).order(ByteOrder.LITTLE_ENDIAN);
                trailer.putLong(bytes).putInt((int) crc.getValue()).flip();
                put(channel, trailer, sha256, crc);
                channel.force(true);
            }
            Files.move(aside, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            forceDirectory(absolute.getParent());
            return new Written(absolute, bytes + TRAILER, HexFormat.of().formatHex(sha256.digest()));
        } catch (IOException e) {
            deleteQuietly(aside, e);
            throw CheckpointException.damaged(
                    "The checkpoint " + absolute + " cannot be written: " + e.getMessage()
                            + "; free space or give another checkpoint directory.",
                    e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /**
     * Opens and verifies a checkpoint.
     *
     * @throws CheckpointException when it is missing, truncated, corrupt, or not a checkpoint of this version
     */
    public static CheckpointFile open(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            ByteBuffer preamble = ByteBuffer.allocate(PREAMBLE).order(ByteOrder.LITTLE_ENDIAN);
            if (size < PREAMBLE + TRAILER) {
                throw CheckpointException.damaged("The checkpoint " + file + " is truncated: it holds " + size
                        + " bytes; go on from an earlier checkpoint.");
            }
            readFully(channel, preamble, 0, file);
            preamble.flip();
            byte[] magic = new byte[MAGIC.length];
            preamble.get(magic);
            if (!Arrays.equals(magic, MAGIC)) {
                throw CheckpointException.foreign(
                        file + " is not a checkpoint of a trainer; give a file that a trainer wrote.");
            }
            int version = preamble.getInt();
            if (version != VERSION) {
                throw CheckpointException.foreign("The checkpoint " + file + " has format " + version
                        + ", this trainer reads format " + VERSION + "; use the version that wrote it.");
            }
            int headerBytes = preamble.getInt();
            ByteBuffer trailer = ByteBuffer.allocate(TRAILER).order(ByteOrder.LITTLE_ENDIAN);
            readFully(channel, trailer, size - TRAILER, file);
            trailer.flip();
            long bytes = trailer.getLong();
            int expected = trailer.getInt();
            if (bytes != size - TRAILER || headerBytes < 2 || headerBytes > MAX_HEADER) {
                throw CheckpointException.damaged("The checkpoint " + file + " is truncated or damaged: its length is "
                        + size + " bytes, which its end does not confirm; go on from an earlier checkpoint.");
            }
            if (checksum(channel, bytes, file) != expected) {
                throw CheckpointException.damaged("The checkpoint " + file
                        + " is damaged: its CRC-32C does not match; go on from an earlier checkpoint.");
            }
            ByteBuffer json = ByteBuffer.allocate(headerBytes);
            readFully(channel, json, PREAMBLE, file);
            CheckpointHeader header =
                    CellJson.read(new String(json.array(), StandardCharsets.UTF_8), CheckpointHeader.class);
            requireRoom(header.cell().shape(), size, file);
            return new CheckpointFile(file, header, PREAMBLE + (long) headerBytes);
        } catch (NoSuchFileException e) {
            throw CheckpointException.damaged("There is no checkpoint " + file + ".", e);
        } catch (IOException e) {
            throw CheckpointException.damaged("The checkpoint " + file + " cannot be read: " + e.getMessage() + ".", e);
        } catch (IllegalArgumentException e) {
            // Its checksum holds, so another version of the records wrote it.
            throw CheckpointException.foreign("The checkpoint " + file + " is of another version: " + e.getMessage()
                    + "; use the version that wrote it.");
        }
    }

    /** A model is laid out as its header says, before a section of it is read: that must not outgrow the file. */
    private static void requireRoom(ModelShape shape, long size, Path file) {
        double width = shape.width();
        double weights = shape.layers() * width * (4 * width + 2.0 * shape.feedForward()) + shape.vocabulary() * width;
        if (weights * Float.BYTES > size) {
            throw CheckpointException.damaged(String.format(
                    Locale.ROOT,
                    "The checkpoint %s is damaged: its header describes a model of at least %.3g parameters, which its"
                            + " %d bytes do not hold; go on from an earlier checkpoint.",
                    file,
                    weights,
                    size));
        }
    }

    public CheckpointHeader header() {
        return header;
    }

    /**
     * Fills the given sections; the others in the file are left unread.
     *
     * @param cell that wants to go on
     * @param layout of its model's parameters, which all sections are laid out by
     * @throws CheckpointException when the checkpoint is of another cell, and not of the trunk that both share, or of
     *     another layout
     */
    public void restore(Cell cell, ParameterLayout layout, List<Section> sections) {
        if (!header.cell().id().equals(cell.id()) && !isOfSharedTrunk(cell)) {
            throw CheckpointException.foreign("The checkpoint " + file + " is of cell "
                    + header.cell().id() + ", not of " + cell.id() + "; give one of this cell's own.");
        }
        String hash = LayoutHash.of(layout);
        AlignedLayout aligned = new AlignedLayout(layout);
        boolean gapless = header.layout().equals(hash);
        if (!gapless && !header.layout().equals(LayoutHash.of(layout, aligned))) {
            throw CheckpointException.foreign("The checkpoint " + file + " has the parameter layout " + header.layout()
                    + ", this trainer's model has " + hash + "; use the version that wrote it.");
        }
        long bytes = (gapless ? layout.length() : aligned.length()) * Float.BYTES;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            for (Section section : sections) {
                long position = position(section.name(), bytes);
                ByteBuffer data = section.data().duplicate();
                if (gapless) {
                    readFully(channel, data, position, file);
                    continue;
                }
                for (Tensor tensor : layout.tensors()) {
                    ByteBuffer part = data.slice(data.position() + bytes(tensor.offset()), bytes(tensor.length()));
                    readFully(channel, part, position + aligned.offset(tensor) * Float.BYTES, file);
                }
            }
        } catch (IOException e) {
            throw CheckpointException.damaged("The checkpoint " + file + " cannot be read: " + e.getMessage() + ".", e);
        }
    }

    private static int bytes(long numbers) {
        return Math.toIntExact(numbers * Float.BYTES);
    }

    private boolean isOfSharedTrunk(Cell cell) {
        return header.cell().trunk().equals(cell.trunk())
                && header.step() <= Math.min(header.cell().trunkSteps(), cell.trunkSteps());
    }

    private long position(String section, long bytes) {
        long position = sectionsStart;
        for (CheckpointHeader.Extent extent : header.sections()) {
            if (extent.name().equals(section)) {
                if (extent.bytes() != bytes) {
                    throw CheckpointException.foreign("The checkpoint " + file + " holds " + extent.bytes()
                            + " bytes of " + section + ", this trainer's model needs " + bytes
                            + "; use the version that wrote it.");
                }
                return position;
            }
            position += extent.bytes();
        }
        throw CheckpointException.foreign(
                "The checkpoint " + file + " holds no " + section + "; use the version of the trainer that wrote it.");
    }

    private static void put(FileChannel channel, ByteBuffer data, MessageDigest sha256, CRC32C crc) throws IOException {
        crc.update(data.duplicate());
        sha256.update(data.duplicate());
        ByteBuffer rest = data.duplicate();
        while (rest.hasRemaining()) {
            channel.write(rest);
        }
    }

    private static int checksum(FileChannel channel, long bytes, Path file) throws IOException {
        CRC32C crc = new CRC32C();
        ByteBuffer block = ByteBuffer.allocateDirect(1 << 20);
        for (long position = 0; position < bytes; position += block.limit()) {
            block.clear().limit((int) Math.min(block.capacity(), bytes - position));
            readFully(channel, block, position, file);
            crc.update(block.flip());
        }
        return (int) crc.getValue();
    }

    private static void readFully(FileChannel channel, ByteBuffer target, long position, Path file) throws IOException {
        long next = position;
        while (target.hasRemaining()) {
            int read = channel.read(target, next);
            if (read < 0) {
                throw CheckpointException.damaged(
                        "The checkpoint " + file + " is truncated; go on from an earlier checkpoint.");
            }
            next += read;
        }
    }

    /** Makes the rename itself durable, on file systems where a directory can be opened. */
    private static void forceDirectory(Path directory) throws IOException {
        if (!System.getProperty("os.name", "").startsWith("Windows")) {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    private static void deleteQuietly(Path file, IOException reason) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            reason.addSuppressed(e);
        }
    }
}
