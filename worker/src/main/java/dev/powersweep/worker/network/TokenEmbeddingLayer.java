package dev.powersweep.worker.network;

import dev.powersweep.worker.kernels.Dropout;
import dev.powersweep.worker.kernels.EmbeddingTables;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@link TokenEmbedding} at work. */
final class TokenEmbeddingLayer extends KernelLayer<TokenEmbedding> {

    private static final long serialVersionUID = 1L;

    private transient int[] tokens = new int[0];
    private transient Dropout dropout;

    TokenEmbeddingLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    @Override
    void allocate(int sequences) {
        // Rows of a table are read and written where they are.
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        int context = layerConf().getContext();
        tokens = Tokens.of(input, context, layerConf().getNIn(), "features");
        dropout = dropout(training, 0);
        INDArray out = fresh(tokens.length, layerConf().getNOut());
        kernels().embed(tokens, 0, tables(paramsFlattened), dropout, wrap(out));
        return out;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        EmbeddingTables gradients = tables(gradientsFlattened);
        if (!layerConf().isSharedWithHead()) {
            kernels().zero(gradients.tokens().data());
        }
        gradients.positions().ifPresent(positions -> kernels().zero(positions.data()));
        INDArray gradient = packed(epsilon);
        kernels().embedBackward(tokens, 0, wrap(gradient), dropout, gradients);
        return new Pair<>(tableOfGradients(), null);
    }

    private EmbeddingTables tables(INDArray flat) {
        return new EmbeddingTables(
                view(flat, TokenEmbedding.TOKENS).orElseThrow(), view(flat, TokenEmbedding.POSITIONS));
    }
}
