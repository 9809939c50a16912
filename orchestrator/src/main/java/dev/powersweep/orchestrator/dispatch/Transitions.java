package dev.powersweep.orchestrator.dispatch;

import static dev.powersweep.worker.cell.CellState.DIVERGED;
import static dev.powersweep.worker.cell.CellState.FAILED;
import static dev.powersweep.worker.cell.CellState.FINISHED;
import static dev.powersweep.worker.cell.CellState.INTERRUPTED;
import static dev.powersweep.worker.cell.CellState.PLANNED;
import static dev.powersweep.worker.cell.CellState.RUNNING;

import dev.powersweep.worker.cell.CellState;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** Which state may follow which. States that are terminal are left by a user's word alone, by way of PLANNED. */
public final class Transitions {
    private static final Map<CellState, Set<CellState>> NEXT = new EnumMap<>(Map.of(
            PLANNED, EnumSet.of(RUNNING),
            RUNNING, EnumSet.of(FINISHED, DIVERGED, FAILED, INTERRUPTED),
            INTERRUPTED, EnumSet.of(RUNNING, FAILED, PLANNED),
            FINISHED, EnumSet.of(PLANNED),
            DIVERGED, EnumSet.of(PLANNED),
            FAILED, EnumSet.of(PLANNED)));

    private Transitions() {}

    public static boolean allowed(CellState from, CellState to) {
        return NEXT.get(from).contains(to);
    }
}
