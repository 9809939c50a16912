package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.model.ParameterLayout.Role;
import dev.powersweep.worker.model.Parametrisation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;

/**
 * A decoder-only Transformer as a Deeplearning4j network:
 * {@code TransformerLanguageModel.builder().layers(4).width(128).vocabulary(256).build()}.
 *
 * <p>Features are token ids [sequences, context], labels the ids that follow (or one-hot [sequences, vocabulary,
 * context]); the score is the mean loss in nats per token. Parameters lie in the order of
 * {@link dev.powersweep.worker.model.ParameterLayout}.
 */
public final class TransformerLanguageModel {

    private TransformerLanguageModel() {}

    /** Two layers of width 64 with two heads, context 128, bytes, and all choices as GPT-2's. */
    public static Builder builder() {
        return new Builder();
    }

    /** The network that a cell trains, at its initial state, with Adam at the cell's rates. */
    public static MultiLayerNetwork of(Cell cell) {
        return builder().of(cell).build();
    }

    /**
     * A network that {@code ModelSerializer} or {@code powersweep export} wrote, ready to be trained on: with its updater's
     * state and its iteration. Of the file nothing is run, and no Java object is read.
     *
     * @throws IOException when the file cannot be read
     * @throws IllegalArgumentException in one sentence, when it holds another architecture, layers of another version, no
     *     updater state or numbers that are not finite
     */
    public static MultiLayerNetwork restore(Path zip) throws IOException {
        return StoredNetwork.read(zip, StoredNetwork.Purpose.TRAINING);
    }

    /** As {@link #restore}, for output and score alone: the file may be without an updater's state. */
    public static MultiLayerNetwork restoreForOutput(Path zip) throws IOException {
        return StoredNetwork.read(zip, StoredNetwork.Purpose.OUTPUT);
    }

    /** Collects choices; one builder makes one network. */
    public static final class Builder {
        private int layers = 2;
        private int width = 64;
        private int heads = 2;
        private Optional<Integer> feedForward = Optional.empty();
        private int context = 128;
        private int vocabulary = 256;
        private Activation activation = Activation.GELU;
        private Positions positions = Positions.LEARNED;
        private Normalization normalization = Normalization.LAYER_NORM;
        private Embeddings embeddings = Embeddings.TIED;
        private Optional<Parametrisation> parametrisation = Optional.empty();
        private double initialDeviation = 0.02;
        private double dropout;
        private long seed = 1;
        private DataType dataType = DataType.FLOAT;
        private IUpdater updater = new Adam(1e-3, 0.9, 0.95, 1e-8);
        private double weightDecay;

        private Builder() {}

        public Builder layers(int count) {
            layers = count;
            return this;
        }

        public Builder width(int numbers) {
            width = numbers;
            return this;
        }

        public Builder heads(int count) {
            heads = count;
            return this;
        }

        /** d_ff; 4·width unless given. */
        public Builder feedForward(int numbers) {
            feedForward = Optional.of(numbers);
            return this;
        }

        public Builder context(int tokens) {
            context = tokens;
            return this;
        }

        public Builder vocabulary(int kinds) {
            vocabulary = kinds;
            return this;
        }

        public Builder activation(Activation choice) {
            activation = choice;
            return this;
        }

        public Builder positions(Positions choice) {
            positions = choice;
            return this;
        }

        public Builder normalization(Normalization choice) {
            normalization = choice;
            return this;
        }

        public Builder embeddings(Embeddings choice) {
            embeddings = choice;
            return this;
        }

        /** Share dropped from embeddings and residual branches while training, in [0, 1). */
        public Builder dropout(double share) {
            dropout = share;
            return this;
        }

        /** Of initial weights and of dropout. */
        public Builder seed(long number) {
            seed = number;
            return this;
        }

        public Builder dataType(DataType type) {
            dataType = type;
            return this;
        }

        /** Any of Deeplearning4j's updaters, with any of its schedules. */
        public Builder updater(IUpdater choice) {
            updater = choice;
            return this;
        }

        /** Decoupled, times the rate; matrices and embeddings only. */
        public Builder weightDecay(double share) {
            weightDecay = share;
            return this;
        }

        /** Everything that a cell decides. */
        public Builder of(Cell cell) {
            ModelShape shape = cell.shape();
            layers = shape.layers();
            width = shape.width();
            heads = shape.heads();
            feedForward = Optional.of(shape.feedForward());
            context = shape.context();
            vocabulary = shape.vocabulary();
            activation = shape.activation();
            positions = shape.positions();
            normalization = shape.normalization();
            embeddings = shape.embeddings();
            parametrisation = Optional.of(Parametrisation.of(shape, cell.training()));
            initialDeviation = cell.training().initialStandardDeviation();
            dropout = cell.training().dropout();
            seed = cell.randomSeed();
            weightDecay = cell.training().weightDecay();
            updater = Adam.builder()
                    .learningRateSchedule(new CellRate(cell.training(), cell.data()))
                    .beta1(cell.training().beta1())
                    .beta2(cell.training().beta2())
                    .epsilon(cell.training().epsilon())
                    .build();
            return this;
        }

        /** @throws IllegalArgumentException when the choices make no model, in one sentence */
        public MultiLayerConfiguration configuration() {
            ModelShape shape = new ModelShape(
                    layers,
                    width,
                    heads,
                    feedForward.orElse(4 * width),
                    context,
                    vocabulary,
                    activation,
                    positions,
                    normalization,
                    embeddings);
            Parametrisation scales = parametrisation.orElse(Parametrisation.standard(shape, initialDeviation));
            NeuralNetConfiguration.Builder common = new NeuralNetConfiguration.Builder()
                    .seed(seed)
                    .optimizationAlgo(OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT)
                    .dataType(dataType)
                    // The score is a mean over tokens already.
                    .miniBatch(false)
                    .gradientNormalization(GradientNormalization.None)
                    .trainingWorkspaceMode(WorkspaceMode.NONE)
                    .inferenceWorkspaceMode(WorkspaceMode.NONE)
                    .updater(updater);
            if (weightDecay > 0) {
                common.weightDecay(weightDecay, true);
            }
            NeuralNetConfiguration.ListBuilder list = common.list();
            List<TransformerLayer> all = new ArrayList<>();
            all.add(new TokenEmbedding(shape, scales.standardDeviation(Role.EMBEDDING), dropout));
            for (int number = 0; number < layers; number++) {
                all.add(new TransformerBlock(shape, scales, number, dropout, all));
            }
            all.add(new LanguageModelHead(shape, scales, all));
            all.forEach(list::layer);
            return list.build();
        }

        /** An initialised network. */
        public MultiLayerNetwork build() {
            return AlignedNetwork.fresh(configuration());
        }
    }
}
