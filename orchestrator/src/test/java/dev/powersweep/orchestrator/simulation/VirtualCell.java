package dev.powersweep.orchestrator.simulation;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;

/** A cell, how it goes wrong by itself, and what it has come to when all is done. */
record VirtualCell(Cell cell, String id, Kind kind) {
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

    CellState end() {
        return kind.end;
    }

    long steps() {
        return cell.data().steps();
    }

    static double loss(String id, long step) {
        return 5.0 / Math.sqrt(step) + (id.hashCode() & 0xff) / 1000.0;
    }
}
