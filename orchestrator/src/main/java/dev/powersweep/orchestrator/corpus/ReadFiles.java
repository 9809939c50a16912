package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.worker.cell.CellJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * What a corpus was read from.
 *
 * @param files of every set, in the sets' order and by path
 * @param leftOut what was found beside them and not read, each a clause with its reason
 */
public record ReadFiles(List<ReadFile> files, List<String> leftOut) {
    private static final Logger LOG = LogManager.getLogger(ReadFiles.class);
    /** Name of the file beside a stored corpus that holds this as JSON. */
    public static final String FILE_NAME = "sources.json";

    /**
     * A file that was read.
     *
     * @param set name of the set it went to: {@code train}, {@code validation} or a user's
     * @param kind text, JSON Lines, Parquet or tokens, with the packing
     * @param bytes as they are stored
     */
    public record ReadFile(String set, String path, String kind, long bytes) {}

    public ReadFiles {
        files = List.copyOf(files);
        leftOut = List.copyOf(leftOut);
    }

    /** What the corpus stored in a directory was read from; empty where that was not kept or cannot be read. */
    public static Optional<ReadFiles> find(SweepDirectory directory, String corpusHash, Configuration configuration) {
        Path file = new Path(directory.corpus(corpusHash), FILE_NAME);
        try {
            Storage storage = directory.storage(configuration);
            return storage.exists(file)
                    ? Optional.of(
                            CellJson.read(new String(storage.read(file), StandardCharsets.UTF_8), ReadFiles.class))
                    : Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            LOG.warn("{} cannot be read: {}", file, e.getMessage());
            return Optional.empty();
        }
    }

    /** Bytes of all files, as they are stored. */
    public long bytes() {
        return files.stream().mapToLong(ReadFile::bytes).sum();
    }

    /** How many files of each kind, e.g. {@code 2 JSON Lines (gzip), 1 text}; the bundled text where there is none. */
    public String kinds() {
        if (files.isEmpty()) {
            return "the bundled text";
        }
        Map<String, Integer> kinds = new TreeMap<>();
        files.forEach(file -> kinds.merge(file.kind, 1, Integer::sum));
        List<String> parts = new ArrayList<>();
        kinds.forEach((kind, count) -> parts.add(count + " " + kind));
        return String.join(", ", parts);
    }

    /** One clause: how many files of which kinds and how large, e.g. {@code 3 files, 12.5 MB: 2 JSON Lines (gzip), 1 text}. */
    public String summary() {
        if (files.isEmpty()) {
            return "the bundled text";
        }
        return String.format(
                Locale.ROOT,
                "%,d %s, %s: %s",
                files.size(),
                files.size() == 1 ? "file" : "files",
                size(bytes()),
                kinds());
    }

    private static String size(long bytes) {
        String count = Numbers.count(bytes, 3);
        String unit =
                switch (count.charAt(count.length() - 1)) {
                    case 'k' -> " kB";
                    case 'M' -> " MB";
                    case 'B' -> " GB";
                    case 'T' -> " TB";
                    default -> "";
                };
        return unit.isEmpty() ? count + " bytes" : count.substring(0, count.length() - 1) + unit;
    }
}
