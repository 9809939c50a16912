package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Precision;
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

    /** Kernels without their precision, but those that have a head width. */
    private static final Map<String, String> UNIT_OF = Map.ofEntries(
            Map.entry("gelu", "activation"),
            Map.entry("geluBackward", "activation"),
            Map.entry("squaredRelu", "activation"),
            Map.entry("squaredReluBackward", "activation"),
            Map.entry("classify", "classifier"),
            Map.entry("embed", "embedding"),
            Map.entry("embedBackward", "embedding"),
            Map.entry("embedBackwardOpen", "embedding"),
            Map.entry("positionBackward", "embedding"),
            Map.entry("addNormalise", "norm"),
            Map.entry("normaliseBackward", "norm"),
            Map.entry("normaliseShares", "norm"),
            Map.entry("addParts", "optimiser"),
            Map.entry("judge", "optimiser"),
            Map.entry("adamw", "optimiser"),
            Map.entry("roundParameters", "optimiser"),
            Map.entry("attentionDots", "plain_attention"),
            Map.entry("rotate", "rotary"),
            Map.entry("readWindows8", "tokens"),
            Map.entry("readWindows16", "tokens"),
            Map.entry("readWindows32", "tokens"),
            Map.entry("sortRows", "tokens"));

    private static final List<String> HEADERS = List.of("cell.cuh", "numbers.cuh", "tensorcore.cuh");

    /** Widest head of the kernels without tensor cores: their tiles lie in 48 KiB of shared memory. */
    public static final int WIDEST_HEAD = 256;

    /** Of the kernels on tensor cores, whose registers end there. */
    public static final int WIDEST_FLASH_HEAD = 128;

    private KernelSources() {}

    /**
     * A unit, and what it is compiled with.
     *
     * @param macros as in {@code NAME=text}
     */
    public record Unit(String name, List<String> macros) {}

    /** Where a kernel is: those of attention are compiled for one head width at a time. */
    public static Unit unitOf(String kernel) {
        String width = kernel.substring(kernel.lastIndexOf('_') + 1);
        if (kernel.startsWith("flash")) {
            return new Unit("flash_attention", List.of("FLASH_HEAD_WIDTHS(K)=K(" + width + ")"));
        }
        if (kernel.startsWith("plain")) {
            return new Unit("plain_attention", List.of("PLAIN_HEAD_WIDTHS(K)=K(" + width + ")"));
        }
        String unit = UNIT_OF.get(kernel.replaceFirst("_(float|bfloat16)$", ""));
        if (unit == null) {
            throw new IllegalArgumentException("no unit has a kernel " + kernel);
        }
        return new Unit(unit, unit.equals("plain_attention") ? List.of("PLAIN_HEAD_WIDTHS(K)=") : List.of());
    }

    /** Text by file name: units end in {@code .cu}, what they include in {@code .cuh}. */
    public static Map<String, String> files() {
        Map<String, String> files = new TreeMap<>();
        UNITS.forEach(unit -> files.put(unit + ".cu", text(unit + ".cu")));
        HEADERS.forEach(header -> files.put(header, text(header)));
        return files;
    }

    /** How kernels of this precision end in their names. */
    static String suffix(Precision precision) {
        return precision == Precision.BFLOAT16 ? "_bfloat16" : "_float";
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
