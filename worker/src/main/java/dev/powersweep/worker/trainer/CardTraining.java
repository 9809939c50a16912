package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.gpu.CellGroup.Run;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.gpu.cuda.CudaException;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.DivergenceMonitor;
import dev.powersweep.worker.train.Engine.Progress;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.EvaluationSource;
import dev.powersweep.worker.train.TrainingState;
import java.util.List;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** On the engine for cards: steps are queued, as many as take a fraction of a second, so that none waits for the host. */
final class CardTraining implements CellTraining {

    private static final Logger LOG = LogManager.getLogger(CardTraining.class);

    /** What is queued at once may take so long: an order to stop waits for it. */
    static final double QUEUE_SECONDS = 0.25;

    private final Cell cell;
    private final CellGroup group;
    private double secondsPerStep = QUEUE_SECONDS;

    private CardTraining(Cell cell, CellGroup group) {
        this.cell = cell;
        this.group = group;
    }

    /**
     * A cell at step 0, in passes of as many sequences as the card has room for.
     *
     * @param passSequences most sequences of a pass; 0 for as many as fit
     * @throws IllegalArgumentException when the model does not fit the engine, in one sentence
     */
    static CardTraining create(Device device, Cell cell, BatchSource source, int passSequences) {
        require(device, cell);
        Precision precision = cell.training().products();
        List<Run> runs = List.of(new Run(cell, source));
        int pass = passSequences;
        while (true) {
            try {
                return new CardTraining(cell, new CellGroup(device, runs, precision, pass));
            } catch (CudaException e) {
                pass = smallerPass(cell, pass, e);
            }
        }
    }

    /**
     * Refuses what cards do not do.
     *
     * @throws IllegalArgumentException in one sentence
     * @throws PrecisionException where the card does not multiply the cell's numbers
     */
    static void require(Device device, Cell cell) {
        if (cell.batchTokens() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "data.batchSequences = " + cell.data().batchSequences() + " with context "
                            + cell.shape().context() + " is a batch of " + cell.batchTokens()
                            + " tokens; the trainer takes fewer than 2^31");
        }
        cell.data().batchWarmup().ifPresent(warmup -> {
            throw new IllegalArgumentException("training.batchWarmup begins with batches of "
                    + warmup.stages().get(0).batchSequences()
                    + " sequences, and on GPUs every step has the same batch, "
                    + cell.data().batchSequences()
                    + "; train on CPUs (resources.gpus: 0) or without training.batchWarmup");
        });
        cell.data().branch().ifPresent(branch -> {
            throw new IllegalArgumentException("grid.branches goes from batches of " + branch.batchSequences() + " to "
                    + cell.data().batchSequences()
                    + " sequences, and on GPUs every step has the same batch; train on CPUs (resources.gpus: 0) or"
                    + " without grid.branches");
        });
        Precision precision = cell.training().products();
        if (!device.multiplies(precision)) {
            throw new PrecisionException(precision, "here is " + device.describe());
        }
    }

    /**
     * What to try next where a cell had no room with passes of {@code pass} sequences, 0 for all.
     *
     * @throws CudaException the one given where nothing smaller is left, or where it is not about memory
     */
    static int smallerPass(Cell cell, int pass, CudaException failure) {
        int last = pass == 0 ? cell.data().batchSequences() : pass;
        if (failure.kind() != CudaException.Kind.OUT_OF_MEMORY || last == 1) {
            throw failure;
        }
        LOG.warn("cell {}: {}; trying passes of {} sequences", cell.id(), failure.getMessage(), last / 2);
        return last / 2;
    }

    /** Steps that may be queued at once where one takes so long. */
    static int stepsAtOnce(CellGroup group, int most, double secondsPerStep) {
        return Math.max(1, Math.min(Math.min(most, group.mostQueued()), (int) (QUEUE_SECONDS / secondsPerStep)));
    }

    static DivergenceMonitor divergence(Cell cell) {
        return new DivergenceMonitor(cell.training().divergence(), cell.shape().vocabulary());
    }

    @Override
    public void listen(List<String> classes) {
        refuse(classes);
    }

    /** @throws BadInputException where there are listeners */
    static void refuse(List<String> classes) {
        if (!classes.isEmpty()) {
            throw new BadInputException(
                    "run.listeners names " + classes.get(0)
                            + ", and on a GPU there is no Deeplearning4j network to listen to"
                            + " during training; train on CPUs (resources.gpus: 0) or without listeners.",
                    null);
        }
    }

    @Override
    public int microBatchSequences() {
        return group.passSequences();
    }

    @Override
    public String describe() {
        return group.describe();
    }

    @Override
    public ParameterLayout layout() {
        return new ParameterLayout(cell.shape());
    }

    @Override
    public TrainingState state() {
        return group.state(0);
    }

    @Override
    public void restore(TrainingState state) {
        group.restore(0, state);
    }

    @Override
    public Progress train(int most) {
        int steps = stepsAtOnce(group, most, secondsPerStep);
        long begin = System.nanoTime();
        group.enqueue(steps);
        Progress progress = group.drain().get(0);
        secondsPerStep = Math.max(1e-6, (System.nanoTime() - begin) / 1e9 / steps);
        return progress;
    }

    @Override
    public EvaluationResult evaluate(EvaluationSource evaluation, long maxTokens) {
        return group.evaluate(evaluation, maxTokens).get(0);
    }

    @Override
    public Optional<String> divergedAtEnd(double evaluationLoss) {
        return divergence(cell).atEnd(evaluationLoss);
    }

    @Override
    public void close() {
        group.close();
    }
}
