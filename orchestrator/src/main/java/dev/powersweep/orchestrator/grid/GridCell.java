package dev.powersweep.orchestrator.grid;

import dev.powersweep.worker.cell.Cell;

/**
 * A cell and what people call it.
 *
 * @param name readable and unique within a sweep, e.g. {@code n786k-d1.2M-b4096-s0}; never part of the identity
 */
public record GridCell(String name, Cell cell) {}
