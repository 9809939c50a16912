package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Model;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.cell.Program;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What programs have said of their models' sizes: what one cell reports holds for all cells of its model. */
final class ReportedSizes {
    private record Key(Model model, List<Map<String, String>> arguments) {
        static Key of(Cell cell) {
            return new Key(
                    cell.model(),
                    cell.program().map(Program::arguments).stream().toList());
        }
    }

    private final Map<Key, ModelCounts> reported = new HashMap<>();

    void reported(Cell cell, ModelCounts size) {
        reported.put(Key.of(cell), size);
    }

    /** What is known of a cell's size: what the cell itself says counts first. */
    ModelCounts of(Cell cell) {
        return cell.counts().or(reported.getOrDefault(Key.of(cell), ModelCounts.UNKNOWN));
    }
}
