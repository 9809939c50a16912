package dev.powersweep.worker.train;

import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.MicroBatches;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import dev.powersweep.worker.model.Parametrisation;
import dev.powersweep.worker.model.RandomStream;
import dev.powersweep.worker.model.Transformer;
import dev.powersweep.worker.network.CellRate;
import dev.powersweep.worker.network.KernelSets;
import dev.powersweep.worker.network.NetworkVectors;
import dev.powersweep.worker.network.TransformerLanguageModel;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * One cell in training: parameters, optimiser state and all working memory.
 *
 * <p>Assumes a single thread. Guarantees: the same cell, micro-batch and kernel set on the same machine type give
 * bit-identical steps, also when the run was interrupted and {@linkplain #restore restored} in between.
 *
 * <p>What is trained is a Deeplearning4j network: parameters, the batch's gradient and Adam's moments are its own flat
 * vectors, and its listeners see every step. Its layers and its updater make none of them, because they dispatch an
 * operation for what is one fused loop here, and cannot run an attention block on memory allocated beforehand.
 */
public final class TrainingSession implements AutoCloseable {

    private final Cell cell;
    /** A hash of the whole cell; computing it costs too much for every step. */
    private final long randomSeed;

    private final BatchSource source;
    private final Kernels kernels;
    private final ParameterLayout layout;
    private final Parametrisation parametrisation;
    private final CellRate learningRate;
    private final DivergenceMonitor divergence;
    /** Of the batch of a step, by its sequences: several with a warm-up of the batch or a branch. */
    private final Map<Integer, MicroBatches> microBatches;

    private final MultiLayerNetwork network;
    private final ListenerCalls listeners;
    private final NetworkVectors vectors;
    private final GradientSquares gradientSquares;
    /** Of one micro-batch; the network's own when there is only one. */
    private final Span gradients;

    private final Transformer transformer;
    private final List<TensorState> tensors;

    private final int[] inputs;
    private final int[] targets;
    private final double[] losses;
    private final double[] squares = new double[2];
    private long stepsDone;

    private TrainingSession(
            Cell cell,
            BatchSource source,
            Kernels kernels,
            Map<Integer, MicroBatches> microBatches,
            MultiLayerNetwork network) {
        this.cell = cell;
        this.randomSeed = cell.randomSeed();
        this.source = source;
        this.kernels = kernels;
        this.microBatches = microBatches;
        ModelShape shape = cell.shape();
        TrainingRule rule = cell.training();
        layout = new ParameterLayout(shape);
        parametrisation = Parametrisation.of(shape, rule);
        learningRate = new CellRate(rule, cell.data());
        divergence = new DivergenceMonitor(rule.divergence(), shape.vocabulary());
        this.network = network;
        listeners = new ListenerCalls(network, cell);
        vectors = NetworkVectors.of(network, kernels);
        gradientSquares = new GradientSquares(kernels, layout);
        boolean cut = microBatches.values().stream().anyMatch(each -> each.count() > 1);
        gradients = cut ? kernels.allocate(layout.length()) : vectors.gradients();
        transformer = new Transformer(
                kernels,
                layout,
                parametrisation,
                vectors.parameters(),
                gradients,
                microBatches.values().stream()
                        .mapToInt(MicroBatches::passSequences)
                        .max()
                        .orElseThrow(),
                rule.dropout());
        transformer.refresh();
        tensors = layout.tensors().stream().map(TensorState::new).toList();
        int tokens = Math.toIntExact(mostTokens(cell));
        inputs = new int[tokens];
        targets = new int[tokens];
        losses = new double[tokens];
    }

    /**
     * Prepares a cell at step 0 with its initial weights.
     *
     * @param microBatchSequences most sequences in one forward pass; 0 to choose by the cache model
     * @throws IllegalArgumentException when the model does not fit this kernel set, or it has no products of the cell's
     *     precision here, in one sentence
     */
    public static TrainingSession create(Cell cell, BatchSource source, KernelChoice kernels, int microBatchSequences) {
        return create(cell, source, KernelSets.open(kernels, cell.training().products()), microBatchSequences);
    }

    /** As {@link #create(Cell, BatchSource, KernelChoice, int)} on a set of the caller's, which the session closes. */
    public static TrainingSession create(Cell cell, BatchSource source, Kernels kernels, int microBatchSequences) {
        if (mostTokens(cell) > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "data.batchSequences = " + cell.data().mostSequences() + " with context "
                            + cell.shape().context() + " is a batch of " + mostTokens(cell)
                            + " tokens; the trainer takes fewer than 2^31");
        }
        Map<Integer, MicroBatches> microBatches = microBatches(cell, microBatchSequences);
        MultiLayerNetwork network = null;
        try {
            network = TransformerLanguageModel.of(cell);
            return new TrainingSession(cell, source, kernels, microBatches, network);
        } catch (RuntimeException | Error e) {
            // What was allocated before memory ran out.
            kernels.close();
            if (network != null) {
                NetworkVectors.close(network);
            }
            throw e;
        }
    }

    /** Tokens of the largest batch of any step. */
    private static long mostTokens(Cell cell) {
        return (long) cell.data().mostSequences() * cell.shape().context();
    }

    private static Map<Integer, MicroBatches> microBatches(Cell cell, int mostSequences) {
        IntStream before = cell.data().leadingStages().stream().mapToInt(BatchWarmup.Stage::batchSequences);
        return IntStream.concat(before, IntStream.of(cell.data().batchSequences()))
                .distinct()
                .boxed()
                .collect(Collectors.toMap(
                        Function.identity(), batch -> MicroBatches.of(cell.shape(), batch, mostSequences)));
    }

    /**
     * Makes the next optimiser step.
     *
     * @throws DivergenceException when loss or gradient are not finite (the parameters are then left as they were), or
     *     the loss stayed above the cell's divergence bound for its window
     * @throws ListenerException when a listener of the network throws
     */
    public StepRecord step() throws DivergenceException {
        long step = stepsDone + 1;
        source.batch(step, inputs, targets);
        int batch = cell.data().sequencesAt(step);
        int context = cell.shape().context();
        int tokens = batch * context;
        listeners.begin(step, inputs, targets);
        MicroBatches cuts = microBatches.get(batch);
        int count = cuts.count();
        long dropoutKey = RandomStream.key(randomSeed, "dropout", step, 0);
        float weight = (float) (1.0 / tokens);
        double smallSquares = 0;
        for (int microBatch = 0; microBatch < count; microBatch++) {
            kernels.zero(gradients);
            int begin = microBatch * cuts.sequences();
            int end = begin + cuts.sequences();
            for (int sequence = begin; sequence < end; sequence += cuts.passSequences()) {
                int sequences = Math.min(cuts.passSequences(), end - sequence);
                transformer.train(inputs, targets, sequence * context, sequences, weight, dropoutKey, losses);
            }
            if (gradients != vectors.gradients()) {
                gradientSquares.accumulate(
                        gradients, vectors.gradients(), microBatch == 0 ? Write.REPLACE : Write.ADD, squares);
                smallSquares += squares[0];
            } else {
                squares[1] = gradientSquares.of(gradients);
            }
        }
        // A micro-batch's gradient was weighted by 1/B, not 1/B_small.
        double gradientSquareSmall = count > 1 ? smallSquares * count : Double.NaN;
        double norm = Math.sqrt(squares[1]);
        double rate = learningRate.at(step);
        StepRecord record =
                new StepRecord(step, mean(losses, tokens), rate, norm, gradientSquareSmall, squares[1], tokens);
        Optional<String> diverged = divergence.check(record);
        if (diverged.isPresent()) {
            throw new DivergenceException(diverged.get(), record);
        }
        listeners.gradient(record.loss());
        update(step, rate, norm);
        stepsDone = step;
        listeners.end(step);
        return record;
    }

    /** Scores the first {@code maxTokens / context} (at least one) sequences, without dropout; no state changes. */
    public EvaluationResult evaluate(EvaluationSource evaluation, long maxTokens) {
        int context = cell.shape().context();
        int sequences = (int) Math.min(evaluation.sequences(), Math.max(1, maxTokens / context));
        int pass = transformer.maxSequences();
        int[] passInputs = new int[pass * context];
        int[] passTargets = new int[pass * context];
        double[] passLosses = new double[pass * context];
        double sum = 0;
        double sumOfSquares = 0;
        for (int first = 0; first < sequences; first += pass) {
            int count = Math.min(pass, sequences - first);
            for (int i = 0; i < count; i++) {
                evaluation.sequence(first + i, passInputs, passTargets, i * context);
            }
            transformer.score(passInputs, passTargets, 0, count, passLosses);
            for (int i = 0; i < count; i++) {
                double ofSequence = 0;
                for (int token = i * context; token < (i + 1) * context; token++) {
                    ofSequence += passLosses[token];
                }
                ofSequence /= context;
                sum += ofSequence;
                sumOfSquares += ofSequence * ofSequence;
            }
        }
        double mean = sum / sequences;
        double variance = Math.max(0, sumOfSquares / sequences - mean * mean) / (sequences - 1);
        return new EvaluationResult(mean, sequences > 1 ? Math.sqrt(variance) : Double.NaN, (long) sequences * context);
    }

    /** The run's state: live views of the session's memory, or copies where that is not on the host. */
    public TrainingState state() {
        return new TrainingState(
                stepsDone,
                divergence.stepsAboveBound(),
                vectors.parameters().bytes(),
                vectors.firstMoments().bytes(),
                vectors.secondMoments().bytes());
    }

    /**
     * Copies a state in; the next step is {@code state.step() + 1}.
     *
     * @throws IllegalArgumentException when the state is not of this cell's size
     */
    public void restore(TrainingState state) {
        long bytes = layout.length() * Float.BYTES;
        for (ByteBuffer vector : List.of(state.parameters(), state.firstMoments(), state.secondMoments())) {
            if (vector.remaining() != bytes) {
                throw new IllegalArgumentException("a state vector of " + vector.remaining()
                        + " bytes does not fit this model, whose vectors have " + bytes
                        + "; restore a state of the same cell");
            }
        }
        vectors.parameters().readFrom(state.parameters().duplicate());
        vectors.firstMoments().readFrom(state.firstMoments().duplicate());
        vectors.secondMoments().readFrom(state.secondMoments().duplicate());
        stepsDone = state.step();
        network.setIterationCount(Math.toIntExact(stepsDone));
        divergence.restore(state.stepsAboveBound());
        transformer.refresh();
    }

    /** Steps done. */
    public long stepsDone() {
        return stepsDone;
    }

    public ParameterLayout layout() {
        return layout;
    }

    /**
     * What is trained. Its listeners are told of every step; its vectors are the session's own, to be looked at between
     * steps and not to be changed.
     */
    public MultiLayerNetwork network() {
        return network;
    }

    /** Sequences whose mean gradient makes one |G_small|², of a batch of the cell's own size. */
    public int microBatchSequences() {
        return microBatches.get(cell.data().batchSequences()).sequences();
    }

    /** Name of the kernel set in use with what it found, for provenance. */
    public String kernels() {
        return kernels.describe();
    }

    /**
     * Why a run that ends with this evaluation loss has diverged, if it has: its loss is not finite or lies above the cell's
     * bound, however few steps it took to get there.
     */
    public Optional<String> divergedAtEnd(double evaluationLoss) {
        return divergence.atEnd(evaluationLoss);
    }

    /** Frees the off-heap memory. */
    @Override
    public void close() {
        kernels.close();
        listeners.close();
        NetworkVectors.close(network);
    }

    private void update(long step, double rate, double norm) {
        TrainingRule rule = cell.training();
        double clip = rule.gradientClip();
        double gradientScale = clip > 0 && norm > clip ? clip / norm : 1;
        double firstCorrection = 1 - StrictMath.pow(rule.beta1(), step);
        double secondCorrection = 1 - StrictMath.pow(rule.beta2(), step);
        for (TensorState state : tensors) {
            double scaled = rate * parametrisation.learningRateScale(state.tensor);
            double decay = state.tensor.decayed() ? rate * rule.weightDecay() : 0;
            kernels.adamw(
                    state.parameters,
                    state.gradients,
                    state.firstMoments,
                    state.secondMoments,
                    new AdamStep(
                            (float) gradientScale,
                            (float) rule.beta1(),
                            (float) (1 - rule.beta1()),
                            (float) rule.beta2(),
                            (float) (1 - rule.beta2()),
                            (float) rule.epsilon(),
                            (float) (scaled / firstCorrection),
                            (float) (1 / Math.sqrt(secondCorrection)),
                            (float) (1 - decay)));
        }
        transformer.refresh();
    }

    private static double mean(double[] values, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += values[i];
        }
        return sum / count;
    }

    private final class TensorState {
        final Tensor tensor;
        final Span parameters;
        final Span gradients;
        final Span firstMoments;
        final Span secondMoments;

        TensorState(Tensor tensor) {
            this.tensor = tensor;
            parameters = of(vectors.parameters());
            gradients = of(vectors.gradients());
            firstMoments = of(vectors.firstMoments());
            secondMoments = of(vectors.secondMoments());
        }

        private Span of(Span flat) {
            return flat.part(tensor.offset(), tensor.length());
        }
    }
}
