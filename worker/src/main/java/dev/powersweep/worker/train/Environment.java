package dev.powersweep.worker.train;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a trainer process wants from whoever starts it. OpenBLAS reads its variables once, when it is loaded, so they
 * must stand in the environment of the process.
 */
public final class Environment {

    private static final Set<String> NEEDED_FOR_SKYLAKEX =
            Set.of("avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl", "fma");

    private Environment() {}

    /** Environment variables for a single-threaded trainer on this processor. */
    public static Map<String, String> variables() {
        return variables(cpuInfo());
    }

    /**
     * JVM options, heap size aside. Bounds checks of vectors and shuffles take as long as the vector arithmetic itself;
     * tests run with them.
     */
    public static List<String> jvmOptions() {
        return List.of(
                "--add-modules=jdk.incubator.vector",
                "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0",
                "-XX:+UseSerialGC");
    }

    /**
     * As {@link #variables()} for the text of a {@code /proc/cpuinfo}.
     *
     * <p>OpenBLAS 0.3.19 knows no AMD processor with AVX-512 and takes them for older ones; its SKYLAKEX kernels run on
     * any processor with these instructions and would be killed by SIGILL on one without.
     */
    static Map<String, String> variables(String cpuInfo) {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put("OMP_NUM_THREADS", "1");
        variables.put("OPENBLAS_NUM_THREADS", "1");
        boolean wide = cpuInfo.lines()
                .filter(line -> line.startsWith("flags"))
                .findFirst()
                .map(line -> Set.of(
                                line.substring(line.indexOf(':') + 1).strip().split("\\s+"))
                        .containsAll(NEEDED_FOR_SKYLAKEX))
                .orElse(false);
        if (wide) {
            variables.put("OPENBLAS_CORETYPE", "SKYLAKEX");
        }
        return variables;
    }

    private static String cpuInfo() {
        try {
            return Files.readString(Path.of("/proc/cpuinfo"), StandardCharsets.UTF_8);
        } catch (IOException absent) {
            return "";
        }
    }
}
