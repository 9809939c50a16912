package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.storage.FileStamp;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Which files a ledger on this machine's disks consists of, without a look into them. What was made of a ledger holds for
 * every ledger with the same stamp.
 *
 * @param files name and {@link FileStamp#identity} of each segment, by name
 * @param changed when the newest change of one was, by the clock of the file system
 */
public record LedgerStamp(List<String> files, Instant changed) {
    /** Above the coarsest clock of a file system with which a ledger is written twice and looks the same. */
    private static final Duration TICK = Duration.ofSeconds(3);

    public LedgerStamp {
        files = List.copyOf(files);
    }

    /**
     * The stamp of a ledger as it lies.
     *
     * @return empty where there is no ledger, where it lies on no local disk, whose listing alone would not prove that
     *     nothing was changed, or while its files are being moved
     */
    public static Optional<LedgerStamp> of(Storage storage, SweepDirectory directory) throws IOException {
        String scheme = directory.root().toUri().getScheme();
        if (scheme != null && !scheme.equals("file")) {
            return Optional.empty();
        }
        List<Segment> segments = new ArrayList<>(LedgerReader.segments(storage, directory));
        segments.sort(Comparator.comparing(segment -> segment.path().getName()));
        List<String> files = new ArrayList<>();
        Instant changed = Instant.MIN;
        for (Segment segment : segments) {
            Optional<FileStamp> stamp;
            try {
                stamp = FileStamp.of(Path.of(segment.path().toUri().getPath()));
            } catch (NoSuchFileException e) {
                // A living driver merged it into another since it was listed.
                stamp = Optional.empty();
            }
            if (stamp.isEmpty()) {
                return Optional.empty();
            }
            files.add(segment.path().getName() + " " + stamp.get().identity());
            changed = changed.isBefore(stamp.get().changed()) ? stamp.get().changed() : changed;
        }
        return files.isEmpty() ? Optional.empty() : Optional.of(new LedgerStamp(files, changed));
    }

    /**
     * Whether any change from now on will show in the stamp: not while the newest change could be of the same tick of the
     * clock as the next one, or lies in the future, as after a clock was set back.
     */
    public boolean settled(Instant now) {
        return changed.isBefore(now.minus(TICK));
    }
}
