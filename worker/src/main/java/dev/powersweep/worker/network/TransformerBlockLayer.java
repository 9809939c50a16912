package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@link TransformerBlock} at work. */
final class TransformerBlockLayer extends KernelLayer<TransformerBlock> {

    private static final long serialVersionUID = 1L;

    private transient Span normed;
    private transient Span statistics;
    private transient Span packedQkv;
    private transient Span probabilities;
    private transient Span attended;
    private transient Span branch;
    private transient Span residual;
    private transient Span feedForwardNormed;
    private transient Span feedForwardStatistics;
    private transient Span hidden;
    private transient Span derivative;
    private transient Span dNormed;
    private transient Span dDropped;
    private transient Span dHidden;
    private transient Span dQkv;
    private transient Span dAttended;
    private transient Span transposed;

    /** Whether what the forward pass left is of a training pass. */
    private transient boolean trained;

    TransformerBlockLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    @Override
    void allocate(int sequences) {
        KernelHelper memory = helper();
        long width = layerConf().getNOut();
        long inner = layerConf().getFeedForward();
        long rows = (long) sequences * layerConf().getContext();
        normed = memory.allocate(rows * width);
        statistics = memory.allocate(rows * 2);
        packedQkv = memory.allocate(rows * 3 * width);
        probabilities = memory.allocate(sequences * shape().probabilities());
        attended = memory.allocate(rows * width);
        branch = memory.allocate(rows * width);
        residual = memory.allocate(rows * width);
        feedForwardNormed = memory.allocate(rows * width);
        feedForwardStatistics = memory.allocate(rows * 2);
        hidden = memory.allocate(rows * inner);
        derivative = memory.allocate(rows * inner);
        dNormed = memory.allocate(rows * width);
        dDropped = memory.allocate(rows * width);
        dHidden = memory.allocate(rows * inner);
        dQkv = memory.allocate(rows * 3 * width);
        dAttended = memory.allocate(rows * width);
        transposed = memory.allocate(width * Math.max(3 * width, inner));
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        trained = training;
        int rows = (int) input.size(0);
        int sequences = rows / layerConf().getContext();
        int width = (int) layerConf().getNOut();
        int inner = layerConf().getFeedForward();
        makeRoom(sequences);
        Kernels kernels = kernels();
        input = packed(input);
        Span x = kernels.wrap(input);
        kernels.addNormalise(
                x,
                null,
                null,
                null,
                parameter(TransformerBlock.ATTENTION_GAIN),
                parameter(TransformerBlock.ATTENTION_BIAS),
                normed,
                statistics,
                rows,
                width);
        kernels.linear(normed, parameter(TransformerBlock.QKV), packedQkv, rows, width, 3 * width);
        if (layerConf().getPositions() == Positions.ROTARY) {
            kernels.rotate(packedQkv, rows, shape(), 1);
        }
        kernels.attention(packedQkv, probabilities, attended, sequences, shape());
        kernels.linear(attended, parameter(TransformerBlock.ATTENTION_OUT), branch, rows, width, width);
        kernels.addNormalise(
                x,
                branch,
                site(0),
                residual,
                parameter(TransformerBlock.FEED_FORWARD_GAIN),
                parameter(TransformerBlock.FEED_FORWARD_BIAS),
                feedForwardNormed,
                feedForwardStatistics,
                rows,
                width);
        kernels.linear(feedForwardNormed, parameter(TransformerBlock.UP), hidden, rows, width, inner);
        kernels.activate(hidden, derivative, rows * inner, layerConf().getFunction());
        INDArray out = fresh(rows, width);
        Span result = kernels.wrap(out);
        kernels.linear(hidden, parameter(TransformerBlock.DOWN), result, rows, inner, width);
        DropoutMask mask = site(1);
        if (mask != null) {
            kernels.drop(result, mask, result, rows * width);
        }
        kernels.accumulate(residual.part(0, (long) rows * width), result, Write.ADD, new double[2]);
        return out;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        int rows = (int) epsilon.size(0);
        int sequences = rows / layerConf().getContext();
        int width = (int) layerConf().getNOut();
        int inner = layerConf().getFeedForward();
        Kernels kernels = kernels();
        kernels.zero(kernels.wrap(gradientsFlattened));
        INDArray gradient = packed(epsilon);
        Span dx = kernels.wrap(gradient);
        Span dBranch = dropped(dx, site(1), rows * width);
        backward(TransformerBlock.DOWN, hidden, dBranch, dHidden, rows, inner, width);
        kernels.multiply(dHidden, derivative, rows * inner);
        backward(TransformerBlock.UP, feedForwardNormed, dHidden, dNormed, rows, width, inner);
        kernels.normaliseBackward(
                dNormed,
                residual,
                feedForwardStatistics,
                parameter(TransformerBlock.FEED_FORWARD_GAIN),
                gradient(TransformerBlock.FEED_FORWARD_GAIN),
                gradient(TransformerBlock.FEED_FORWARD_BIAS),
                dx,
                Write.ADD,
                rows,
                width);
        dBranch = dropped(dx, site(0), rows * width);
        backward(TransformerBlock.ATTENTION_OUT, attended, dBranch, dAttended, rows, width, width);
        kernels.attentionBackward(packedQkv, probabilities, dAttended, dQkv, sequences, shape());
        if (layerConf().getPositions() == Positions.ROTARY) {
            kernels.rotate(dQkv, rows, shape(), -1);
        }
        backward(TransformerBlock.QKV, normed, dQkv, dNormed, rows, width, 3 * width);
        kernels.normaliseBackward(
                dNormed,
                kernels.wrap(input),
                statistics,
                parameter(TransformerBlock.ATTENTION_GAIN),
                gradient(TransformerBlock.ATTENTION_GAIN),
                gradient(TransformerBlock.ATTENTION_BIAS),
                dx,
                Write.ADD,
                rows,
                width);
        return new Pair<>(tableOfGradients(), gradient);
    }

    private void backward(String name, Span x, Span dy, Span into, int rows, int inputs, int outputs) {
        kernels().transpose(parameter(name), inputs, outputs, transposed);
        kernels().linear(dy, transposed, into, rows, outputs, inputs);
        kernels().weightGradient(x, dy, gradient(name), rows, inputs, outputs);
    }

    private Span dropped(Span gradient, DropoutMask mask, int length) {
        if (mask == null) {
            return gradient;
        }
        kernels().drop(gradient, mask, dDropped, length);
        return dDropped;
    }

    /** Sites are numbered through the model: 0 is the embedding. */
    private DropoutMask site(int branchOfBlock) {
        return mask(trained, 2 * layerConf().getNumber() + 1 + branchOfBlock);
    }

    private AttentionShape shape() {
        int width = (int) layerConf().getNOut();
        return new AttentionShape(
                layerConf().getContext(),
                layerConf().getHeads(),
                width / layerConf().getHeads(),
                (float) layerConf().getAttentionScale());
    }
}
