package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.LossCurve;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Training curves with their learning rates: means over stretches of equal length, from the end of the warm-up on. */
final class ScheduleRows {
    /** Stretches of a run; a batch's loss alone is mostly noise. */
    private static final int STRETCHES = 64;

    private ScheduleRows() {}

    /** Step, rate and loss of every stretch; a run is a cell. */
    static Observations of(SweepResults results, List<CellResult> cells) {
        Map<String, CellResult> byId = cells.stream().collect(Collectors.toMap(CellResult::id, Function.identity()));
        List<double[]> rows = new ArrayList<>();
        List<String> runs = new ArrayList<>();
        for (LossCurve curve : results.training()) {
            CellResult cell = byId.get(curve.cell());
            if (cell == null || curve.rate().length == 0) {
                continue;
            }
            int first = 0;
            while (first < curve.step().length && curve.step()[first] < cell.warmupSteps()) {
                first++;
            }
            int steps = curve.step().length - first;
            int stretches = Math.min(STRETCHES, steps);
            for (int k = 0; k < stretches; k++) {
                int from = first + (int) ((long) steps * k / stretches);
                int to = first + (int) ((long) steps * (k + 1) / stretches);
                double[] row = {mean(curve.step(), from, to), mean(curve.rate(), from, to), mean(curve.loss(), from, to)
                };
                if (row[1] > 0) {
                    rows.add(row);
                    runs.add(cell.name());
                }
            }
        }
        return Observations.builder()
                .column(Quantity.STEP, column(rows, 0))
                .column(Quantity.LEARNING_RATE, column(rows, 1))
                .column(Quantity.LOSS, column(rows, 2))
                .runs(runs.toArray(String[]::new))
                .build();
    }

    private static double[] column(List<double[]> rows, int at) {
        return rows.stream().mapToDouble(row -> row[at]).toArray();
    }

    private static double mean(double[] values, int from, int to) {
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += values[i];
        }
        return sum / (to - from);
    }
}
