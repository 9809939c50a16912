package dev.powersweep.worker.bench.gpu;

import dev.powersweep.worker.bench.gpu.MeasuredCells.Size;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.gpu.CellGroup.Run;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.train.Engine.Progress;
import dev.powersweep.worker.train.TrainingState;
import java.util.ArrayList;
import java.util.List;

/** Whether a cell's bits are the same alone, beside others, and after it was interrupted. */
final class BitIdentity {

    private static final int STEPS = 12;

    private BitIdentity() {}

    /** @param among how many cells */
    static void compare(Device device, List<Size> sizes, List<Integer> among, Report report) {
        for (Size size : sizes) {
            for (Precision precision : Precision.values()) {
                Run run = size.run(50);
                List<Trained> alone = new ArrayList<>();
                report.row("bits", size.name(), precision, row -> {
                    alone.add(train(device, List.of(run), 0, precision, STEPS));
                    Trained again = train(device, List.of(run), 0, precision, 5);
                    try (CellGroup group = new CellGroup(device, List.of(run), precision, 0)) {
                        group.restore(0, again.state);
                        group.enqueue(STEPS - 5);
                        group.drain();
                        row.put("resumedEqual", group.state(0).equals(alone.get(0).state));
                    }
                });
                for (int cells : among) {
                    report.row("bits", size.name(), precision, row -> {
                        List<Run> runs = new ArrayList<>(size.runs(cells - 1, 100));
                        int at = cells / 2;
                        runs.add(at, run);
                        Trained beside = train(device, runs, at, precision, STEPS);
                        row.put("cells", cells)
                                .put("recordsEqual", beside.progress.equals(alone.get(0).progress))
                                .put("stateEqual", beside.state.equals(alone.get(0).state));
                    });
                }
            }
        }
    }

    private record Trained(Progress progress, TrainingState state) {}

    private static Trained train(Device device, List<Run> runs, int cell, Precision precision, int steps) {
        try (CellGroup group = new CellGroup(device, runs, precision, 0)) {
            group.enqueue(steps);
            Progress progress = group.drain().get(cell);
            return new Trained(progress, group.state(cell));
        }
    }
}
