package dev.powersweep.worker.checkpoint;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.StoredName;
import java.util.List;

/**
 * What a checkpoint is of.
 *
 * @param cell whole, so that the file can be read without its sweep
 * @param step optimiser steps done
 * @param layout hash of the parameters' names, shapes and order
 * @param sections in file order
 */
public record CheckpointHeader(Cell cell, long step, String layout, Progress progress, List<Extent> sections) {

    /** @param bytes that the section named {@code name} takes */
    public record Extent(String name, long bytes) {
        public Extent {
            StoredName.count("bytes", bytes);
        }
    }

    public CheckpointHeader {
        sections = List.copyOf(sections);
    }
}
