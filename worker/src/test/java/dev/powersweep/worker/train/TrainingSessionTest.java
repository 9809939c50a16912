package dev.powersweep.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.data.TokenIterator;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.model.RandomStream;
import dev.powersweep.worker.network.TransformerLanguageModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.listeners.CheckpointListener;
import org.deeplearning4j.optimize.listeners.EvaluativeListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

class TrainingSessionTest {

    private static final int CONTEXT = 16;
    private static final int VOCABULARY = 23;

    /** Every token follows from the one before, so that a model can learn all of it. */
    private static final class Cycle implements BatchSource, EvaluationSource {
        @Override
        public void batch(long step, int[] inputs, int[] targets) {
            for (int i = 0; i < inputs.length; i += CONTEXT) {
                fill((int) (RandomStream.bits(step, i) >>> 40), inputs, targets, i);
            }
        }

        @Override
        public int sequences() {
            return 9;
        }

        @Override
        public void sequence(int index, int[] inputs, int[] targets, int offset) {
            fill(index, inputs, targets, offset);
        }

        private static void fill(int start, int[] inputs, int[] targets, int offset) {
            for (int i = 0; i < CONTEXT; i++) {
                inputs[offset + i] = (start + 5 * i) % VOCABULARY;
                targets[offset + i] = (start + 5 * (i + 1)) % VOCABULARY;
            }
        }
    }

    private static Cell cell(double learningRate, double dropout, int batch, long steps) {
        return new Cell(
                ModelShape.gpt(2, 24, 2, CONTEXT, VOCABULARY),
                new DataRule("cycle", steps, batch, 10_000),
                new TrainingRule(
                        learningRate,
                        5,
                        new Schedule.Cosine(0.1),
                        0.9,
                        0.95,
                        1e-8,
                        0.1,
                        1,
                        dropout,
                        0.02,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        new TrainingRule.Divergence(0.5, 3)),
                new EvaluationRule(10, 1000, List.of("validation")),
                1);
    }

    private static TrainingSession open(Cell cell, int microBatch) {
        return TrainingSession.create(cell, new Cycle(), KernelChoice.FAST, microBatch);
    }

    @ParameterizedTest
    @EnumSource(names = {"FAST", "PORTABLE"})
    void trainingLearnsAPredictableSequenceOnEitherKernelSet(KernelChoice kernels) throws Exception {
        long steps = kernels == KernelChoice.FAST ? 80 : 40;
        Cell cell = cell(1e-2, 0, 4, steps);
        try (TrainingSession session = TrainingSession.create(cell, new Cycle(), kernels, 0)) {
            double untrained = session.evaluate(new Cycle(), 1000).loss();
            assertThat(untrained).isCloseTo(Math.log(VOCABULARY), within(0.1));
            for (int step = 0; step < steps; step++) {
                session.step();
            }
            EvaluationResult trained = session.evaluate(new Cycle(), 1000);
            assertThat(trained.loss()).isLessThan(1);
            assertThat(trained.tokens()).isEqualTo(9 * CONTEXT);
        }
    }

    @Test
    void bothKernelSetsTakeTheSameSteps() throws Exception {
        Cell cell = cell(1e-3, 0.1, 4, 10);
        try (TrainingSession fast = TrainingSession.create(cell, new Cycle(), KernelChoice.FAST, 0);
                TrainingSession portable = TrainingSession.create(cell, new Cycle(), KernelChoice.PORTABLE, 0)) {
            for (int step = 0; step < 5; step++) {
                StepRecord a = fast.step();
                StepRecord b = portable.step();
                assertThat(a.loss()).isCloseTo(b.loss(), within(1e-5));
                assertThat(a.gradientNorm()).isCloseTo(b.gradientNorm(), within(1e-4 * b.gradientNorm()));
                assertThat(a.gradientSquareSmall())
                        .isCloseTo(b.gradientSquareSmall(), within(1e-3 * b.gradientSquareSmall()));
            }
        }
    }

    @Test
    void sameCellGivesTheSameBits() throws Exception {
        Cell cell = cell(1e-2, 0.1, 6, 20);
        assertThat(run(cell, 12)).isEqualTo(run(cell, 12));
    }

