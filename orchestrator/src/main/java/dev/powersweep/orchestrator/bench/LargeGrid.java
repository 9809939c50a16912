package dev.powersweep.orchestrator.bench;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A grid as a specification: model sizes, data sizes and batch sizes in octaves, and as many seeds as it takes. */
public final class LargeGrid {
    private static final int MODELS = 20;
    private static final int DATA = 20;
    private static final int BATCHES = 5;
    private static final CorpusFacts CORPUS = new CorpusFacts(
            "5eed5eed5eed5eed", 256, 20_000_000_000L, List.of(new CorpusFacts.EvaluationSet("validation", 1_000_000)));

    private LargeGrid() {}

    /** @param cells at least; rounded up to whole seeds of the 2,000 combinations, or a part of them when fewer */
    public static SweepSpec specification(int cells) {
        int models = MODELS;
        int data = DATA;
        int batches = BATCHES;
        while (models * data * batches > cells && models * data > 4) {
            models = Math.max(2, models / 2);
            data = Math.max(2, data / 2);
            batches = Math.max(1, batches / 2);
        }
        int seeds = Math.max(1, (cells + models * data * batches - 1) / (models * data * batches));
        String text = "name: large\ncontext: 128\ngrid:\n  modelSizes:\n"
                + IntStream.range(0, models)
                        .mapToObj(i -> String.format(
                                Locale.ROOT, "    - {layers: %d, width: %d, heads: %d}%n", 2 + i / 4, 16 * (2 + i), 2))
                        .collect(Collectors.joining())
                + "  dataSizes: ["
                + IntStream.range(0, data)
                        .mapToObj(i -> Long.toString(Math.round(1e6 * Math.pow(1.25, i))))
                        .collect(Collectors.joining(", "))
                + "]\n  batchSizes: ["
                + IntStream.range(0, batches)
                        .mapToObj(i -> Integer.toString(2048 << i))
                        .collect(Collectors.joining(", "))
                + "]\n  seeds: ["
                + IntStream.range(0, seeds).mapToObj(Integer::toString).collect(Collectors.joining(", "))
                + "]\n";
        return SweepSpecReader.read(text, "large.yaml", List.of());
    }

    /** The plan of such a grid, by the planner that plans every sweep. */
    public static Forecast forecast(SweepSpec specification, int slots) {
        return new SweepPlanner().forecast(specification, CORPUS, new Slots(slots, 0));
    }
}
