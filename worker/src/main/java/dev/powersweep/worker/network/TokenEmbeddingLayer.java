package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.Span;
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
    private transient DropoutMask mask;

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
        mask = mask(training, 0);
        int width = (int) layerConf().getNOut();
        INDArray out = fresh(tokens.length, width);
        kernels()
                .embed(
                        tokens,
                        0,
                        parameter(TokenEmbedding.TOKENS),
                        parameter(TokenEmbedding.POSITIONS),
                        mask,
                        kernels().wrap(out),
                        tokens.length,
                        context,
                        width);
        return out;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        Span ofTokens = gradient(TokenEmbedding.TOKENS);
        Span ofPositions = gradient(TokenEmbedding.POSITIONS);
        if (!layerConf().isSharedWithHead()) {
            kernels().zero(ofTokens);
        }
        if (layerConf().getPositions() == Positions.LEARNED) {
            kernels().zero(ofPositions);
        }
        INDArray gradient = packed(epsilon);
        kernels()
                .embedBackward(
                        tokens,
                        0,
                        kernels().wrap(gradient),
                        mask,
                        ofTokens,
                        ofPositions,
                        tokens.length,
                        layerConf().getContext(),
                        (int) layerConf().getNOut());
        return new Pair<>(tableOfGradients(), null);
    }
}
