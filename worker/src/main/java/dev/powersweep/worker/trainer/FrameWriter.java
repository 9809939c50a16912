package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Writes frames, each as one line, complete and flushed. Safe for use by several threads. */
final class FrameWriter {
    private final OutputStream out;

    FrameWriter(OutputStream out) {
        this.out = out;
    }

    /** Throws {@link ReaderGoneException} when the reader has closed its end. */
    synchronized void write(Frame frame) {
        byte[] line = (CellJson.line(frame) + "\n").getBytes(StandardCharsets.UTF_8);
        try {
            out.write(line);
            out.flush();
        } catch (IOException e) {
            throw new ReaderGoneException(e);
        }
    }

    /** The process that reads the frames has closed its end, so the trainer ends. */
    static final class ReaderGoneException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        ReaderGoneException(IOException reason) {
            super("The reader of this trainer's standard output is gone: " + reason.getMessage() + ".", reason);
        }
    }
}
