package dev.powersweep.orchestrator.plan;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.grid.GridResolver;
import dev.powersweep.orchestrator.grid.ResolvedGrid;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.Program;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.stream.Collectors;

/** Plans a sweep from its specification, the facts of its corpus, and the slots: pure, without Spark or files. */
public final class SweepPlanner {
    /** Share of the trunks' FLOPs that measuring the critical batch size should not exceed. */
    private static final double MOST_BRANCHES = 0.25;

    private final List<StepRate> measured;

    /** Predicts at the rate of the reference machine. */
    public SweepPlanner() {
        this(List.of());
    }

    /** @param measured on the machine of the slots; the reference machine's rate is corrected by them */
    public SweepPlanner(List<StepRate> measured) {
        this.measured = List.copyOf(measured);
    }

    /** As {@link #forecast}, the plan alone. */
    public SweepPlan plan(SweepSpec spec, CorpusFacts corpus, Slots slots) {
        return forecast(spec, corpus, slots).plan();
    }

    /** As {@link #forecast(SweepSpec, CorpusFacts, Optional, Slots)}, for PowerSweep's own trainer. */
    public Forecast forecast(SweepSpec spec, CorpusFacts corpus, Slots slots) {
        return forecast(spec, corpus, Optional.empty(), slots);
    }

    /**
     * Longest cells first, ties by id, so that equal grids make equal plans.
     *
     * @param program that the specification names as its trainer
     * @throws UserError where a model does not fit in a slot's memory, or the corpus or grid cannot carry a cell
     */
    public Forecast forecast(SweepSpec spec, CorpusFacts corpus, Optional<Program> program, Slots slots) {
        ResolvedGrid grid = GridResolver.resolve(spec, corpus, program);
        CostModel cost = new CostModel(MachineRate.REFERENCE, spec.resources().threads(), measured);
        Trunks trunks = Trunks.of(grid.cells().stream().map(GridCell::cell).toList());
        List<PlannedCell> cells = new ArrayList<>();
        long cap = spec.resources().memoryBytes().orElse(0);
        List<String> squeezed = new ArrayList<>();
        for (GridCell cell : grid.cells()) {
            int microBatch = CostModel.microBatchSequences(cell.cell(), cap);
            if (microBatch > 0) {
                squeezed.add(cell.name() + " (" + microBatch + " sequences)");
            }
            cells.add(new PlannedCell(
                    cell,
                    cost.seconds(cell.cell(), trunks.sharedSteps(cell.cell())),
                    program.isPresent() ? cap : CostModel.memoryBytes(cell.cell(), microBatch)));
        }
        List<String> warnings = new ArrayList<>(grid.warnings());
        if (!squeezed.isEmpty()) {
            warnings.add("cells trained in smaller micro-batches to stay within resources.memory = " + bytes(cap) + ": "
                    + squeezed.size() + ", such as " + squeezed.get(0));
        }
        int sharing = spec.resources().cellsPerGpu();
        if (sharing > 1) {
            warnings.add(sharing(sharing, cells));
        }
        double branches = trunks.branchFlops() / trunks.branchedFlops();
        if (branches > MOST_BRANCHES) {
            warnings.add(String.format(
                    Locale.ROOT,
                    "branches take %.0f %% of the FLOPs of the runs that they leave, more than %.0f %%; take fewer"
                            + " grid.branches.at or batchSizes, fewer tokens, or branch a part of the runs (grid.union)",
                    100 * branches,
                    100 * MOST_BRANCHES));
        }
        if (program.isPresent() && measured.isEmpty()) {
            warnings.add("how fast the program trains is not known before its first cells have run: times here follow"
                    + " from FLOPs alone and put cells in order, no more");
        }
        TrainerMemory.require(
                cells.stream()
                        .collect(Collectors.toMap(
                                cell -> cell.gridCell().name(),
                                cell -> cell.gridCell().cell(),
                                (one, same) -> one)),
                spec.resources().memoryBytes(),
                slots.memoryBytes());
        cells.sort(Comparator.comparingDouble(PlannedCell::predictedSeconds)
                .reversed()
                .thenComparing(planned -> planned.gridCell().cell().id()));
        double total = cells.stream().mapToDouble(PlannedCell::predictedSeconds).sum();
        SweepPlan plan = new SweepPlan(spec.name(), spec.text(), corpus.corpusHash(), cells, policy(spec));
        return new Forecast(
                plan,
                slots,
                total,
                makespan(cells, slots.count(), trunks),
                Math.max(total / slots.count(), cells.get(0).predictedSeconds()),
                trunks,
                warnings);
    }