    @Test
    void resumedRunContinuesWithTheSameBits() throws Exception {
        Cell cell = cell(1e-2, 0.1, 6, 20);
        List<StepRecord> whole = run(cell, 12);
        for (int stop : new int[] {1, 5, 11}) {
            TrainingState saved;
            try (TrainingSession first = open(cell, 0)) {
                for (int step = 0; step < stop; step++) {
                    first.step();
                }
                saved = copy(first.state());
            }
            try (TrainingSession second = open(cell, 0)) {
                second.restore(saved);
                assertThat(second.stepsDone()).isEqualTo(stop);
                List<StepRecord> rest = new ArrayList<>();
                while (second.stepsDone() < whole.size()) {
                    rest.add(second.step());
                }
                assertThat(rest).isEqualTo(whole.subList(stop, whole.size()));
            }
        }
    }

    @Test
    void aRunThatWarmsItsBatchUpResumesWithTheSameBitsInEveryStage() throws Exception {
        Cell cell = warmed(cell(1e-2, 0.1, 8, 20), new BatchWarmup.Stage(3, 1, 0.5), new BatchWarmup.Stage(4, 3, 0.7));
        List<StepRecord> whole = run(cell, 12);
        assertThat(whole.stream().map(StepRecord::tokens))
                .containsExactly(16L, 16L, 16L, 48L, 48L, 48L, 48L, 128L, 128L, 128L, 128L, 128L);
        for (int stop : new int[] {1, 3, 5, 7, 9}) {
            TrainingState saved;
            try (TrainingSession first = open(cell, 0)) {
                for (int step = 0; step < stop; step++) {
                    first.step();
                }
                saved = copy(first.state());
            }
            try (TrainingSession second = open(cell, 0)) {
                second.restore(saved);
                List<StepRecord> rest = new ArrayList<>();
                while (second.stepsDone() < whole.size()) {
                    rest.add(second.step());
                }
                assertThat(rest).as("stopped after %d steps", stop).isEqualTo(whole.subList(stop, whole.size()));
            }
        }
    }

    /** Whatever the passes: loss, gradient, |G_small|² and rate of a stage are those of a run that had its batch always. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8})
    void eachStageOfABatchWarmupStepsAsARunOfThatBatchDoes(int mostSequences) throws Exception {
        Cell plain = cell(1e-2, 0, 8, 20);
        Cell cell = warmed(plain, new BatchWarmup.Stage(2, 1, 1), new BatchWarmup.Stage(2, 4, 1));
        int[] batches = {1, 1, 4, 4, 8, 8};
        try (TrainingSession session = open(cell, mostSequences)) {
            for (int batch : batches) {
                TrainingState before = copy(session.state());
                StepRecord record = session.step();
                try (TrainingSession constant = open(cell(1e-2, 0, batch, 20), mostSequences)) {
                    constant.restore(before);
                    assertThat(record).isEqualTo(constant.step());
                    assertThat(session.state().parameters())
                            .isEqualTo(constant.state().parameters());
                }
            }
        }
    }

    @Test
    void listenersAreShownTheSmallerBatchesOfAWarmUp() throws Exception {
        Cell cell = warmed(cell(1e-2, 0, 8, 20), new BatchWarmup.Stage(1, 2, 1), new BatchWarmup.Stage(1, 4, 1));
        List<Integer> batches = new ArrayList<>();
        List<Double> scores = new ArrayList<>();
        try (TrainingSession session = open(cell, 0)) {
            session.network().setListeners(new BaseTrainingListener() {
                @Override
                public void onGradientCalculation(Model model) {
                    MultiLayerNetwork network = (MultiLayerNetwork) model;
                    batches.add(model.batchSize());
                    scores.add(network.score(new DataSet(network.getInput(), network.getLabels())));
                }
            });
            for (int step = 0; step < 3; step++) {
                assertThat(session.step().loss()).isCloseTo(scores.get(step), within(1e-4));
            }
        }
        assertThat(batches).containsExactly(2, 4, 8);
    }

    private static Cell warmed(Cell cell, BatchWarmup.Stage... stages) {
        DataRule data = cell.data();
        DataRule rule = new DataRule(
                data.corpusHash(),
                data.steps(),
                data.batchSequences(),
                data.uniqueTokens(),
                Optional.of(new BatchWarmup(List.of(stages))));
        return new Cell(cell.shape(), rule, cell.training(), cell.evaluation(), cell.seed());
    }

    /** What the session trains is the network itself: no second copy of its vectors, no second initial state. */
    @Test
    void theNetworksOwnVectorsAreTrained() throws Exception {
        Cell cell = cell(1e-2, 0, 6, 20);
        MultiLayerNetwork untrained = TransformerLanguageModel.of(cell);
        try (TrainingSession session = open(cell, 0)) {
            MultiLayerNetwork network = session.network();
            assertThat(network.params()).isEqualTo(untrained.params());
            session.step();
            assertThat(network.params()).isNotEqualTo(untrained.params());
            assertThat(network.getIterationCount()).isEqualTo(1);
            TrainingState state = session.state();
            int length = (int) network.numParams();
            assertThat(network.params().toFloatVector()).isEqualTo(floats(state.parameters()));
            assertThat(network.updaterState().toFloatVector())
                    .startsWith(floats(state.firstMoments()))
                    .endsWith(floats(state.secondMoments()))
                    .hasSize(2 * length);
            network.params().putScalar(length - 1, 0.5);
            assertThat(session.state().parameters().getFloat(4 * (length - 1))).isEqualTo(0.5f);
        }
    }

