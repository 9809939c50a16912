package dev.powersweep.orchestrator.simulation;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;

/**
 * A cell, how it goes wrong by itself, and what it has come to when all is done.
 *
 * @param trunk identity of what it shares with others; its own where it shares nothing
 */
record VirtualCell(Cell cell, String id, String trunk, long trunkSteps, Kind kind) {
    enum Kind {
        WELL(CellState.FINISHED),
        NEEDS_SMALL_MICRO_BATCH(CellState.FINISHED),
        DIVERGES(CellState.DIVERGED),
        HAS_A_BUG(CellState.FAILED),
        /** Something unexpected is thrown on the executor. */
        THROWS(CellState.FAILED),
        /** Takes its executor with it, every time. */
        POISON(CellState.FAILED);

        private final CellState end;

        Kind(CellState end) {
            this.end = end;
        }
    }

    VirtualCell(Cell cell, Kind kind) {
        this(cell, cell.id(), cell.trunk(), cell.trunkSteps(), kind);
    }

    CellState end() {
        return kind.end;
    }

    long steps() {
        return cell.data().steps();
    }

    /** Whether the step is one at which the cell goes wrong by itself, which it shares with nobody. */
    boolean late(long step) {
        return step > Math.max(steps() / 2, trunkSteps);
    }

    double loss(long step) {
        return 5.0 / Math.sqrt(step) + ((step <= trunkSteps ? trunk : id).hashCode() & 0xff) / 1000.0;
    }
}
