package dev.powersweep.worker.checkpoint;

import dev.powersweep.worker.cell.Cell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The checkpoints of one cell in a directory, which other cells may share; the newest {@value #KEPT} stay, so that a
 * reader may still copy the one before the newest. One writer per cell at a time.
 */
public final class CheckpointDirectory {
    /** Checkpoints that stay. */
    public static final int KEPT = 2;

    private static final String SUFFIX = ".ckpt";

    private final Path directory;
    private final Cell cell;
    private final Set<Long> lasting;
    private final String prefix;

    private CheckpointDirectory(Path directory, Cell cell, Set<Long> lasting) {
        this.lasting = Set.copyOf(lasting);
        this.directory = directory.toAbsolutePath();
        this.cell = cell;
        this.prefix = cell.id() + "-step-";
    }

    /** Creates the directory where it is missing, and clears away what a killed writer left unfinished. */
    public static CheckpointDirectory open(Path directory, Cell cell) {
        return open(directory, cell, Set.of());
    }

    /**
     * As {@link #open(Path, Cell)}.
     *
     * @param lasting steps whose checkpoints stay however many follow
     */
    public static CheckpointDirectory open(Path directory, Cell cell, Set<Long> lasting) {
        CheckpointDirectory opened = new CheckpointDirectory(directory, cell, lasting);
        try {
            Files.createDirectories(directory);
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.filter(file -> CheckpointFile.isUnfinished(file, opened.prefix))
                        .toList()) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            throw CheckpointException.damaged(
                    "The checkpoint directory " + directory + " cannot be used: " + e.getMessage() + ".", e);
        }
        return opened;
    }

    /** Writes the checkpoint of {@code step}; it and the {@value #KEPT} − 1 before it stay, all others go. */
    public CheckpointFile.Written write(long step, String layout, Progress progress, List<Section> sections) {
        Path file = directory.resolve(String.format(Locale.ROOT, "%s%012d%s", prefix, step, SUFFIX));
        CheckpointFile.Written written = CheckpointFile.write(file, cell, step, layout, progress, sections);
        try {
            List<Path> files = newestFirst();
            int own = files.indexOf(written.file());
            for (int i = 0; i < files.size(); i++) {
                // Files of later steps are of an attempt that this one has replaced.
                if (i < own || (i >= own + KEPT && !lasting.contains(step(files.get(i))))) {
                    Files.deleteIfExists(files.get(i));
                }
            }
        } catch (IOException e) {
            throw CheckpointException.damaged(
                    "An old checkpoint in " + directory + " cannot be deleted: " + e.getMessage() + ".", e);
        }
        return written;
    }

    /** The newest checkpoint by step; it may still prove damaged when opened. */
    public Optional<Path> newest() {
        return newestFirst().stream().findFirst();
    }

    private long step(Path file) {
        String name = file.getFileName().toString();
        return Long.parseLong(name.substring(prefix.length(), name.length() - SUFFIX.length()));
    }

    List<Path> newestFirst() {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> {
                        String name = file.getFileName().toString();
                        return name.startsWith(prefix) && name.endsWith(SUFFIX);
                    })
                    .sorted(Comparator.comparing(
                                    (Path file) -> file.getFileName().toString())
                            .reversed())
                    .toList();
        } catch (IOException e) {
            throw CheckpointException.damaged(
                    "The checkpoint directory " + directory + " cannot be read: " + e.getMessage() + ".", e);
        }
    }
}
