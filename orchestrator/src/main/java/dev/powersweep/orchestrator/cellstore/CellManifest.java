package dev.powersweep.orchestrator.cellstore;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.SharedSteps;
import dev.powersweep.worker.cell.StoredName;
import java.util.List;
import java.util.Optional;

/**
 * One link of a cell's chain of commits: all that is stored of it as of now.
 *
 * @param sequence number of the link; of all links the highest one counts
 * @param owner the attempt that wrote it, unique even among attempts of one number
 * @param step optimiser steps whose rows are in {@code chunks}
 * @param checkpoints newest last; empty before the first
 * @param chunks in the order of their steps
 * @param dropped chunks of an abandoned lineage, to be deleted
 * @param outcome present once the cell has finished or diverged
 * @param trunk what other cells of its trunk may go on from
 * @param shared steps of {@code chunks} that another cell's training served for
 */
public record CellManifest(
        long sequence,
        String cell,
        int attempt,
        int generation,
        String owner,
        long step,
        List<StoredCheckpoint> checkpoints,
        List<Chunk> chunks,
        List<Chunk> dropped,
        Optional<AttemptReport> outcome,
        KeptTrunk trunk,
        Optional<SharedSteps> shared) {
    public CellManifest {
        StoredName.cell(cell);
        StoredName.count("sequence", sequence);
        StoredName.count("step", step);
        if (!owner.isEmpty()) {
            StoredName.file(owner);
        }
        checkpoints = List.copyOf(checkpoints);
        chunks = List.copyOf(chunks);
        dropped = List.copyOf(dropped);
    }

    /**
     * A file of rows.
     *
     * @param pending name in the cell's directory that it had before it was published
     * @param file name in the table's directory
     * @param lastStep of the steps it holds
     */
    public record Chunk(String table, String pending, String file, long firstStep, long lastStep) {
        public Chunk {
            if (!table.equals("steps") && !table.equals("evals")) {
                throw new IllegalArgumentException("cells have chunks of the tables steps and evals alone");
            }
            StoredName.file(pending);
            if (!file.isEmpty()) {
                StoredName.file(file);
            }
            StoredName.count("firstStep", firstStep);
            StoredName.count("lastStep", lastStep);
        }
    }

    /** @param file name in the cell's directory */
    public record StoredCheckpoint(String file, long step, long bytes, String sha256) {
        public StoredCheckpoint {
            StoredName.file(file);
            StoredName.count("step", step);
            StoredName.count("bytes", bytes);
            StoredName.sha256(sha256);
        }
    }

    /**
     * States of a cell that stay when its training goes on, with all rows up to them.
     *
     * @param states least steps first
     * @param chunks copies in the cell's directory, whose {@code file} is empty; without gaps from step 1 on
     */
    public record KeptTrunk(List<StoredCheckpoint> states, List<Chunk> chunks) {
        static final KeptTrunk NONE = new KeptTrunk(List.of(), List.of());

        public KeptTrunk {
            states = List.copyOf(states);
            chunks = List.copyOf(chunks);
        }

        KeptTrunk upTo(long step) {
            return new KeptTrunk(
                    states.stream().filter(state -> state.step() <= step).toList(),
                    chunks.stream().filter(chunk -> chunk.lastStep() <= step).toList());
        }
    }

    static CellManifest none(String cell, int generation) {
        return new CellManifest(
                0,
                cell,
                0,
                generation,
                "",
                0,
                List.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                KeptTrunk.NONE,
                Optional.empty());
    }
}
