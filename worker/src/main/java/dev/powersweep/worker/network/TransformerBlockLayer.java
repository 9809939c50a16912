package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.Dropout;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Norm;
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

    private transient Matrix normed;
    private transient Matrix statistics;
    private transient Matrix packedQkv;
    private transient Span probabilities;
    private transient Matrix attended;
    private transient Matrix branch;
    private transient Matrix residual;
    private transient Matrix feedForwardNormed;
    private transient Matrix feedForwardStatistics;
    private transient Matrix hidden;
    private transient Matrix derivative;
    private transient Matrix dNormed;
    private transient Matrix dDropped;
    private transient Matrix dHidden;
    private transient Matrix dQkv;
    private transient Matrix dAttended;

    /** Room for any of the block's matrices. */
    private transient Span transposed;

    /** Whether what the forward pass left is of a training pass. */
    private transient boolean trained;

    TransformerBlockLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    @Override
    void allocate(int sequences) {
        KernelHelper memory = helper();
        int width = (int) layerConf().getNOut();
        int inner = layerConf().getFeedForward();
        int rows = Math.multiplyExact(sequences, layerConf().getContext());
        normed = memory.allocate(rows, width);
        statistics = memory.allocate(rows, 2);
        packedQkv = memory.allocate(rows, 3 * width);
        probabilities = memory.allocate(sequences * shape().probabilities());
        attended = memory.allocate(rows, width);
        branch = memory.allocate(rows, width);
        residual = memory.allocate(rows, width);
        feedForwardNormed = memory.allocate(rows, width);
        feedForwardStatistics = memory.allocate(rows, 2);
        hidden = memory.allocate(rows, inner);
        derivative = memory.allocate(rows, inner);
        dNormed = memory.allocate(rows, width);
        dDropped = memory.allocate(rows, width);
        dHidden = memory.allocate(rows, inner);
        dQkv = memory.allocate(rows, 3 * width);
        dAttended = memory.allocate(rows, width);
        transposed = memory.allocate((long) width * Math.max(3 * width, inner));
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        trained = training;
        int rows = (int) input.size(0);
        makeRoom(rows / layerConf().getContext());
        Kernels kernels = kernels();
        input = packed(input);
        Matrix x = wrap(input);
        Matrix packed = packedQkv.first(rows);
        kernels.normalise(x, attentionNorm(), normed.first(rows), statistics.first(rows));
        kernels.linear(normed.first(rows), parameter(TransformerBlock.QKV), packed);
        if (layerConf().getPositions() == Positions.ROTARY) {
            kernels.rotate(packed, shape(), 1);
        }
        kernels.attention(packed, probabilities, attended.first(rows), shape());
        kernels.linear(attended.first(rows), parameter(TransformerBlock.ATTENTION_OUT), branch.first(rows));
        Matrix sum = residual.first(rows);
        kernels.addNormalise(
                x,
                branch.first(rows),
                site(0),
                sum,
                feedForwardNorm(),
                feedForwardNormed.first(rows),
                feedForwardStatistics.first(rows));
        Matrix inner = hidden.first(rows);
        kernels.linear(feedForwardNormed.first(rows), parameter(TransformerBlock.UP), inner);
        kernels.activate(inner, derivative.first(rows), layerConf().getFunction());
        INDArray out = fresh(rows, layerConf().getNOut());
        Matrix result = wrap(out);
        kernels.linear(inner, parameter(TransformerBlock.DOWN), result);
        if (site(1) instanceof DropoutMask mask) {
            kernels.drop(result, mask, result);
        }
        kernels.accumulate(sum.data().part(0, sum.length()), result.data(), Write.ADD, new double[2]);
        return out;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        int rows = (int) epsilon.size(0);
        Kernels kernels = kernels();
        kernels.zero(kernels.wrap(gradientsFlattened));
        INDArray gradient = packed(epsilon);
        Matrix dx = wrap(gradient);
        Matrix dInner = dHidden.first(rows);
        backward(TransformerBlock.DOWN, hidden.first(rows), dropped(dx, site(1)), dInner);
        kernels.multiply(dInner, derivative.first(rows));
        backward(TransformerBlock.UP, feedForwardNormed.first(rows), dInner, dNormed.first(rows));
        kernels.normaliseBackward(
                dNormed.first(rows),
                residual.first(rows),
                feedForwardStatistics.first(rows),
                feedForwardNorm(),
                normGradients(TransformerBlock.FEED_FORWARD_GAIN, TransformerBlock.FEED_FORWARD_BIAS),
                dx,
                Write.ADD);
        Matrix dOut = dAttended.first(rows);
        backward(TransformerBlock.ATTENTION_OUT, attended.first(rows), dropped(dx, site(0)), dOut);
        Matrix dPacked = dQkv.first(rows);
        kernels.attentionBackward(packedQkv.first(rows), probabilities, dOut, dPacked, shape());
        if (layerConf().getPositions() == Positions.ROTARY) {
            kernels.rotate(dPacked, shape(), -1);
        }
        backward(TransformerBlock.QKV, normed.first(rows), dPacked, dNormed.first(rows));
        kernels.normaliseBackward(
                dNormed.first(rows),
                wrap(input),
                statistics.first(rows),
                attentionNorm(),
                normGradients(TransformerBlock.ATTENTION_GAIN, TransformerBlock.ATTENTION_BIAS),
                dx,
                Write.ADD);
        return new Pair<>(tableOfGradients(), gradient);
    }

    private void backward(String name, Matrix x, Matrix dy, Matrix dx) {
        Matrix w = parameter(name);
        Matrix byOutput = new Matrix(transposed, w.columns(), w.rows());
        kernels().transpose(w, byOutput);
        kernels().linear(dy, byOutput, dx);
        kernels().weightGradient(x, dy, gradient(name));
    }

    private Matrix dropped(Matrix gradient, Dropout dropout) {
        if (dropout instanceof DropoutMask mask) {
            Matrix kept = dDropped.first(gradient.rows());
            kernels().drop(gradient, mask, kept);
            return kept;
        }
        return gradient;
    }

    /** Sites are numbered through the model: 0 is the embedding. */
    private Dropout site(int branchOfBlock) {
        return dropout(trained, 2 * layerConf().getNumber() + 1 + branchOfBlock);
    }

    private Norm attentionNorm() {
        return normParameters(TransformerBlock.ATTENTION_GAIN, TransformerBlock.ATTENTION_BIAS);
    }

    private Norm feedForwardNorm() {
        return normParameters(TransformerBlock.FEED_FORWARD_GAIN, TransformerBlock.FEED_FORWARD_BIAS);
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
