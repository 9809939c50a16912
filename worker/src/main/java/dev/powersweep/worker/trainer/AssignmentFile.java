package dev.powersweep.worker.trainer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.checkpoint.CheckpointDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** What {@code train FILE.json} is to do: the file's assignment or cell, with the options laid over it. */
final class AssignmentFile {
    private static final String DEFAULT_CHECKPOINTS = "checkpoints";
    private static final double DEFAULT_CHECKPOINT_SECONDS = 60;
    private static final double DEFAULT_REPORT_SECONDS = 1;

    private AssignmentFile() {}

    /** Throws {@link BadInputException} when the file cannot be read or is neither an assignment nor a cell. */
    static Assignment read(Path file, CommandLine options) {
        Assignment stored = stored(file, options);
        String checkpoints = options.checkpoints().map(Path::toString).orElse(stored.checkpointDirectory());
        Optional<String> resume = options.resume();
        if (resume.isPresent() && resume.get().equals(CommandLine.NEWEST)) {
            resume = CheckpointDirectory.open(Path.of(checkpoints), stored.cell())
                    .newest()
                    .map(Path::toString);
        }
        return new Assignment(
                stored.cell(),
                stored.attempt(),
                options.shards().map(Path::toString).orElse(stored.shardDirectory()),
                checkpoints,
                options.resume().isPresent() ? resume : stored.resumeFrom(),
                options.microBatchSequences().orElse(stored.microBatchSequences()),
                options.checkpointSeconds().orElse(stored.checkpointSeconds()),
                options.reportSeconds().orElse(stored.reportSeconds()),
                stored.branchSteps(),
                options.listeners().isEmpty() ? stored.listeners() : options.listeners());
    }

    /** The cell of a file that holds an assignment or a cell. */
    static Cell cell(Path file) {
        String json = text(file);
        try {
            return tree(file, json).has("cell")
                    ? CellJson.read(json, Assignment.class).cell()
                    : CellJson.read(json, Cell.class);
        } catch (IllegalArgumentException e) {
            throw new BadInputException(file + " is " + e.getMessage() + ".", e);
        }
    }

    /** Where the shard of a file's cell is: as the options or the assignment say. */
    static Path shards(Path file, CommandLine options) {
        return options.shards().orElseGet(() -> Path.of(stored(file, options).shardDirectory()));
    }

    private static Assignment stored(Path file, CommandLine options) {
        String json = text(file);
        if (tree(file, json).has("cell")) {
            try {
                return CellJson.read(json, Assignment.class);
            } catch (IllegalArgumentException e) {
                throw new BadInputException(file + " is " + e.getMessage() + ".", e);
            }
        }
        Cell cell = cell(file);
        if (options.shards().isEmpty()) {
            throw new BadInputException(
                    file + " holds a bare cell; give --shards DIR, the directory with its shard.json.", null);
        }
        return new Assignment(
                cell,
                1,
                options.shards().get().toString(),
                DEFAULT_CHECKPOINTS,
                Optional.empty(),
                0,
                DEFAULT_CHECKPOINT_SECONDS,
                DEFAULT_REPORT_SECONDS);
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new BadInputException("There is no file " + file + ".", e);
        } catch (IOException e) {
            throw new BadInputException(file + " cannot be read: " + e.getMessage() + ".", e);
        }
    }

    private static JsonNode tree(Path file, String json) {
        try {
            return CellJson.mapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new BadInputException(file + " is not JSON: " + e.getOriginalMessage() + ".", e);
        }
    }
}
