package dev.powersweep.worker.checkpoint;

import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
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
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Weights as NumPy's {@code .npz}: one array a tensor under its name in the layout, matrices {@code [inputs, outputs]}.
 * ND4J opens it with {@code Nd4j.createFromNpzFile}, Python with {@code numpy.load}.
 */
public final class WeightsExport {
    private static final byte[] NPY_MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    private static final int NPY_ALIGNMENT = 64;

    private WeightsExport() {}

    /**
     * Exports the parameters of a checkpoint.
     *
     * @throws CheckpointException when the checkpoint cannot be used or the target cannot be written
     */
    public static void ofCheckpoint(Path checkpoint, Path target) {
        CheckpointFile file = CheckpointFile.open(checkpoint);
        ParameterLayout layout = new ParameterLayout(file.header().cell().model());
        // A position in a buffer is an int: 2 GB of parameters.
        ByteBuffer parameters = ByteBuffer.allocateDirect(Math.toIntExact(layout.length() * Float.BYTES));
        file.restore(file.header().cell(), LayoutHash.of(layout), List.of(new Section(Section.PARAMETERS, parameters)));
        write(layout, parameters, target);
    }

    /** @param parameters flat vector of the layout, little-endian single precision */
    public static void write(ParameterLayout layout, ByteBuffer parameters, Path target) {
        Path absolute = target.toAbsolutePath();
        Path aside = absolute.resolveSibling("." + absolute.getFileName() + ".tmp");
        try {
            try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(aside));
                    ZipOutputStream zip = new ZipOutputStream(file)) {
                // As numpy.savez stores them; ND4J's reader knows no other form.
                zip.setMethod(ZipOutputStream.STORED);
                for (Tensor tensor : layout.tensors()) {
                    byte[] header = npyHeader(tensor.shape());
                    byte[] values = new byte[Math.toIntExact(tensor.length() * Float.BYTES)];
                    parameters.get(Math.toIntExact(tensor.offset() * Float.BYTES), values);
                    CRC32 crc = new CRC32();
                    crc.update(header);
                    crc.update(values);
                    ZipEntry entry = new ZipEntry(tensor.name() + ".npy");
                    entry.setSize(header.length + (long) values.length);
                    entry.setCrc(crc.getValue());
                    zip.putNextEntry(entry);
                    zip.write(header);
                    zip.write(values);
                    zip.closeEntry();
                }
            }
            Files.move(aside, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw CheckpointException.damaged(
                    "The weights cannot be written to " + target + ": " + e.getMessage()
                            + "; free space or give another file.",
                    e);
        }
    }

    /** NumPy's format 1.0: magic, length of the header, and the header, padded so that the values are aligned. */
    private static byte[] npyHeader(long[] shape) {
        String sizes = Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", "));
        String header = String.format(
                Locale.ROOT,
                "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }",
                shape.length == 1 ? sizes + "," : sizes);
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
