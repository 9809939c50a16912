package dev.powersweep.worker.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.worker.cell.CellJson;
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

/**
 * Writes weights in Hugging Face's safetensors format: eight bytes with the header's length, the header as JSON, the
 * tensors, little-endian throughout. A file is complete when it appears.
 */
final class SafetensorsFile {

    private static final int ALIGNMENT = 8;

    private SafetensorsFile() {}

    /** @param parameters flat vector of the layout, little-endian single precision */
    static void write(ParameterLayout layout, ByteBuffer parameters, Path target) throws IOException {
        ObjectNode header = CellJson.mapper().createObjectNode();
        long begin = 0;
        for (Tensor tensor : layout.tensors()) {
            ObjectNode entry = header.putObject(tensor.name()).put("dtype", "F32");
            ArrayNode shape = entry.putArray("shape");
            for (long size : tensor.shape()) {
                shape.add(size);
            }
            long end = begin + tensor.length() * Float.BYTES;
            entry.putArray("data_offsets").add(begin).add(end);
            begin = end;
        }
        byte[] json = CellJson.line(header).getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        Path absolute = target.toAbsolutePath();
        Path aside = absolute.resolveSibling("." + absolute.getFileName() + ".tmp");
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(aside))) {
            out.write(ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(padded)
                    .array());
            out.write(json);
            for (int i = json.length; i < padded; i++) {
                out.write(' ');
            }
            for (Tensor tensor : layout.tensors()) {
                byte[] values = new byte[Math.toIntExact(tensor.length() * Float.BYTES)];
                parameters.get(Math.toIntExact(tensor.offset() * Float.BYTES), values);
                out.write(values);
            }
        }
        Files.move(aside, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
