package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.LearningRate;
import dev.powersweep.worker.cell.MicroBatches;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.Parametrisation;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.DivergenceMonitor;
import dev.powersweep.worker.train.Engine;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.EvaluationSource;
import dev.powersweep.worker.train.StepRecord;
import dev.powersweep.worker.train.TrainingState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * Cells of one model shape and batch in training on one device, all of them in every launch. What may differ between them:
 * data, seeds, every rate, decay, bound and scale, dropout's share.
 */
public final class CellGroup implements Engine {

    /** Steps that may be queued before their records are drained. */
    public static final int SLOTS = 64;

    /** Kernels of cells of any shape: what can be made ready before a cell is known. */
    public static final List<String> COMMON_KERNELS = List.of(
            "gelu_float",
            "classify_float",
            "embed",
            "addNormalise_float",
            "adamw",
            "attentionDots_float",
            "rotate_float",
            "sortRows");

    /** Numbers that the logits of one cell take at most: 1 GiB, of enough rows to fill a card. */
    private static final long LOGITS = 1L << 28;

    private final Device device;
    private final List<Member> members;
    private final GroupShape shape;
    private final ParameterLayout parameters;
    private final DeviceLayout layout;
    private final StepInputs inputs;
    private final GroupMemory memory;
    private final StepProgram program;
    private final Device.Work step;
    private int queued;

    /** A cell and where its run stands. */
    private static final class Member {
        final Cell cell;
        final LearningRate rate;
        final long seed;
        final double hiddenScale;
        final DivergenceMonitor divergence;
        /** Steps queued or made, the device's count once all records are drained. */
        long steps;

        /** Of these, the ones whose records are to be drained. */
        int queued;

        boolean ended;
        /** What the device knows, unless the cell has ended. */
        boolean waits;

        Member(Cell cell) {
            this.cell = cell;
            rate = LearningRate.of(cell.training(), cell.data());
            seed = cell.randomSeed();
            hiddenScale = 1 / Parametrisation.of(cell.shape(), cell.training()).widthRatio();
            divergence = new DivergenceMonitor(
                    cell.training().divergence(), cell.shape().vocabulary());
        }
    }

    /**
     * One of a group's cells, and where its training tokens come from.
     *
     * @param from where its run stands; empty for step 0 with the cell's initial weights
     */
    public record Run(Cell cell, BatchSource source, Optional<TrainingState> from) {

        /** From step 0 on. */
        public Run(Cell cell, BatchSource source) {
            this(cell, source, Optional.empty());
        }
    }

    /**
     * Cells where their runs stand, whose tokens no other group reads.
     *
     * @param passSequences most sequences of one micro-batch in one pass; 0 for all of them
     * @throws IllegalArgumentException when the cells do not fit one another or this engine, in one sentence
     */
    public CellGroup(Device device, List<Run> runs, Precision precision, int passSequences) {
        this(device, new TokenStores(device), runs, precision, passSequences);
    }

    /** As {@link #CellGroup(Device, List, Precision, int)}, with the stores of a device that has other groups, too. */
    public CellGroup(Device device, TokenStores stores, List<Run> runs, Precision precision, int passSequences) {
        this(device, stores, runs, precision, passSequences, LOGITS);
    }

