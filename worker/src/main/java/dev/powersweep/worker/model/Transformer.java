package dev.powersweep.worker.model;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.LinearMap;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.model.ParameterLayout.Norm;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.util.ArrayList;
import java.util.List;

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
    private final DropoutMask mask;

    private final Span tokenEmbedding;
    private final Span positionEmbedding;
    private final Span dTokenEmbedding;
    private final Span dPositionEmbedding;
    private final LinearMap unembedding;
    private final NormSpans finalNorm;
    private final Layer[] layers;

    /** The residual stream before each branch and at the end, [rows, width] each. */
    private final Span[] residual;

    private final Span finalNormed;
    private final Span finalStatistics;
    private final int headRows;
    private final Span[] finalNormedBlocks;
    private final Span[] dFinalNormedBlocks;
    private final Span logits;

    private final Span branch;
    private final Span dResidual;
    private final Span dNormed;
    private final Span dDropped;
    private final Span dHidden;
    private final Span dQkv;
    private final Span dAttended;

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
        mask = dropout > 0 ? new DropoutMask(dropout) : null;

        long rows = (long) maxSequences * shape.context();
        long width = shape.width();
        tokenEmbedding = part(parameters, layout.tokenEmbedding());
        dTokenEmbedding = part(gradients, layout.tokenEmbedding());
        positionEmbedding = part(parameters, layout.positionEmbedding());
        dPositionEmbedding = part(gradients, layout.positionEmbedding());
        finalNorm = new NormSpans(parameters, gradients, layout.finalNorm());
        layers = new Layer[shape.layers()];
        for (int i = 0; i < layers.length; i++) {
            layers[i] = new Layer(layout.block(i), parameters, gradients, rows);
        }
        residual = new Span[2 * layers.length + 1];
        for (int i = 0; i < residual.length; i++) {
            residual[i] = kernels.allocate(rows * width);
        }
        finalNormed = kernels.allocate(rows * width);
        finalStatistics = kernels.allocate(rows * 2);
        headRows = (int) Math.min(rows, Math.max(FEWEST_LOGIT_ROWS, LOGITS_AT_ONCE / shape.vocabulary() / 16 * 16));
        logits = kernels.allocate((long) headRows * shape.vocabulary());
        unembedding = kernels.linearMap(
                part(parameters, layout.unembedding()),
                part(gradients, layout.unembedding()),
                new LinearMap.Shape(shape.width(), shape.vocabulary(), LinearMap.Layout.BY_OUTPUT, headRows));

        branch = kernels.allocate(rows * width);
        dResidual = kernels.allocate(rows * width);
        dNormed = kernels.allocate(rows * width);
        dDropped = mask == null ? null : kernels.allocate(rows * width);
        dHidden = kernels.allocate(rows * shape.feedForward());
        dQkv = kernels.allocate(rows * 3 * width);
        dAttended = kernels.allocate(rows * width);
        finalNormedBlocks = rowBlocks(finalNormed, rows);
        dFinalNormedBlocks = rowBlocks(dNormed, rows);
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
        forward(inputs, from, sequences, null, 0);
        head(targets, from, sequences, 0, losses);
    }

    /**
     * Scores sequences and adds {@code weight} times the gradient of their summed loss to the gradient vector.
     *
     * @param dropoutKey differs for every step; unused without dropout
     */
    public void train(
            int[] inputs, int[] targets, int from, int sequences, float weight, long dropoutKey, double[] losses) {
        forward(inputs, from, sequences, mask, dropoutKey);
        head(targets, from, sequences, weight, losses);
        backward(inputs, from, sequences, dropoutKey);
    }

    private void forward(int[] inputs, int from, int sequences, DropoutMask dropout, long key) {
        int rows = sequences * shape.context();
        int width = shape.width();
        kernels.embed(
                inputs,
                from,
                tokenEmbedding,
                positionEmbedding,
                site(dropout, key, 0, from),
                residual[0],
                rows,
                shape.context(),
                width);
        for (int i = 0; i < layers.length; i++) {
            Layer layer = layers[i];
            if (i == 0) {
                normalise(residual[0], null, null, null, layer.attentionNorm, layer.normed, layer.statistics, rows);
            } else {
                normalise(
                        residual[2 * i - 1],
                        branch,
                        site(dropout, key, 2 * i, from),
                        residual[2 * i],
                        layer.attentionNorm,
                        layer.normed,
                        layer.statistics,
                        rows);
            }
            layer.qkv.forward(layer.normed, layer.packed, rows);
            if (shape.positions() == Positions.ROTARY) {
                kernels.rotate(layer.packed, rows, attentionShape, 1);
            }
            kernels.attention(layer.packed, layer.probabilities, layer.attended, sequences, attentionShape);
            layer.attentionOut.forward(layer.attended, branch, rows);
            normalise(
                    residual[2 * i],
                    branch,
                    site(dropout, key, 2 * i + 1, from),
                    residual[2 * i + 1],
                    layer.feedForwardNorm,
                    layer.feedForwardNormed,
                    layer.feedForwardStatistics,
                    rows);
            layer.up.forward(layer.feedForwardNormed, layer.hidden, rows);
            kernels.activate(layer.hidden, layer.derivative, rows * shape.feedForward(), shape.activation());
            layer.down.forward(layer.hidden, branch, rows);
        }
        int last = residual.length - 1;
        normalise(
                residual[last - 1],
                branch,
                site(dropout, key, last, from),
                residual[last],
                finalNorm,
                finalNormed,
                finalStatistics,
                rows);
    }

    private void head(int[] targets, int from, int sequences, float weight, double[] losses) {
        int rows = sequences * shape.context();
        int vocabulary = shape.vocabulary();
        for (int row = 0, block = 0; row < rows; row += headRows, block++) {
            int count = Math.min(headRows, rows - row);
            unembedding.forward(finalNormedBlocks[block], logits, count);
            kernels.crossEntropy(logits, targets, from + row, count, vocabulary, logitScale, weight, losses);
            if (weight != 0) {
                unembedding.backward(finalNormedBlocks[block], logits, dFinalNormedBlocks[block], count);
            }
        }
    }

    private void backward(int[] inputs, int from, int sequences, long key) {
        int rows = sequences * shape.context();
        int last = residual.length - 1;
        normaliseBackward(residual[last], finalStatistics, finalNorm, Write.REPLACE, rows);
        for (int i = layers.length - 1; i >= 0; i--) {
            Layer layer = layers[i];
            Span dBranch = branchGradient(key, 2 * i + 2, from, rows);
            layer.down.backward(layer.hidden, dBranch, dHidden, rows);
            kernels.multiply(dHidden, layer.derivative, rows * shape.feedForward());
            layer.up.backward(layer.feedForwardNormed, dHidden, dNormed, rows);
            normaliseBackward(residual[2 * i + 1], layer.feedForwardStatistics, layer.feedForwardNorm, Write.ADD, rows);
            dBranch = branchGradient(key, 2 * i + 1, from, rows);
            layer.attentionOut.backward(layer.attended, dBranch, dAttended, rows);
            kernels.attentionBackward(layer.packed, layer.probabilities, dAttended, dQkv, sequences, attentionShape);
            if (shape.positions() == Positions.ROTARY) {
                kernels.rotate(dQkv, rows, attentionShape, -1);
            }
            layer.qkv.backward(layer.normed, dQkv, dNormed, rows);
            normaliseBackward(residual[2 * i], layer.statistics, layer.attentionNorm, Write.ADD, rows);
        }
        kernels.embedBackward(
                inputs,
                from,
                dResidual,
                site(mask, key, 0, from),
                dTokenEmbedding,
                dPositionEmbedding,
                rows,
                shape.context(),
                shape.width());
    }

    private Span branchGradient(long key, int site, int from, int rows) {
        if (mask == null) {
            return dResidual;
        }
        kernels.drop(dResidual, site(mask, key, site, from), dDropped, rows * shape.width());
        return dDropped;
    }

    private void normalise(
            Span x, Span added, DropoutMask dropout, Span sum, NormSpans norm, Span out, Span statistics, int rows) {
        kernels.addNormalise(x, added, dropout, sum, norm.gain, norm.bias, out, statistics, rows, shape.width());
    }

    private void normaliseBackward(Span x, Span statistics, NormSpans norm, Write write, int rows) {
        kernels.normaliseBackward(
                dNormed, x, statistics, norm.gain, norm.dGain, norm.dBias, dResidual, write, rows, shape.width());
    }

    /** Site 0 is the embedding, site s ≥ 1 the branch added to make {@code residual[s]}. */
    private DropoutMask site(DropoutMask dropout, long key, int site, int from) {
        return dropout == null ? null : dropout.at(RandomStream.bits(key, site), (long) from * shape.width());
    }

    private Span[] rowBlocks(Span x, long rows) {
        List<Span> blocks = new ArrayList<>();
        for (long row = 0; row < rows; row += headRows) {
            long count = Math.min(headRows, rows - row);
            blocks.add(x.part(row * shape.width(), count * shape.width()));
        }
        return blocks.toArray(Span[]::new);
    }

    private static Span part(Span flat, Tensor tensor) {
        return tensor == null ? null : flat.part(tensor.offset(), tensor.length());
    }

    /** A norm's parameters and their gradients; biases are {@code null} under RMSNorm. */
    private static final class NormSpans {
        final Span gain;
        final Span bias;
        final Span dGain;
        final Span dBias;

        NormSpans(Span parameters, Span gradients, Norm norm) {
            gain = part(parameters, norm.gain());
            bias = part(parameters, norm.bias());
            dGain = part(gradients, norm.gain());
            dBias = part(gradients, norm.bias());
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
        final NormSpans attentionNorm;
        final LinearMap qkv;
        final LinearMap attentionOut;
        final NormSpans feedForwardNorm;
        final LinearMap up;
        final LinearMap down;

        final Span normed;
        final Span statistics;
        final Span packed;
        final Span probabilities;
        final Span attended;
        final Span feedForwardNormed;
        final Span feedForwardStatistics;
        final Span hidden;
        final Span derivative;

        Layer(ParameterLayout.Block block, Span parameters, Span gradients, long rows) {
            attentionNorm = new NormSpans(parameters, gradients, block.attentionNorm());
            qkv = map(block.qkv(), parameters, gradients, Math.toIntExact(rows));
            attentionOut = map(block.attentionOut(), parameters, gradients, Math.toIntExact(rows));
            feedForwardNorm = new NormSpans(parameters, gradients, block.feedForwardNorm());
            up = map(block.up(), parameters, gradients, Math.toIntExact(rows));
            down = map(block.down(), parameters, gradients, Math.toIntExact(rows));
            long width = shape.width();
            normed = kernels.allocate(rows * width);
            statistics = kernels.allocate(rows * 2);
            packed = kernels.allocate(rows * 3 * width);
            probabilities = kernels.allocate(maxSequences * attentionShape.probabilities());
            attended = kernels.allocate(rows * width);
            feedForwardNormed = kernels.allocate(rows * width);
            feedForwardStatistics = kernels.allocate(rows * 2);
            hidden = kernels.allocate(rows * shape.feedForward());
            derivative = kernels.allocate(rows * shape.feedForward());
        }
    }
}