    /**
     * Of cells given to whichever slot is free first, in their order; a cell that branches off another one's training
     * begins when that has got so far.
     */
    static double makespan(List<PlannedCell> cells, int slots, Trunks trunks) {
        PriorityQueue<Double> free = new PriorityQueue<>();
        for (int slot = 0; slot < Math.min(slots, cells.size()); slot++) {
            free.add(CostModel.SECONDS_PER_TRAINER);
        }
        PriorityQueue<Branch> branches = new PriorityQueue<>(Comparator.comparingDouble(Branch::ready));
        Deque<PlannedCell> waiting = new ArrayDeque<>();
        Map<String, List<PlannedCell>> held = new HashMap<>();
        for (PlannedCell cell : cells) {
            String id = cell.gridCell().cell().id();
            trunks.trainedBy(id)
                    .ifPresentOrElse(
                            trunk -> held.computeIfAbsent(trunk, any -> new ArrayList<>())
                                    .add(cell),
                            () -> waiting.add(cell));
        }
        double end = 0;
        for (int left = cells.size(); left > 0; left--) {
            double now = free.remove();
            if (waiting.isEmpty()) {
                now = Math.max(now, branches.element().ready());
            }
            boolean branchFirst = !branches.isEmpty()
                    && branches.element().ready() <= now
                    && (waiting.isEmpty()
                            || branches.element().cell().predictedSeconds()
                                    > waiting.element().predictedSeconds());
            PlannedCell cell = branchFirst ? branches.remove().cell() : waiting.remove();
            double done = now + cell.predictedSeconds();
            free.add(done);
            end = Math.max(end, done);
            for (PlannedCell branch : held.getOrDefault(cell.gridCell().cell().id(), List.of())) {
                Cell trained = cell.gridCell().cell();
                double share =
                        (double) trained.tokensThrough(branch.gridCell().cell().trunkSteps()) / trained.tokens();
                branches.add(new Branch(branch, now + share * cell.predictedSeconds()));
            }
        }
        return end;
    }

    private record Branch(PlannedCell cell, double ready) {}

    /** What takes its steps together on a card. */
    private record Kind(ModelShape shape, int batchSequences, Precision precision) {
        Kind(Cell cell) {
            this(cell.shape(), cell.data().batchSequences(), cell.training().products());
        }
    }

    private static String sharing(int cellsPerGpu, List<PlannedCell> cells) {
        long most = cells.stream()
                .collect(Collectors.groupingBy(
                        planned -> new Kind(planned.gridCell().cell()), Collectors.counting()))
                .values()
                .stream()
                .mapToLong(count -> count)
                .max()
                .orElse(0);
        return cellsPerGpu + " cells share a GPU (resources.cellsPerGpu): times that were measured are of cells beside"
                + " others of their model, batch and precision, which take their steps together; of " + cells.size()
                + " cells at most " + most + " have these in common, and cells that take turns take longer";
    }

    static String bytes(long value) {
        return value < 1L << 30
                ? String.format(Locale.ROOT, "%.0f MB", value / (double) (1L << 20))
                : String.format(Locale.ROOT, "%.1f GB", value / (double) (1L << 30));
    }

    /** How a specification wants its cells run, without listeners, whose files are still to be read. */
    public static RunPolicy policy(SweepSpec spec) {
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
                        spec.resources().trainerJava())
                .sharing(spec.resources().cellsPerGpu());
    }
}
