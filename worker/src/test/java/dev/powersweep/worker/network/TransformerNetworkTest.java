package dev.powersweep.worker.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import dev.powersweep.worker.model.Models;
import dev.powersweep.worker.model.Models.Fixture;
import dev.powersweep.worker.model.Models.Kind;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.listeners.CheckpointListener;
import org.deeplearning4j.optimize.listeners.EvaluativeListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.CycleSchedule;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.InverseSchedule;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.PolySchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.SigmoidSchedule;
import org.nd4j.linalg.schedule.StepSchedule;

/** Our layers under Deeplearning4j's own networks, loops and tools. */
class TransformerNetworkTest {

    private static final long SEED = Long.getLong("test.seed", 20260101);
    private static final int CONTEXT = 6;
    private static final int VOCABULARY = 11;

    @TempDir
    Path scratch;

    static Stream<Kind> kinds() {
        return Models.all().filter(kind -> !kind.mup());
    }

    private static TransformerLanguageModel.Builder small(Kind kind) {
        return TransformerLanguageModel.builder()
                .layers(2)
                .width(8)
                .heads(2)
                .feedForward(12)
                .context(CONTEXT)
                .vocabulary(VOCABULARY)
                .activation(kind.activation())
                .positions(kind.positions())
                .normalization(kind.normalization())
                .embeddings(kind.embeddings())
                .dropout(kind.dropout())
                .seed(SEED);
    }

    private static DataSet data(int sequences, long seed) {
        Random random = new Random(seed);
        INDArray features = Nd4j.create(DataType.FLOAT, sequences, CONTEXT);
        INDArray labels = Nd4j.create(DataType.FLOAT, sequences, CONTEXT);
        for (int sequence = 0; sequence < sequences; sequence++) {
            int token = random.nextInt(VOCABULARY);
            for (int i = 0; i < CONTEXT; i++) {
                features.putScalar(sequence, i, token);
                token = (3 * token + 1 + random.nextInt(2)) % VOCABULARY;
                labels.putScalar(sequence, i, token);
            }
        }
        return new DataSet(features, labels);
    }