    /** The network scores by its layers what the session scores by the fused pass. */
    @Test
    void theNetworkScoresWhatTheSessionScores() throws Exception {
        Cell cell = cell(1e-2, 0, 6, 20);
        try (TrainingSession session = open(cell, 0)) {
            for (int step = 0; step < 5; step++) {
                session.step();
            }
            int sequences = new Cycle().sequences();
            int[] inputs = new int[sequences * CONTEXT];
            int[] targets = new int[sequences * CONTEXT];
            for (int i = 0; i < sequences; i++) {
                new Cycle().sequence(i, inputs, targets, i * CONTEXT);
            }
            double score = session.network().score(new DataSet(tokens(inputs), tokens(targets)));
            assertThat(score).isCloseTo(session.evaluate(new Cycle(), 1000).loss(), within(1e-5));
        }
    }

    private static INDArray tokens(int[] ids) {
        return Nd4j.createFromArray(ids).reshape('c', new long[] {ids.length / CONTEXT, CONTEXT});
    }

    @Test
    void listenersSeeEveryStepAndChangeNothing() throws Exception {
        Cell cell = cell(1e-2, 0.1, 6, 20);
        List<StepRecord> plain = run(cell, 12);
        List<String> heard = new ArrayList<>();
        List<StepRecord> steps = new ArrayList<>();
        try (TrainingSession session = open(cell, 0)) {
            session.network().setListeners(new BaseTrainingListener() {
                @Override
                public void onEpochStart(Model model) {
                    heard.add("epoch " + ((MultiLayerNetwork) model).getEpochCount());
                }

                @Override
                public void onGradientCalculation(Model model) {
                    double norm = model.gradient().gradient().norm2Number().doubleValue();
                    double ofTensors = Math.sqrt(model.gradient().gradientForVariable().values().stream()
                            .mapToDouble(tensor -> Math.pow(tensor.norm2Number().doubleValue(), 2))
                            .sum());
                    assertThat(norm).isCloseTo(plain.get(steps.size()).gradientNorm(), within(1e-4));
                    assertThat(ofTensors).isCloseTo(norm, within(1e-4));
                    assertThat(model.batchSize()).isEqualTo(6);
                }

                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    heard.add(iteration + " " + epoch + " " + model.score());
                }
            });
            for (int step = 0; step < 12; step++) {
                steps.add(session.step());
            }
        }
        assertThat(steps).isEqualTo(plain);
        List<String> expected = new ArrayList<>(List.of("epoch 0"));
        for (StepRecord step : plain) {
            expected.add((step.step() - 1) + " 0 " + step.loss());
        }
        assertThat(heard).isEqualTo(expected);
    }

    /** They run the network's layers and write it out in the middle of the session's own pass. */
    @Test
    void deeplearning4jsListenersEvaluateAndSaveAndChangeNothing(@TempDir Path folder) throws Exception {
        Cell cell = cell(1e-2, 0.1, 6, 20);
        List<StepRecord> plain = run(cell, 12);
        int[] tokens =
                IntStream.range(0, 5 * CONTEXT + 1).map(i -> 5 * i % VOCABULARY).toArray();
        EvaluativeListener evaluations = new EvaluativeListener(
                TokenIterator.of(tokens, VOCABULARY, CONTEXT, 2).oneHot(), 4);
        try (TrainingSession session = open(cell, 0)) {
            session.network()
                    .setListeners(
                            new ScoreIterationListener(5),
                            new PerformanceListener(5),
                            evaluations,
                            new CheckpointListener.Builder(folder.toFile())
                                    .keepAll()
                                    .saveEveryNIterations(5)
                                    .build());
            for (StepRecord expected : plain) {
                assertThat(session.step()).isEqualTo(expected);
                if (expected.step() == 11) {
                    String newest =
                            CheckpointListener.lastCheckpoint(folder.toFile()).getFilename();
                    MultiLayerNetwork saved = TransformerLanguageModel.restore(folder.resolve(newest));
                    assertThat(saved.params()).isEqualTo(session.network().params());
                    assertThat(saved.updaterState()).isEqualTo(session.network().updaterState());
                }
            }
        }
        assertThat(((Evaluation) evaluations.getEvaluations()[0]).accuracy()).isBetween(0.0, 1.0);
    }

    @Test
    void epochsBeginWhereTheRingDoes() throws Exception {
        Cell cell = cell(1e-2, 0, 6, 20);
        // Ten windows an epoch, six a step: steps begin at the windows 0, 6, 12, 18, 24, 30.
        Cell small = new Cell(
                cell.shape(), new DataRule("cycle", 20, 6, 10 * CONTEXT), cell.training(), cell.evaluation(), 1);
        List<String> heard = new ArrayList<>();
        try (TrainingSession session = open(small, 0)) {
            session.network().setListeners(new BaseTrainingListener() {
                @Override
                public void onEpochStart(Model model) {
                    heard.add("start " + ((MultiLayerNetwork) model).getEpochCount());
                }

                @Override
                public void onEpochEnd(Model model) {
                    heard.add("end " + ((MultiLayerNetwork) model).getEpochCount());
                }

                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    heard.add(Integer.toString(iteration));
                }
            });
            for (int step = 0; step < 5; step++) {
                session.step();
            }
        }
        assertThat(heard)
                .containsExactly("start 0", "0", "1", "end 0", "start 1", "2", "3", "end 1", "start 2", "4", "end 2");
    }

    @Test
    void aListenerThatThrowsIsNamed() {
        try (TrainingSession session = open(cell(1e-2, 0, 6, 20), 0)) {
            session.network().setListeners(new Stumbler());
            assertThatThrownBy(session::step)
                    .isInstanceOf(ListenerException.class)
                    .hasMessage("the training listener " + Stumbler.class.getName()
                            + " threw java.lang.IllegalStateException: no more");
        }
    }

    private static final class Stumbler extends BaseTrainingListener {
        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            throw new IllegalStateException("no more");
        }
    }

    @Test
    void evaluationChangesNothing() throws Exception {
        Cell cell = cell(1e-2, 0.1, 6, 20);
        List<StepRecord> plain = run(cell, 6);
        try (TrainingSession session = open(cell, 0)) {
            for (StepRecord expected : plain) {
                assertThat(session.step()).isEqualTo(expected);
                assertThat(session.evaluate(new Cycle(), 5 * CONTEXT))
                        .isEqualTo(session.evaluate(new Cycle(), 5 * CONTEXT));
            }
        }
    }

    @Test
    void anyMicroBatchGivesTheSameGradient() throws Exception {
        Cell cell = cell(1e-2, 0.1, 12, 20);
        StepRecord whole;
        try (TrainingSession session = open(cell, 12)) {
            whole = session.step();
        }
        assertThat(whole.gradientSquareSmall()).isNaN();
        StepRecord halves;
        try (TrainingSession session = open(cell, 0)) {
            assertThat(session.microBatchSequences()).isEqualTo(6);
            halves = session.step();
        }
        for (int most : new int[] {1, 2, 3, 5, 6}) {
            try (TrainingSession session = open(cell, most)) {
                StepRecord cut = session.step();
                assertThat(cut.loss()).isCloseTo(whole.loss(), within(1e-6));
                assertThat(cut.gradientNorm()).isCloseTo(whole.gradientNorm(), within(1e-5 * whole.gradientNorm()));
                // Less memory changes the passes, not what is measured.
                assertThat(session.microBatchSequences()).isEqualTo(6);
                assertThat(cut.gradientSquareSmall())
                        .isGreaterThan(cut.gradientSquareBig())
                        .isCloseTo(halves.gradientSquareSmall(), within(1e-4 * halves.gradientSquareSmall()));
            }
        }
    }

    /** With β₁ = 0 and no clipping the first moments are the batch's gradient. */
    @Test
    void aBatchsGradientIsTheSumOfItsMicroBatchesInOrderToTheLastBit() throws Exception {
        int sequences = 2;
        int count = 2;
        ByteBuffer initial;
        float[] whole;
        try (TrainingSession session =
                TrainingSession.create(bareGradient(sequences * count), part(0), KernelChoice.FAST, sequences)) {
            initial = copy(session.state().parameters());
            session.step();
            whole = floats(session.state().firstMoments());
        }
        float[] sum = new float[whole.length];
        for (int microBatch = 0; microBatch < count; microBatch++) {
            try (TrainingSession session = TrainingSession.create(
                    bareGradient(sequences), part(microBatch * sequences), KernelChoice.FAST, sequences)) {
                TrainingState fresh = session.state();
                session.restore(new TrainingState(
                        0, 0, initial.duplicate(), copy(fresh.firstMoments()), copy(fresh.secondMoments())));
                session.step();
                float[] gradient = floats(session.state().firstMoments());
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += gradient[i];
                }
            }
        }
        for (int i = 0; i < sum.length; i++) {
            // Weighted by one over the batch: a power of two, so that no bit changes.
            assertThat(whole[i]).isEqualTo(sum[i] / count);
        }
        assertThat(whole).isNotEqualTo(new float[whole.length]);
    }

    /** Sequences from {@code first} on. */
    private static BatchSource part(int first) {
        return (step, inputs, targets) -> {
            for (int i = 0; i < inputs.length; i += CONTEXT) {
                Cycle.fill(7 * (first + i / CONTEXT), inputs, targets, i);
            }
        };
    }

    private static Cell bareGradient(int batch) {
        Cell cell = cell(1e-3, 0, batch, 10);
        TrainingRule rule = cell.training();
        return new Cell(
                cell.shape(),
                cell.data(),
                new TrainingRule(
                        rule.peakLearningRate(),
                        0,
                        rule.schedule(),
                        0,
                        rule.beta2(),
                        rule.epsilon(),
                        0,
                        0,
                        0,
                        0.3,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        rule.divergence()),
                cell.evaluation(),
                cell.seed());
    }

    private static float[] floats(ByteBuffer bytes) {
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    @Test
    void equalSequencesHaveNoGradientNoise() throws Exception {
        BatchSource constant = (step, inputs, targets) -> {
            for (int i = 0; i < inputs.length; i += CONTEXT) {
                Cycle.fill(3, inputs, targets, i);
            }
        };
        try (TrainingSession session = TrainingSession.create(cell(1e-2, 0, 8, 20), constant, KernelChoice.FAST, 2)) {
            StepRecord step = session.step();
            assertThat(step.gradientSquareSmall())
                    .isCloseTo(step.gradientSquareBig(), within(1e-5 * step.gradientSquareBig()));
        }
    }

    @Test
    void aRunThatStaysAboveItsBoundDivergesAtTheEndOfTheWindow() throws Exception {
        try (TrainingSession session = open(cell(30, 0, 4, 200), 0)) {
            assertThatThrownBy(() -> {
                        for (int step = 0; step < 200; step++) {
                            session.step();
                        }
                    })
                    .isInstanceOf(DivergenceException.class)
                    .hasMessageMatching("loss .* at step \\d+(: above .* for 3 steps| are not both finite)");
        }
    }

    @Test
    void nonFiniteLossDivergesAtOnceAndLeavesTheParameters() throws Exception {
        Cell cell = cell(1e-2, 0, 4, 20);
        try (TrainingSession session = open(cell, 0)) {
            session.step();
            TrainingState poisoned = copy(session.state());
            poisoned.parameters().putFloat(0, Float.NaN);
            session.restore(poisoned);
            assertThatThrownBy(session::step)
                    .isInstanceOf(DivergenceException.class)
                    .hasMessageContaining("not both finite");
            assertThat(session.stepsDone()).isEqualTo(1);
        }
    }

    @Test
    void aStateOfAnotherModelIsRefused() {
        try (TrainingSession session = open(cell(1e-2, 0, 4, 20), 0)) {
            ByteBuffer small = ByteBuffer.allocate(12);
            assertThatThrownBy(() -> session.restore(new TrainingState(1, 0, small, small, small)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("a state vector of 12 bytes does not fit this model");
        }
    }

    private static List<StepRecord> run(Cell cell, int steps) throws DivergenceException {
        List<StepRecord> records = new ArrayList<>();
        try (TrainingSession session = open(cell, 0)) {
            for (int step = 0; step < steps; step++) {
                records.add(session.step());
            }
        }
        return records;
    }

    private static TrainingState copy(TrainingState state) {
        return new TrainingState(
                state.step(),
                state.stepsAboveBound(),
                copy(state.parameters()),
                copy(state.firstMoments()),
                copy(state.secondMoments()));
    }

    private static ByteBuffer copy(ByteBuffer buffer) {
        return ByteBuffer.allocate(buffer.remaining())
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(buffer.duplicate())
                .flip();
    }
}
