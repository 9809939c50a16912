package dev.powersweep.worker.checkpoint;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes named arrays as NumPy's {@code .npz}; a file is complete when it appears. */
public final class NpzFile {
    private static final byte[] NPY_MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    private static final int NPY_ALIGNMENT = 64;

    /** An array's elements, row-major. */
    @FunctionalInterface
    public interface Values {

        /** Called twice, since a stored entry's checksum goes before it; writes the same bytes each time. */
        void writeTo(OutputStream out) throws IOException;
    }

    /**
     * @param type NumPy's name of the element type, as {@code <f4}
     * @param elementBytes of one element
     */
    public record Array(String name, String type, int elementBytes, long[] shape, Values values) {}

    private NpzFile() {}

    public static void write(Path target, List<Array> arrays) throws IOException {
        Path absolute = target.toAbsolutePath();
        Path aside = absolute.resolveSibling("." + absolute.getFileName() + ".tmp");
        try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(aside));
                ZipOutputStream zip = new ZipOutputStream(file)) {
            // As numpy.savez stores them; ND4J's reader knows no other form.
            zip.setMethod(ZipOutputStream.STORED);
            for (Array array : arrays) {
                byte[] header = header(array);
                CheckedOutputStream summed = new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
                summed.write(header);
                array.values.writeTo(summed);
                ZipEntry entry = new ZipEntry(array.name + ".npy");
                entry.setSize(header.length
                        + Arrays.stream(array.shape).reduce(array.elementBytes, (bytes, size) -> bytes * size));
                entry.setCrc(summed.getChecksum().getValue());
                zip.putNextEntry(entry);
                zip.write(header);
                array.values.writeTo(zip);
                zip.closeEntry();
            }
        }
        Files.move(aside, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** NumPy's format 1.0: magic, length of the header, and the header, padded so that the values are aligned. */
    private static byte[] header(Array array) {
        String sizes = Arrays.stream(array.shape).mapToObj(Long::toString).collect(Collectors.joining(", "));
        String header = String.format(
                Locale.ROOT,
                "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                array.type,
                array.shape.length == 1 ? sizes + "," : sizes);
        int unpadded = NPY_MAGIC.length + Short.BYTES + header.length() + 1;
        int padded = (unpadded + NPY_ALIGNMENT - 1) / NPY_ALIGNMENT * NPY_ALIGNMENT;
        ByteBuffer bytes = ByteBuffer.allocate(padded).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(NPY_MAGIC).putShort((short) (padded - NPY_MAGIC.length - Short.BYTES));
        bytes.put(header.getBytes(StandardCharsets.US_ASCII));
        while (bytes.remaining() > 1) {
            bytes.put((byte) ' ');
        }
        return bytes.put((byte) '\n').array();
    }
}
