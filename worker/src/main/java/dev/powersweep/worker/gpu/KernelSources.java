package dev.powersweep.worker.gpu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The CUDA C that the kernels of this package are compiled from. */
public final class KernelSources {

    /** Units that are compiled, without their ending. */
    public static final List<String> UNITS = List.of(
            "activation",
            "classifier",
            "embedding",
            "flash_attention",
            "norm",
            "optimiser",
            "plain_attention",
            "rotary",
            "tokens");

    private static final List<String> HEADERS = List.of("cell.cuh", "numbers.cuh", "tensorcore.cuh");

    /** Widest head of the kernels without tensor cores: their tiles lie in 48 KiB of shared memory. */
    public static final int WIDEST_HEAD = 256;

    /** Of the kernels on tensor cores, whose registers end there. */
    public static final int WIDEST_FLASH_HEAD = 128;

    private KernelSources() {}

    /** Text by file name: units end in {@code .cu}, what they include in {@code .cuh}. */
    public static Map<String, String> files() {
        Map<String, String> files = new TreeMap<>();
        UNITS.forEach(unit -> files.put(unit + ".cu", text(unit + ".cu")));
        HEADERS.forEach(header -> files.put(header, text(header)));
        return files;
    }

    /** Whether heads of this width go to the kernels on tensor cores. */
    static boolean flash(Precision precision, int headWidth) {
        return precision == Precision.BFLOAT16 && headWidth % 16 == 0 && headWidth <= WIDEST_FLASH_HEAD;
    }

    private static String text(String name) {
        try (InputStream stream = KernelSources.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IllegalStateException("the kernels' source " + name + " is missing from this jar");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
