package dev.powersweep.worker.trainer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/**
 * Whether the CUDA backend on the class path has machine code for the cards that this process sees; asked before the
 * backend is loaded, because a kernel without code for a card may end the process.
 *
 * <p>{@code nd4j-cuda-11.6} 1.0.0-M2.1 was built for compute capability 3.7, 5.0, 5.2, 6.0, 6.1, 7.0, 7.5, 8.0 and 8.6
 * without PTX (read from its {@code libnd4jcuda.so}), so a driver cannot compile it for other cards; 8.7 and 8.9 run the
 * code of 8.6. Nothing is known of other backends, and no card is refused to them.
 */
final class CudaCoverage {
    private static final String RELEASED = "META-INF/maven/org.nd4j/nd4j-cuda-11.6/pom.properties";
    private static final String RELEASED_VERSION = "1.0.0-M2.1";
    private static final double OLDEST = 3.7;
    private static final double TOO_NEW = 9.0;

    private CudaCoverage() {}

    /** Why no cell can be trained on the cards that this process sees; empty when one can. */
    static Optional<String> objection() {
        return releasedBackend() ? objection(cards()) : Optional.empty();
    }

    /** @param cards lines of {@code nvidia-smi}: name, compute capability, driver */
    static Optional<String> objection(List<String> cards) {
        for (String card : cards) {
            String[] fields = card.split("\\s*,\\s*");
            double capability;
            try {
                capability = Double.parseDouble(fields[1]);
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                // A driver too old to say; the backend's own start decides.
                continue;
            }
            if (capability < OLDEST || capability >= TOO_NEW) {
                return Optional.of(String.format(
                        Locale.ROOT,
                        "%s has compute capability %.1f, but ND4J's CUDA backend %s holds code for %.1f to 8.9 only;"
                                + " train on the CPU backend (resources.gpus: 0), or put a backend built for %.1f into the"
                                + " folder \"cuda\" beside the trainer.",
                        fields[0],
                        capability,
                        RELEASED_VERSION,
                        OLDEST,
                        capability));
            }
        }
        return Optional.empty();
    }

    private static boolean releasedBackend() {
        try (InputStream in = CudaCoverage.class.getClassLoader().getResourceAsStream(RELEASED)) {
            if (in == null) {
                return false;
            }
            Properties properties = new Properties();
            properties.load(in);
            return RELEASED_VERSION.equals(properties.getProperty("version"));
        } catch (IOException e) {
            return false;
        }
    }

    private static List<String> cards() {
        List<String> command = new ArrayList<>(
                List.of("nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"));
        String visible = System.getenv().getOrDefault("CUDA_VISIBLE_DEVICES", "");
        // MIG instances cannot be asked for by name; their cards can.
        if (!visible.isBlank() && !visible.contains("MIG-")) {
            command.add("--id=" + visible);
        }
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0 ? lines : List.of();
        } catch (IOException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }
}