    private static DataSetIterator batches(int count) {
        List<DataSet> all = new ArrayList<>();
        for (int batch = 0; batch < count; batch++) {
            all.add(data(4, SEED + batch));
        }
        return new ExistingDataSetIterator(all);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void gradientsPassDeeplearning4jsOwnCheck(Kind kind) {
        DataType before = Nd4j.dataType();
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
        try {
            checkGradients(kind);
        } finally {
            Nd4j.setDefaultDataTypes(before, before);
        }
    }

    private static void checkGradients(Kind kind) {
        MultiLayerNetwork network = small(kind)
                .layers(1)
                .dataType(DataType.DOUBLE)
                .updater(new NoOp())
                .build();
        Random random = new Random(SEED);
        for (long i = 0; i < network.numParams(); i++) {
            network.params().putScalar(i, network.params().getDouble(i) + 0.3 * random.nextGaussian());
        }
        DataSet data = data(2, SEED);
        assertThat(GradientCheckUtil.checkGradients(new GradientCheckUtil.MLNConfig()
                        .net(network)
                        .epsilon(1e-6)
                        .maxRelError(1e-3)
                        .minAbsoluteError(1e-8)
                        .print(GradientCheckUtil.PrintMode.ZEROS)
                        .exitOnFirstError(false)
                        .input(data.getFeatures().castTo(DataType.DOUBLE))
                        .labels(data.getLabels().castTo(DataType.DOUBLE))
                        .subset(true)
                        .maxPerParam(6)))
                .as("%s, seed %d", kind, SEED)
                .isTrue();
    }

    /** The sweeps' fused pass and the layers' give the same losses and gradients. */
    @ParameterizedTest
    @MethodSource("kinds")
    void lossAndGradientAreThoseOfTheFusedPass(Kind kind) {
        MultiLayerNetwork network = small(kind)
                .dropout(0)
                .dataType(DataType.DOUBLE)
                .updater(new NoOp())
                .build();
        Kind whole = new Kind(kind.activation(), kind.positions(), kind.normalization(), kind.embeddings(), false, 0);
        try (Kernels kernels = new Nd4jKernels(DataType.DOUBLE)) {
            Fixture fused = new Fixture(kernels, whole.shape(2, 8, 2, 12, CONTEXT, VOCABULARY), whole, 3, SEED);
            double loss = fused.train();
            long at = 0;
            for (Tensor tensor : fused.layout.tensors()) {
                for (long i = 0; i < tensor.length(); i++) {
                    network.params().putScalar(at++, fused.parameters.get(tensor.offset() + i));
                }
            }
            assertThat(at).isEqualTo(network.numParams());
            network.setInput(tokens(fused.inputs));
            network.setLabels(tokens(fused.targets));
            network.computeGradientAndScore();
            assertThat(network.score()).isCloseTo(loss, within(1e-9));
            at = 0;
            for (Tensor tensor : fused.layout.tensors()) {
                for (long i = 0; i < tensor.length(); i++) {
                    assertThat(network.getFlattenedGradients().getDouble(at++))
                            .as("%s of %s", tensor.name(), kind)
                            .isCloseTo(fused.gradients.get(tensor.offset() + i), within(1e-8));
                }
            }
        }
    }

    private static INDArray tokens(int[] ids) {
        return Nd4j.createFromArray(ids).castTo(DataType.DOUBLE).reshape('c', new long[] {ids.length / CONTEXT, CONTEXT
        });
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void configurationsSurviveTheirJson(Kind kind) {
        MultiLayerConfiguration configuration = small(kind).weightDecay(0.1).configuration();
        MultiLayerConfiguration read = MultiLayerConfiguration.fromJson(configuration.toJson());
        assertThat(read.toJson()).isEqualTo(configuration.toJson());
        MultiLayerNetwork first = new MultiLayerNetwork(configuration);
        MultiLayerNetwork second = new MultiLayerNetwork(read);
        first.init();
        second.init();
        INDArray features = data(2, 1).getFeatures();
        assertThat(second.output(features)).isEqualTo(first.output(features));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aRestoredNetworkGoesOnBitIdentically(Kind kind) throws Exception {
        MultiLayerNetwork network = small(kind)
                .updater(new Adam(new ExponentialSchedule(ScheduleType.ITERATION, 1e-2, 0.9)))
                .weightDecay(0.1)
                .build();
        network.fit(batches(3));
        Path file = scratch.resolve("model.zip");
        ModelSerializer.writeModel(network, file.toFile(), true);
        MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file.toFile(), true);
        assertThat(restored.params()).isEqualTo(network.params());
        network.fit(batches(3));
        restored.fit(batches(3));
        assertThat(restored.params()).isEqualTo(network.params());
        assertThat(restored.updaterState()).isEqualTo(network.updaterState());
    }

    static Stream<IUpdater> updaters() {
        return Stream.of(
                new Sgd(new StepSchedule(ScheduleType.ITERATION, 0.5, 0.9, 20)),
                new Nesterovs(new PolySchedule(ScheduleType.ITERATION, 0.1, 1, 100), 0.9),
                new RmsProp(new SigmoidSchedule(ScheduleType.ITERATION, 1e-2, 0.1, 30)),
                // Under a schedule its rate is NaN in M2.1, on any network; AdaBelief throws there.
                new AdaGrad(0.1),
                new AdaMax(new InverseSchedule(ScheduleType.ITERATION, 1e-2, 0.01, 1)),
                new Nadam(new MapSchedule(ScheduleType.ITERATION, Map.of(0, 1e-3, 20, 5e-4))),
                new AMSGrad(new CycleSchedule(ScheduleType.ITERATION, 1e-2, 40)),
                new AdaDelta());
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void everyUpdaterTrainsItUnderASchedule(IUpdater updater) throws Exception {
        MultiLayerNetwork network = small(Models.GPT).updater(updater).build();
        double before = network.score(data(16, 99));
        network.fit(batches(40));
        double after = network.score(data(16, 99));
        // It takes its rate from its own steps, which begin very small.
        assertThat(after).isLessThan(updater instanceof AdaDelta ? before : before - 0.1);
        Path file = scratch.resolve("model.zip");
        ModelSerializer.writeModel(network, file.toFile(), true);
        MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file.toFile(), true);
        network.fit(batches(2));
        restored.fit(batches(2));
        assertThat(restored.params()).isEqualTo(network.params());
    }

    @Test
    void deeplearning4jsListenersSeeItLearn() throws Exception {
        MultiLayerNetwork network = small(Models.GPT)
                .updater(new Adam(1e-2))
                .embeddings(Embeddings.UNTIED)
                .build();
        double before = network.score(data(16, 99));
        List<DataSet> oneHot = new ArrayList<>();
        DataSet held = data(4, 98);
        INDArray labels = Nd4j.zeros(DataType.FLOAT, 4, VOCABULARY, CONTEXT);
        for (int sequence = 0; sequence < 4; sequence++) {
            for (int i = 0; i < CONTEXT; i++) {
                labels.putScalar(new int[] {sequence, held.getLabels().getInt(sequence, i), i}, 1);
            }
        }
        oneHot.add(new DataSet(held.getFeatures(), labels));
        assertThat(network.score(oneHot.get(0))).isEqualTo(network.score(held));
        List<Double> scores = new ArrayList<>();
        BaseTrainingListener collector = new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                scores.add(model.score());
            }
        };
        network.setListeners(
                collector,
                new ScoreIterationListener(10),
                new PerformanceListener(10),
                new EvaluativeListener(new ExistingDataSetIterator(oneHot), 10),
                new CheckpointListener.Builder(scratch.toFile())
                        .keepLast(2)
                        .saveEveryNIterations(20)
                        .build());
        network.fit(batches(60));
        assertThat(scores).hasSize(60);
        assertThat(network.score(data(16, 99))).isLessThan(before - 1);
        assertThat(network.evaluate(new ExistingDataSetIterator(oneHot)).accuracy())
                .isGreaterThan(0.3);
        try (Stream<Path> files = Files.list(scratch)) {
            assertThat(files.filter(file -> file.toString().endsWith(".zip"))).hasSize(2);
        }
        assertThat(network.output(held.getFeatures()).sum(1).getDouble(0)).isCloseTo(1, within(1e-5));
    }

    @Test
    void tokensThatDoNotFitAreRefusedInASentence() {
        MultiLayerNetwork network = small(Models.GPT).updater(new Sgd(0.1)).build();
        assertThatThrownBy(() -> network.output(Nd4j.ones(2, CONTEXT).muli(VOCABULARY)))
                .hasMessageContaining("features hold the token 11.0, outside the network's vocabulary of 11");
        assertThatThrownBy(() -> network.output(Nd4j.ones(2, CONTEXT + 1)))
                .hasMessageContaining("features have windows of 7 tokens, and the network a context of 6");
        assertThatThrownBy(() ->
                        TransformerLanguageModel.builder().width(10).heads(3).build())
                .hasMessageContaining("model.heads = 3 must be a divisor of width = 10");
    }
}