    CellGroup(
            Device device,
            TokenStores stores,
            List<Run> runs,
            Precision precision,
            int passSequences,
            long mostLogits) {
        this.device = device;
        members = runs.stream().map(run -> new Member(run.cell())).toList();
        Cell first = members.get(0).cell;
        ModelShape model = first.shape();
        int sequences = first.data().batchSequences();
        for (Member member : members) {
            if (!member.cell.data().leadingStages().isEmpty()) {
                throw new IllegalArgumentException("cell " + member.cell.id()
                        + " has a data.batchWarmup or data.branch, and a launch makes every step with the same batch;"
                        + " leave it out");
            }
            if (!member.cell.shape().equals(model) || member.cell.data().batchSequences() != sequences) {
                throw new IllegalArgumentException("cells " + first.id() + " and " + member.cell.id()
                        + " differ in model or data.batchSequences and cannot share a launch; put them into groups of"
                        + " their own");
            }
        }
        MicroBatches asOnCpu = MicroBatches.of(model, sequences, 0);
        int pass = passSequences == 0 ? asOnCpu.sequences() : largestDivisor(asOnCpu.sequences(), passSequences);
        MicroBatches batches = new MicroBatches(asOnCpu.sequences(), pass, asOnCpu.count());
        shape = GroupShape.of(model, precision, members.size(), batches, mostLogits);
        boolean dropout =
                members.stream().anyMatch(member -> member.cell.training().dropout() > 0);
        parameters = new ParameterLayout(model);
        layout = new DeviceLayout(parameters);
        List<AutoCloseable> taken = new ArrayList<>();
        try {
            inputs = StepInputs.of(stores, runs.stream().map(Run::source).toList(), shape, SLOTS);
            taken.add(inputs);
            memory = new GroupMemory(device, shape, layout, SLOTS, inputs, dropout);
            taken.add(memory);
            program = new StepProgram(device, shape, parameters, layout, memory, SLOTS, dropout);
            ByteBuffer rules = buffer((long) members.size() * CellRule.BYTES);
            for (int i = 0; i < members.size(); i++) {
                Cell cell = members.get(i).cell;
                CellRule.of(cell, inputs.ringStart(i), inputs.ringLength(i)).write(rules);
                Optional<TrainingState> from = runs.get(i).from();
                if (from.isPresent()) {
                    put(i, from.get());
                } else {
                    writeStanding(i, new CellStanding(0, 0, StepOutcome.GOES_ON));
                    write(memory.parameters, i, InitialWeights.of(cell, parameters));
                }
            }
            program.refresh();
            device.write(memory.rules, rules.flip());
            inputs.begin(device, memory);
            if (model.positions() == Positions.ROTARY) {
                device.write(memory.turns, turns());
            }
            step = device.capture(program::step);
        } catch (RuntimeException | Error e) {
            closeAll(taken, e);
            throw e;
        }
    }

    /** What was taken before a group could not be made. */
    private static void closeAll(List<AutoCloseable> taken, Throwable reason) {
        for (AutoCloseable each : taken) {
            try {
                each.close();
            } catch (Exception e) {
                reason.addSuppressed(e);
            }
        }
    }

    @Override
    public int cells() {
        return members.size();
    }

    /** Sequences of one micro-batch in one pass. */
    public int passSequences() {
        return shape.passSequences();
    }

    /** Bytes taken from the device, with the stores that these cells read. */
    public long memory() {
        return memory.bytes() + inputs.storeBytes();
    }

    @Override
    public int mostQueued() {
        return SLOTS;
    }

    @Override
    public void enqueue(int steps) {
        BitSet all = new BitSet();
        all.set(0, members.size());
        enqueue(steps, all);
    }

    /**
     * Queues steps of some of the cells; the others stand still, and their bits do not change by it. Queued steps have to
     * be drained before other cells are named.
     *
     * @param steps as {@link #enqueue(int)} has it
     * @param taking numbers of the cells that take them
     */
    public void enqueue(int steps, BitSet taking) {
        if (steps < 1 || queued + steps > SLOTS) {
            throw new IllegalArgumentException(
                    steps + " steps cannot be queued behind " + queued + "; at most " + SLOTS + " may wait");
        }
        for (int cell = 0; cell < members.size(); cell++) {
            halt(cell, !taking.get(cell));
        }
        for (int i = 0; i < steps; i++) {
            for (int cell = taking.nextSetBit(0); cell >= 0; cell = taking.nextSetBit(cell + 1)) {
                plan(cell, members.get(cell));
            }
        }
        inputs.send(device, memory);
        for (int i = 0; i < steps; i++) {
            step.run();
        }
        queued += steps;
    }

    /** Lets a cell stand still or go on, from the next step that is queued on. */
    private void halt(int cell, boolean waits) {
        Member member = members.get(cell);
        if (member.waits != waits && !member.ended) {
            checkDrained();
            StepOutcome outcome = waits ? StepOutcome.WAITS : StepOutcome.GOES_ON;
            ByteBuffer number = buffer(Integer.BYTES).putInt(outcome.ordinal()).flip();
            device.write(memory.standings + (long) cell * CellStanding.BYTES + CellStanding.OUTCOME_AT, number);
            member.waits = waits;
        }
    }

