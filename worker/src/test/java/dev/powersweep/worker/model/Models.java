package dev.powersweep.worker.model;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Stream;

/** A Transformer with random parameters and tokens on a kernel set of the test's choice. */
public final class Models {

    private Models() {}

    public static final Kind GPT =
            new Kind(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED, false, 0);

    /** Choices that change the mathematics. */
    public record Kind(
            Activation activation,
            Positions positions,
            Normalization normalization,
            Embeddings embeddings,
            boolean mup,
            double dropout) {

        public ModelShape shape(int layers, int width, int heads, int feedForward, int context, int vocabulary) {
            return new ModelShape(
                    layers,
                    width,
                    heads,
                    feedForward,
                    context,
                    vocabulary,
                    activation,
                    positions,
                    normalization,
                    embeddings);
        }
    }

    /** Every combination of choices, with and without dropout: 64 kinds. */
    public static Stream<Kind> all() {
        return Stream.of(Activation.values()).flatMap(activation -> Stream.of(Positions.values())
                .flatMap(positions -> Stream.of(Normalization.values())
                        .flatMap(normalization -> Stream.of(Embeddings.values())
                                .flatMap(embeddings -> Stream.of(false, true).flatMap(mup -> Stream.of(0.0, 0.2)
                                        .map(dropout -> new Kind(
                                                activation, positions, normalization, embeddings, mup, dropout)))))));
    }

    public static TrainingRule rule(Kind kind, int width) {
        return new TrainingRule(
                1e-2,
                0,
                new Schedule.Constant(),
                0.9,
                0.99,
                1e-8,
                0.1,
                1,
                kind.dropout(),
                0.02,
                kind.mup() ? OptionalInt.of(width / 2) : OptionalInt.empty(),
                OptionalInt.empty(),
                TrainingRule.Divergence.DEFAULT);
    }

    /** The model with everything a gradient test needs. */
    public static final class Fixture {
        public final ParameterLayout layout;
        public final Span parameters;
        public final Span gradients;
        public final Transformer transformer;
        public final int[] inputs;
        public final int[] targets;
        public final double[] losses;
        public final int sequences;

        public Fixture(Kernels kernels, ModelShape shape, Kind kind, int sequences, long seed) {
            this.sequences = sequences;
            layout = new ParameterLayout(shape);
            parameters = kernels.allocate(layout.length());
            gradients = kernels.allocate(layout.length());
            transformer = new Transformer(
                    kernels,
                    layout,
                    Parametrisation.of(shape, rule(kind, shape.width())),
                    parameters,
                    gradients,
                    sequences,
                    kind.dropout());
            Random random = new Random(seed);
            for (ParameterLayout.Tensor tensor : layout.tensors()) {
                double deviation = tensor.decayed() ? 1 / Math.sqrt(tensor.rows() > 1 ? shape.width() : 1) : 0.3;
                double mean = tensor.role() == ParameterLayout.Role.GAIN ? 1 : 0;
                for (long i = 0; i < tensor.length(); i++) {
                    // Single precision, so that both precisions start from the same numbers.
                    parameters.set(tensor.offset() + i, (float) (mean + deviation * random.nextGaussian()));
                }
            }
            int tokens = sequences * shape.context();
            inputs = random.ints(tokens, 0, shape.vocabulary()).toArray();
            targets = random.ints(tokens, 0, shape.vocabulary()).toArray();
            losses = new double[tokens];
        }

        /** Mean loss; adds its gradient. */
        public double train() {
            transformer.refresh();
            transformer.train(inputs, targets, 0, sequences, 1f / inputs.length, 12345, losses);
            return mean();
        }

        /** Mean loss without dropout. */
        public double score() {
            transformer.refresh();
            transformer.score(inputs, targets, 0, sequences, losses);
            return mean();
        }

        private double mean() {
            double sum = 0;
            for (double loss : losses) {
                sum += loss;
            }
            return sum / losses.length;
        }
    }
}
