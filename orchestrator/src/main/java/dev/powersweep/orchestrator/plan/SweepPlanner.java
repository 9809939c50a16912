package dev.powersweep.orchestrator.plan;

import dev.powersweep.orchestrator.corpus.CorpusFacts;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.grid.GridResolver;
import dev.powersweep.orchestrator.grid.ResolvedGrid;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;

/** Plans a sweep from its specification, the facts of its corpus, and the slots: pure, without Spark or files. */
public final class SweepPlanner {
    private final MachineRate rate;

    /** Predicts at the rate of the reference machine. */
    public SweepPlanner() {
        this(MachineRate.REFERENCE);
    }

    public SweepPlanner(MachineRate rate) {
        this.rate = rate;
    }

    /** As {@link #forecast}, the plan alone. */
    public SweepPlan plan(SweepSpec spec, CorpusFacts corpus, Slots slots) {
        return forecast(spec, corpus, slots).plan();
    }

    /**
     * Longest cells first, ties by id, so that equal grids make equal plans.
     *
     * @throws UserError where a model does not fit in a slot's memory, or the corpus or grid cannot carry a cell
     */
    public Forecast forecast(SweepSpec spec, CorpusFacts corpus, Slots slots) {
        ResolvedGrid grid = GridResolver.resolve(spec, corpus);
        CostModel cost = new CostModel(rate, spec.resources().threads());
        List<PlannedCell> cells = new ArrayList<>();
        for (GridCell cell : grid.cells()) {
            cells.add(new PlannedCell(cell, cost.seconds(cell.cell()), CostModel.memoryBytes(cell.cell())));
        }
        checkMemory(spec, cells, slots);
        cells.sort(Comparator.comparingDouble(PlannedCell::predictedSeconds)
                .reversed()
                .thenComparing(planned -> planned.gridCell().cell().id()));
        double total = cells.stream().mapToDouble(PlannedCell::predictedSeconds).sum();
        SweepPlan plan = new SweepPlan(spec.name(), spec.text(), corpus.corpusHash(), cells, policy(spec));
        return new Forecast(
                plan,
                slots,
                total,
                makespan(cells, slots.count()),
                Math.max(total / slots.count(), cells.get(0).predictedSeconds()),
                grid.warnings());
    }

    /** Of cells given to whichever slot is free first, in their order. */
    static double makespan(List<PlannedCell> cells, int slots) {
        PriorityQueue<Double> free = new PriorityQueue<>();
        for (int slot = 0; slot < Math.min(slots, cells.size()); slot++) {
            free.add(CostModel.SECONDS_PER_TRAINER);
        }
        double end = 0;
        for (PlannedCell cell : cells) {
            double done = free.remove() + cell.predictedSeconds();
            free.add(done);
            end = Math.max(end, done);
        }
        return end;
    }

    private static void checkMemory(SweepSpec spec, List<PlannedCell> cells, Slots slots) {
        long limit = spec.resources().memoryBytes().orElse(slots.memoryBytes());
        if (limit == 0) {
            return;
        }
        PlannedCell largest = cells.stream()
                .max(Comparator.comparingLong(PlannedCell::memoryBytes))
                .orElseThrow();
        if (largest.memoryBytes() > limit) {
            boolean capped = spec.resources().memoryBytes().isPresent();
            throw new UserError(String.format(
                    Locale.ROOT,
                    "cell %s needs about %s of memory but %s is %s: take smaller grid.modelSizes, a shorter context, or %s",
                    largest.gridCell().name(),
                    bytes(largest.memoryBytes()),
                    capped ? "resources.memory" : "the memory of a slot",
                    bytes(limit),
                    capped ? "a larger resources.memory" : "fewer slots on a machine with more memory"));
        }
    }

    static String bytes(long value) {
        return value < 1L << 30
                ? String.format(Locale.ROOT, "%.0f MB", value / (double) (1L << 20))
                : String.format(Locale.ROOT, "%.1f GB", value / (double) (1L << 30));
    }

    private static RunPolicy policy(SweepSpec spec) {
        return new RunPolicy(
                spec.resources().threads(),
                spec.resources().memoryBytes().orElse(0),
                spec.resources().gpus(),
                spec.run().checkpointSeconds(),
                spec.run().reportSeconds(),
                spec.run().timeoutSeconds(),
                spec.run().hangSeconds(),
                spec.run().maxAttempts(),
                spec.run().equalFailuresToStop(),
                spec.resources().trainerJava());
    }
}