    @Override
    public List<Progress> drain() {
        ByteBuffer results = buffer((long) SLOTS * members.size() * StepResult.BYTES);
        device.read(memory.results, results);
        List<Progress> progress = new ArrayList<>();
        for (int cell = 0; cell < members.size(); cell++) {
            progress.add(progress(cell, results));
        }
        queued = 0;
        return progress;
    }

    private Progress progress(int cell, ByteBuffer results) {
        Member member = members.get(cell);
        List<StepRecord> records = new ArrayList<>();
        Optional<String> diverged = Optional.empty();
        long first = member.steps - member.queued;
        long end = member.steps;
        member.queued = 0;
        for (long done = first; done < end && !member.ended; done++) {
            results.position((int) (done % SLOTS * members.size() + cell) * StepResult.BYTES);
            StepResult result = StepResult.read(results);
            StepRecord record = result.record(member.rate.at(result.step()), shape.batchTokens());
            diverged = member.divergence.check(record);
            // The device judges by the same numbers, before it makes the update.
            if (result.step() != done + 1 || diverged.isPresent() != (result.outcome() != StepOutcome.GOES_ON)) {
                throw new IllegalStateException("the device ended step " + result.step() + " of cell "
                        + member.cell.id() + " as " + result.outcome() + " where step " + (done + 1) + " belongs, "
                        + diverged.orElse("which did not diverge"));
            }
            records.add(record);
            if (diverged.isPresent()) {
                member.ended = true;
                member.steps = done;
            }
        }
        return new Progress(records, diverged);
    }

    @Override
    public List<EvaluationResult> evaluate(EvaluationSource evaluation, long maxTokens) {
        return score(program, shape, evaluation, maxTokens);
    }

    /** As {@link #evaluate(EvaluationSource, long)} with one cell, which takes no longer than if it were alone. */
    public EvaluationResult evaluate(int cell, EvaluationSource evaluation, long maxTokens) {
        return score(program.ofOne(cell), shape.of(1), evaluation, maxTokens).get(0);
    }

    private List<EvaluationResult> score(
            StepProgram scoring, GroupShape scored, EvaluationSource evaluation, long maxTokens) {
        checkDrained();
        int cells = scored.cells();
        int context = shape.model().context();
        int sequences = (int) Math.min(evaluation.sequences(), Math.max(1, maxTokens / context));
        int atOnce = shape.parts() * shape.passSequences();
        int[] tokens = new int[shape.cellRows()];
        int[] targets = new int[shape.cellRows()];
        ByteBuffer losses = buffer(scored.allRows() * Float.BYTES);
        double[] sums = new double[cells];
        double[] squares = new double[cells];
        for (int from = 0; from < sequences; from += atOnce) {
            int count = Math.min(atOnce, sequences - from);
            for (int i = 0; i < count; i++) {
                evaluation.sequence(from + i, tokens, targets, i * context);
            }
            // What is left of a last turn scores the sequences before it again.
            device.write(memory.inputs, repeated(tokens, cells));
            device.write(memory.targets, repeated(targets, cells));
            scoring.score();
            device.read(memory.losses, losses);
            for (int cell = 0; cell < cells; cell++) {
                for (int i = 0; i < count; i++) {
                    double loss = 0;
                    for (int token = 0; token < context; token++) {
                        loss += losses.getFloat((cell * shape.cellRows() + i * context + token) * Float.BYTES);
                    }
                    loss /= context;
                    sums[cell] += loss;
                    squares[cell] += loss * loss;
                }
            }
        }
        List<EvaluationResult> results = new ArrayList<>();
        for (int cell = 0; cell < cells; cell++) {
            double mean = sums[cell] / sequences;
            double variance = Math.max(0, squares[cell] / sequences - mean * mean) / (sequences - 1);
            results.add(new EvaluationResult(
                    mean, sequences > 1 ? Math.sqrt(variance) : Double.NaN, (long) sequences * context));
        }
        return results;
    }

