package dev.powersweep.worker.gpu;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/**
 * What a test asked of an emulated device and what it was answered, for a card to be asked the same
 * (KernelReplay): written to the folder that the environment's {@code POWERSWEEP_RECORDINGS} names, a file for each device.
 */
final class Recording implements AutoCloseable {

    private final DataOutputStream out;

    private Recording(DataOutputStream out) {
        this.out = out;
    }

    /** Null where nothing is to be recorded. */
    static Recording begin() throws IOException {
        String folder = System.getenv("POWERSWEEP_RECORDINGS");
        if (folder == null) {
            return null;
        }
        String test = StackWalker.getInstance()
                .walk(frames -> frames.filter(frame -> frame.getClassName().endsWith("Test")
                                && !frame.getMethodName().equals("device"))
                        .findFirst()
                        .map(StackWalker.StackFrame::getMethodName)
                        .orElse("unknown"));
        Path file = Files.createTempFile(Files.createDirectories(Path.of(folder)), test + "-", ".gz");
        return new Recording(new DataOutputStream(
                new BufferedOutputStream(new GZIPOutputStream(Files.newOutputStream(file)), 1 << 16)));
    }

    interface Writing {
        void to(DataOutputStream out) throws IOException;
    }

    private void write(char command, Writing writing) {
        try {
            out.writeByte(command);
            writing.to(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void allocated(long bytes, long address) {
        write('a', to -> {
            to.writeLong(bytes);
            to.writeLong(address);
        });
    }

    void freed(long address) {
        write('f', to -> to.writeLong(address));
    }

    void written(long address, ByteBuffer bytes) {
        write('w', to -> {
            to.writeLong(address);
            bytes(to, bytes);
        });
    }

    void zeroed(long address, long bytes) {
        write('z', to -> {
            to.writeLong(address);
            to.writeLong(bytes);
        });
    }

    void launched(String kernel, Grid grid, int threads, long... arguments) {
        write('l', to -> {
            bytes(to, ByteBuffer.wrap(kernel.getBytes(StandardCharsets.US_ASCII)));
            to.writeInt(grid.x());
            to.writeInt(grid.y());
            to.writeInt(grid.z());
            to.writeInt(threads);
            to.writeInt(arguments.length);
            for (long argument : arguments) {
                to.writeLong(argument);
            }
        });
    }

    /** @param type f for floats, b for bfloat16, i for integers, x for anything else */
    void read(long address, char type, ByteBuffer answer) {
        write('r', to -> {
            to.writeLong(address);
            to.writeByte(type);
            bytes(to, answer);
        });
    }

    private static void bytes(DataOutputStream to, ByteBuffer bytes) throws IOException {
        byte[] all = new byte[bytes.remaining()];
        bytes.duplicate().get(all);
        to.writeInt(all.length);
        to.write(all);
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
