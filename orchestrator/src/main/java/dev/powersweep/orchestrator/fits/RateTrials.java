package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.surface.RateRule;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The learning rates tried at each model, data and batch size, with what they came to. */
public final class RateTrials {
    private RateTrials() {}

    /** Whether a cell tells of its rate: one that diverged does, one that failed does not. */
    public static boolean tells(CellResult cell) {
        return cell.usable() || cell.state() == CellState.DIVERGED;
    }

    /**
     * Seeds are averaged; a rate that diverged for any of them was tried and is no minimum: its loss is infinite.
     *
     * @param cells that {@linkplain #tells tell}
     */
    public static List<RateRule.Trial> of(List<CellResult> cells) {
        Map<List<Double>, Map<Double, List<CellResult>>> byScale = new LinkedHashMap<>();
        cells.forEach(cell -> byScale.computeIfAbsent(
                        List.of(cell.parameters(), cell.batchTokens(), cell.tokens()), key -> new TreeMap<>())
                .computeIfAbsent(cell.learningRate(), key -> new ArrayList<>())
                .add(cell));
        return byScale.entrySet().stream()
                .map(scale -> new RateRule.Trial(
                        scale.getKey().get(0),
                        scale.getKey().get(1),
                        scale.getKey().get(2),
                        scale.getValue().keySet().stream()
                                .mapToDouble(Double::doubleValue)
                                .toArray(),
                        scale.getValue().values().stream()
                                .mapToDouble(RateTrials::loss)
                                .toArray()))
                .toList();
    }

    private static double loss(List<CellResult> seeds) {
        return seeds.stream()
                .mapToDouble(cell -> cell.usable() ? cell.validationLoss().getAsDouble() : Double.POSITIVE_INFINITY)
                .average()
                .orElseThrow();
    }
}
