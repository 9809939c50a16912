package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.host.KeptFiles;
import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.FileStamp;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * A projection of a ledger, kept on this host as a file, so that the next command need not read the ledger for it.
 *
 * <p>Guarantees: what is found was made of the ledger as it lay when this object was made, by this very program. A file
 * of the ledger that came, went, or was touched since, even to the same length and time of modification, hides it.
 * Assumes that a projection depends on the ledger and the program alone.
 */
public final class KeptProjection {
    private final SweepDirectory directory;
    private final Configuration configuration;
    private final KeptFiles files;
    private final Clock clock;
    private final Optional<LedgerStamp> stamp;
    private final Optional<String> name;

    /**
     * Of a ledger as it lies now.
     *
     * @param program whose projections are taken; empty for none to be kept
     */
    public KeptProjection(
            SweepDirectory directory,
            Configuration configuration,
            KeptFiles files,
            Optional<String> program,
            Clock clock) {
        this.directory = directory;
        this.configuration = configuration;
        this.files = files;
        this.clock = clock;
        this.stamp = stamp();
        this.name = program.flatMap(by -> stamp.map(of -> name(of, by)));
    }

    /**
     * Of a ledger as it lies now, in this user's cache, by the jar that this code comes from.
     *
     * @param kind which projection
     */
    public static KeptProjection ofUser(SweepDirectory directory, Configuration configuration, String kind) {
        return new KeptProjection(directory, configuration, HostCache.ofUser().kept(kind), jar(), Clock.systemUTC());
    }

    /** Which jar this code was loaded from; empty for loose classes, of which any may have been changed. */
    private static Optional<String> jar() {
        try {
            Path jar = Path.of(KeptProjection.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            return Files.isRegularFile(jar) ? FileStamp.of(jar).map(FileStamp::identity) : Optional.empty();
        } catch (URISyntaxException | IOException | RuntimeException unknown) {
            return Optional.empty();
        }
    }

    private static String name(LedgerStamp stamp, String program) {
        List<String> parts = new ArrayList<>(stamp.files());
        parts.add(program);
        byte[] text = String.join("\n", parts).getBytes(StandardCharsets.UTF_8);
        try {
            return Digests.sha256(new ByteArrayInputStream(text));
        } catch (IOException e) {
            throw new IllegalStateException("bytes in memory can be read", e);
        }
    }

    private Optional<LedgerStamp> stamp() {
        try {
            return LedgerStamp.of(directory.storage(configuration), directory);
        } catch (IOException e) {
            // Whoever reads the ledger then will say what is wrong with it.
            return Optional.empty();
        }
    }

    /** The file that was kept. */
    public Optional<Path> find() {
        return name.flatMap(files::find);
    }

    /** Keeps what was made of the ledger since, unless somebody may have touched the ledger meanwhile. */
    public void keep(KeptFiles.Maker maker) {
        if (name.isPresent() && stamp.orElseThrow().settled(clock.instant()) && stamp.equals(stamp())) {
            files.keep(name.get(), maker);
        }
    }
}
