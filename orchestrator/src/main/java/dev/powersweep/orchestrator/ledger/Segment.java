package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.storage.Storage;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.Path;

/**
 * A file of events.
 *
 * @param first number of the first write it holds, counted from 1 within its epoch
 * @param last number of the last one; above {@code first} after compaction
 */
record Segment(long epoch, long first, long last, Path path) {
    private static final Pattern NAME = Pattern.compile("segment-(\\d{6,15})-(\\d{9,15})-(\\d{9,15})\\.jsonl");

    static Segment in(Path ledger, long epoch, long first, long last) {
        String name = String.format(Locale.ROOT, "segment-%06d-%09d-%09d.jsonl", epoch, first, last);
        return new Segment(epoch, first, last, new Path(ledger, name));
    }

    static Optional<Segment> of(Storage.Entry entry) {
        Matcher match = NAME.matcher(entry.name());
        return match.matches()
                ? Optional.of(new Segment(
                        Long.parseLong(match.group(1)),
                        Long.parseLong(match.group(2)),
                        Long.parseLong(match.group(3)),
                        entry.path()))
                : Optional.empty();
    }

    boolean covers(Segment other) {
        return epoch == other.epoch && first <= other.first && last >= other.last;
    }

    long writes() {
        return last - first + 1;
    }
}
