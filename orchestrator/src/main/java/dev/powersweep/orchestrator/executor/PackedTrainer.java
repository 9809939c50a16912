package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.executor.host.HostCache;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The trainer's jar within the application's. The build notes its checksums beside it: to compute them, each driver and
 * each executor would read 150 MB.
 *
 * @param sha256 of the jar, which names it in the hosts' caches
 * @param crc32 of the jar, by which a host finds that its copy was damaged
 */
public record PackedTrainer(String sha256, long crc32) {
    private static final String JAR = "/trainer/powersweep-trainer.jar";

    /** @throws IOException when there is none, as in a build that was not packaged */
    public static PackedTrainer find() throws IOException {
        return new PackedTrainer(note("sha256"), Long.parseLong(note("crc32")));
    }

    /** A copy on this host, made where there is none. */
    Path install(HostCache cache) throws IOException, InterruptedException {
        return cache.installJar(sha256, crc32, () -> resource(JAR));
    }

    private static String note(String algorithm) throws IOException {
        try (InputStream in = resource(JAR + "." + algorithm)) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).strip();
        }
    }

    private static InputStream resource(String name) throws IOException {
        InputStream in = PackedTrainer.class.getResourceAsStream(name);
        if (in == null) {
            throw new IOException("the application jar carries no trainer (" + name
                    + "); build it with ./mvnw package, or name one in spark.powersweep.trainerJar");
        }
        return in;
    }
}
