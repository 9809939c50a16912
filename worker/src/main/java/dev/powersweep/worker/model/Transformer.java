package dev.powersweep.worker.model;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.Dropout;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.EmbeddingTables;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.LinearMap;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Norm;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Forward and backward pass of a pre-norm decoder-only Transformer (Radford et al. 2019, without linear biases) on
 * preallocated memory for a fixed number of sequences.
 *
 * <p>Assumes one thread, and that {@link #refresh} is called after every change of the parameters.
 */
public final class Transformer {

    /** Logits are made for so many rows at a time that their block stays in the second-level cache. */
    private static final int LOGITS_AT_ONCE = 1 << 17;

    private static final int FEWEST_LOGIT_ROWS = 64;

    private final Kernels kernels;
    private final ModelShape shape;
    private final AttentionShape attentionShape;
    private final float logitScale;
    private final int maxSequences;
    private final Dropout dropout;

    private final EmbeddingTables embedding;
    private final EmbeddingTables dEmbedding;
    private final LinearMap unembedding;
    private final NormSite finalNorm;
    private final Layer[] layers;

    /** The residual stream before each branch and at the end, [rows, width] each. */
    private final Matrix[] residual;

    private final int headRows;
    private final Matrix[] finalNormedBlocks;
    private final Matrix[] dFinalNormedBlocks;
    private final Matrix logits;

    private final Matrix branch;
    private final Matrix dResidual;
    private final Matrix dNormed;
    /** Empty where nothing is dropped. */
    private final Optional<Matrix> dDropped;

    private final Matrix dHidden;
    private final Matrix dQkv;
    private final Matrix dAttended;

    /**
     * @param parameters flat vector laid out by {@code layout}
     * @param gradients the same for gradients; passes add to it
     * @param maxSequences most sequences of one pass
     * @param dropout share dropped in training passes, in [0, 1)
     */
    public Transformer(
            Kernels kernels,
            ParameterLayout layout,
            Parametrisation parametrisation,
            Span parameters,
            Span gradients,
            int maxSequences,
            double dropout) {
        this.kernels = kernels;
        this.maxSequences = maxSequences;
        shape = layout.shape();
        attentionShape = new AttentionShape(
                shape.context(), shape.heads(), shape.width() / shape.heads(), parametrisation.attentionScale());
        logitScale = parametrisation.logitScale();
        this.dropout = Dropout.of(dropout);

        int rows = Math.multiplyExact(maxSequences, shape.context());
        int width = shape.width();
        embedding = tables(parameters, layout);
        dEmbedding = tables(gradients, layout);
        finalNorm = new NormSite(parameters, gradients, layout.finalNorm(), rows);
        layers = new Layer[shape.layers()];
        for (int i = 0; i < layers.length; i++) {
            layers[i] = new Layer(layout.block(i), parameters, gradients, rows);
        }
        residual = new Matrix[2 * layers.length + 1];
        for (int i = 0; i < residual.length; i++) {
            residual[i] = kernels.allocate(rows, width);
        }
        headRows = Math.min(rows, Math.max(FEWEST_LOGIT_ROWS, LOGITS_AT_ONCE / shape.vocabulary() / 16 * 16));
        logits = kernels.allocate(headRows, shape.vocabulary());
        unembedding = kernels.linearMap(
                part(parameters, layout.unembedding()),
                part(gradients, layout.unembedding()),
                new LinearMap.Shape(shape.width(), shape.vocabulary(), LinearMap.Layout.BY_OUTPUT, headRows));

        branch = kernels.allocate(rows, width);
        dResidual = kernels.allocate(rows, width);
        dNormed = kernels.allocate(rows, width);
        dDropped = this.dropout == Dropout.NONE ? Optional.empty() : Optional.of(kernels.allocate(rows, width));
        dHidden = kernels.allocate(rows, shape.feedForward());
        dQkv = kernels.allocate(rows, 3 * width);
        dAttended = kernels.allocate(rows, width);
        finalNormedBlocks = rowBlocks(finalNorm.normed);
        dFinalNormedBlocks = rowBlocks(dNormed);
    }

    /** Most sequences of one pass. */
    public int maxSequences() {
        return maxSequences;
    }

    /** Renews what is derived from the parameters. */
    public void refresh() {
        unembedding.refresh();
        for (Layer layer : layers) {
            layer.qkv.refresh();
            layer.attentionOut.refresh();
            layer.up.refresh();
            layer.down.refresh();
        }
    }

    /**
     * Scores sequences without dropout.
     *
     * @param inputs tokens, [sequences, context] from {@code from} on
     * @param targets the same shape and place
     * @param losses receives each token's loss in nats, at the same place
     */
    public void score(int[] inputs, int[] targets, int from, int sequences, double[] losses) {
        forward(inputs, from, sequences, Dropout.NONE, 0);
        head(targets, from, sequences, 0, losses);
    }

    /**
     * Scores sequences and adds {@code weight} times the gradient of their summed loss to the gradient vector.
     *
     * @param dropoutKey differs for every step; unused without dropout
     */
    public void train(
            int[] inputs, int[] targets, int from, int sequences, float weight, long dropoutKey, double[] losses) {
        forward(inputs, from, sequences, dropout, dropoutKey);
        head(targets, from, sequences, weight, losses);
        backward(inputs, from, sequences, dropoutKey);
    }

    private void forward(int[] inputs, int from, int sequences, Dropout dropped, long key) {
        int rows = sequences * shape.context();
        kernels.embed(inputs, from, embedding, site(dropped, key, 0, from), residual[0].first(rows));
        for (int i = 0; i < layers.length; i++) {
            Layer layer = layers[i];
            NormSite norm = layer.attentionNorm;
            if (i == 0) {
                kernels.normalise(
                        residual[0].first(rows), norm.parameters, norm.normed.first(rows), norm.statistics.first(rows));
            } else {
                addNormalise(2 * i, site(dropped, key, 2 * i, from), norm, rows);
            }
            Matrix packed = layer.packed.first(rows);
            layer.qkv.forward(norm.normed.first(rows), packed);
            if (shape.positions() == Positions.ROTARY) {
                kernels.rotate(packed, attentionShape, 1);
            }
            Matrix attended = layer.attended.first(rows);
            kernels.attention(packed, layer.probabilities, attended, attentionShape);
            layer.attentionOut.forward(attended, branch.first(rows));
            norm = layer.feedForwardNorm;
            addNormalise(2 * i + 1, site(dropped, key, 2 * i + 1, from), norm, rows);
            Matrix hidden = layer.hidden.first(rows);
            layer.up.forward(norm.normed.first(rows), hidden);
            kernels.activate(hidden, layer.derivative.first(rows), shape.activation());
            layer.down.forward(hidden, branch.first(rows));
        }
        int last = residual.length - 1;
        addNormalise(last, site(dropped, key, last, from), finalNorm, rows);
    }

    private void head(int[] targets, int from, int sequences, float weight, double[] losses) {
        int rows = sequences * shape.context();
        for (int row = 0, block = 0; row < rows; row += headRows, block++) {
            int count = Math.min(headRows, rows - row);
            Matrix normed = finalNormedBlocks[block].first(count);
            Matrix scores = logits.first(count);
            unembedding.forward(normed, scores);
            kernels.crossEntropy(scores, targets, from + row, logitScale, weight, losses);
            if (weight != 0) {
                unembedding.backward(normed, scores, dFinalNormedBlocks[block].first(count));
            }
        }
    }

    private void backward(int[] inputs, int from, int sequences, long key) {
        int rows = sequences * shape.context();
        int last = residual.length - 1;
        normaliseBackward(last, finalNorm, Write.REPLACE, rows);
        for (int i = layers.length - 1; i >= 0; i--) {
            Layer layer = layers[i];
            Matrix dInner = dHidden.first(rows);
            layer.down.backward(layer.hidden.first(rows), branchGradient(key, 2 * i + 2, from, rows), dInner);
            kernels.multiply(dInner, layer.derivative.first(rows));
            layer.up.backward(layer.feedForwardNorm.normed.first(rows), dInner, dNormed.first(rows));
            normaliseBackward(2 * i + 1, layer.feedForwardNorm, Write.ADD, rows);
            Matrix dOut = dAttended.first(rows);
            layer.attentionOut.backward(layer.attended.first(rows), branchGradient(key, 2 * i + 1, from, rows), dOut);
            Matrix dPacked = dQkv.first(rows);
            kernels.attentionBackward(layer.packed.first(rows), layer.probabilities, dOut, dPacked, attentionShape);
            if (shape.positions() == Positions.ROTARY) {
                kernels.rotate(dPacked, attentionShape, -1);
            }
            layer.qkv.backward(layer.attentionNorm.normed.first(rows), dPacked, dNormed.first(rows));
            normaliseBackward(2 * i, layer.attentionNorm, Write.ADD, rows);
        }
        kernels.embedBackward(inputs, from, dResidual.first(rows), site(dropout, key, 0, from), dEmbedding);
    }

    private Matrix branchGradient(long key, int site, int from, int rows) {
        Matrix whole = dResidual.first(rows);
        if (site(dropout, key, site, from) instanceof DropoutMask mask) {
            Matrix kept = dDropped.orElseThrow().first(rows);
            kernels.drop(whole, mask, kept);
            return kept;
        }
        return whole;
    }

    /** Makes {@code residual[to]} of the one before it and the branch, and norms it. */
    private void addNormalise(int to, Dropout dropped, NormSite norm, int rows) {
        kernels.addNormalise(
                residual[to - 1].first(rows),
                branch.first(rows),
                dropped,
                residual[to].first(rows),
                norm.parameters,
                norm.normed.first(rows),
                norm.statistics.first(rows));
    }

    private void normaliseBackward(int of, NormSite norm, Write write, int rows) {
        kernels.normaliseBackward(
                dNormed.first(rows),
                residual[of].first(rows),
                norm.statistics.first(rows),
                norm.parameters,
                norm.gradients,
                dResidual.first(rows),
                write);
    }

    /** Site 0 is the embedding, site s ≥ 1 the branch added to make {@code residual[s]}. */
    private Dropout site(Dropout dropped, long key, int site, int from) {
        return dropped.at(RandomStream.bits(key, site), (long) from * shape.width());
    }

    private Matrix[] rowBlocks(Matrix x) {
        List<Matrix> blocks = new ArrayList<>();
        for (int row = 0; row < x.rows(); row += headRows) {
            int count = Math.min(headRows, x.rows() - row);
            long from = (long) row * x.columns();
            blocks.add(new Matrix(x.data().part(from, (long) count * x.columns()), count, x.columns()));
        }
        return blocks.toArray(Matrix[]::new);
    }

    private static EmbeddingTables tables(Span flat, ParameterLayout layout) {
        return new EmbeddingTables(
                matrix(flat, layout.tokenEmbedding()),
                Optional.ofNullable(layout.positionEmbedding()).map(tensor -> matrix(flat, tensor)));
    }

    private static Norm norm(Span flat, ParameterLayout.Norm norm) {
        return new Norm(
                part(flat, norm.gain()), Optional.ofNullable(norm.bias()).map(bias -> part(flat, bias)));
    }

    private static Matrix matrix(Span flat, Tensor tensor) {
        return new Matrix(part(flat, tensor), tensor.rows(), tensor.columns());
    }

    private static Span part(Span flat, Tensor tensor) {
        return flat.part(tensor.offset(), tensor.length());
    }

    /** A norm's parameters, their gradients, and what its forward pass leaves. */
    private final class NormSite {
        final Norm parameters;
        final Norm gradients;
        final Matrix normed;
        final Matrix statistics;

        NormSite(Span parameters, Span gradients, ParameterLayout.Norm norm, int rows) {
            this.parameters = norm(parameters, norm);
            this.gradients = norm(gradients, norm);
            normed = kernels.allocate(rows, shape.width());
            statistics = kernels.allocate(rows, 2);
        }
    }

    private LinearMap map(Tensor tensor, Span parameters, Span gradients, int rows) {
        return kernels.linearMap(
                part(parameters, tensor),
                part(gradients, tensor),
                new LinearMap.Shape(tensor.rows(), tensor.columns(), LinearMap.Layout.BY_INPUT, rows));
    }

    /** One block's parameters and what its forward pass leaves for its backward pass. */
    private final class Layer {
        final NormSite attentionNorm;
        final LinearMap qkv;
        final LinearMap attentionOut;
        final NormSite feedForwardNorm;
        final LinearMap up;
        final LinearMap down;

        final Matrix packed;
        final Span probabilities;
        final Matrix attended;
        final Matrix hidden;
        final Matrix derivative;

        Layer(ParameterLayout.Block block, Span parameters, Span gradients, int rows) {
            attentionNorm = new NormSite(parameters, gradients, block.attentionNorm(), rows);
            qkv = map(block.qkv(), parameters, gradients, rows);
            attentionOut = map(block.attentionOut(), parameters, gradients, rows);
            feedForwardNorm = new NormSite(parameters, gradients, block.feedForwardNorm(), rows);
            up = map(block.up(), parameters, gradients, rows);
            down = map(block.down(), parameters, gradients, rows);
            packed = kernels.allocate(rows, 3 * shape.width());
            probabilities = kernels.allocate(maxSequences * attentionShape.probabilities());
            attended = kernels.allocate(rows, shape.width());
            hidden = kernels.allocate(rows, shape.feedForward());
            derivative = kernels.allocate(rows, shape.feedForward());
        }
    }
}