    /** Copies. */
    @Override
    public TrainingState state(int cell) {
        checkDrained();
        ByteBuffer own = buffer(CellStanding.BYTES);
        device.read(memory.standings + (long) cell * CellStanding.BYTES, own);
        CellStanding standing = CellStanding.read(own);
        return new TrainingState(
                standing.steps(),
                standing.stepsAboveBound(),
                vector(memory.parameters, cell),
                vector(memory.firstMoments, cell),
                vector(memory.secondMoments, cell));
    }

    @Override
    public void restore(int cell, TrainingState state) {
        checkDrained();
        put(cell, state);
        program.refresh();
    }

    private void put(int cell, TrainingState state) {
        long bytes = parameters.length() * Float.BYTES;
        for (ByteBuffer vector : List.of(state.parameters(), state.firstMoments(), state.secondMoments())) {
            if (vector.remaining() != bytes) {
                throw new IllegalArgumentException("a state vector of " + vector.remaining()
                        + " bytes does not fit this model, whose vectors have " + bytes
                        + "; restore a state of the same cell");
            }
        }
        write(memory.parameters, cell, state.parameters());
        write(memory.firstMoments, cell, state.firstMoments());
        write(memory.secondMoments, cell, state.secondMoments());
        writeStanding(cell, new CellStanding(state.step(), state.stepsAboveBound(), StepOutcome.GOES_ON));
        Member member = members.get(cell);
        member.steps = state.step();
        member.divergence.restore(state.stepsAboveBound());
        member.ended = false;
        member.waits = false;
    }

    @Override
    public String describe() {
        return members.size() + " cells at once in " + shape.precision() + " on " + device.describe();
    }

    /** Frees the device's memory; the device stays open. */
    @Override
    public void close() {
        step.close();
        memory.close();
        inputs.close();
    }

    private void checkDrained() {
        if (queued > 0) {
            throw new IllegalStateException("the records of " + queued + " queued steps are to be drained first");
        }
    }

    /** Plans a cell's next step. A cell that has stopped keeps its old plans. */
    private void plan(int number, Member member) {
        if (!member.ended) {
            long next = member.steps + 1;
            inputs.plan(
                    number,
                    next,
                    StepPlan.of(member.cell, member.seed, next, member.rate.at(next), member.hiddenScale));
            member.steps = next;
            member.queued++;
        }
    }

    private ByteBuffer turns() {
        int headWidth = shape.headWidth();
        ByteBuffer turns = buffer((long) shape.model().context() * headWidth * Float.BYTES);
        for (int position = 0; position < shape.model().context(); position++) {
            for (int pair = 0; pair < headWidth / 2; pair++) {
                double angle = position * StrictMath.pow(10000, -2.0 * pair / headWidth);
                turns.putFloat((float) StrictMath.cos(angle)).putFloat((float) StrictMath.sin(angle));
            }
        }
        return turns.flip();
    }

    private void writeStanding(int cell, CellStanding standing) {
        ByteBuffer bytes = buffer(CellStanding.BYTES);
        standing.write(bytes);
        device.write(memory.standings + (long) cell * CellStanding.BYTES, bytes.flip());
    }

    private ByteBuffer vector(long base, int cell) {
        ByteBuffer spread = buffer(layout.stride() * Float.BYTES);
        device.read(base + cell * layout.stride() * Float.BYTES, spread);
        return layout.fromDevice(spread);
    }

    private void write(long base, int cell, ByteBuffer flat) {
        device.write(base + cell * layout.stride() * Float.BYTES, layout.toDevice(flat));
    }

    /** The same tokens for every cell. */
    private ByteBuffer repeated(int[] tokens, int cells) {
        ByteBuffer all = buffer((long) cells * shape.cellRows() * Integer.BYTES);
        for (int cell = 0; cell < cells; cell++) {
            for (int token : tokens) {
                all.putInt(token);
            }
        }
        return all.flip();
    }

    private static ByteBuffer buffer(long bytes) {
        return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int largestDivisor(int number, int most) {
        for (int divisor = Math.min(number, most); divisor > 1; divisor--) {
            if (number % divisor == 0) {
                return divisor;
            }
        }
        return 1;
    }
}
