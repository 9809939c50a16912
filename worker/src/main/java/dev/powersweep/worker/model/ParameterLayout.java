package dev.powersweep.worker.model;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import java.util.ArrayList;
import java.util.List;

/**
 * Where each parameter lies in the one flat vector that gradients and moments mirror.
 *
 * <p>Matrices are row-major; a linear map's matrix is {@code [inputs, outputs]}, so that {@code y = x·W} (Deeplearning4j's
 * {@code [nIn, nOut]}). Tensors follow each other without gaps, as the parameters of Deeplearning4j's networks do.
 */
public final class ParameterLayout {

    /** What a tensor is to the training rules. */
    public enum Role {
        /** Token or position embedding, {@code [kinds, width]}. */
        EMBEDDING,
        /** A matrix between residual-sized spaces: its learning rate scales under μP. */
        HIDDEN,
        /** A hidden matrix that writes to the residual stream: its initial weights are smaller. */
        RESIDUAL_PROJECTION,
        /** The unembedding of an untied model, {@code [vocabulary, width]}. */
        UNEMBEDDING,
        GAIN,
        BIAS
    }

    /**
     * @param name as in {@code block.0.attention.qkv}
     * @param rows 1 for vectors
     * @param offset first element in the flat vector
     */
    public record Tensor(String name, Role role, int rows, int columns, long offset) {
        public long length() {
            return (long) rows * columns;
        }

        /** Whether weight decay applies: matrices and embeddings, no norms. */
        public boolean decayed() {
            return role != Role.GAIN && role != Role.BIAS;
        }

        /** {@code [columns]} for a vector, {@code [rows, columns]} otherwise. */
        public long[] shape() {
            return role == Role.GAIN || role == Role.BIAS ? new long[] {columns} : new long[] {rows, columns};
        }
    }

    /** The tensors of one block; biases are empty under RMSNorm. */
    public record Block(
            Norm attentionNorm, Tensor qkv, Tensor attentionOut, Norm feedForwardNorm, Tensor up, Tensor down) {}

    /** @param bias {@code null} under RMSNorm */
    public record Norm(Tensor gain, Tensor bias) {}

    private final ModelShape shape;
    private final List<Tensor> tensors = new ArrayList<>();
    private final Tensor tokenEmbedding;
    private final Tensor positionEmbedding;
    private final List<Block> blocks = new ArrayList<>();
    private final Norm finalNorm;
    private final Tensor unembedding;
    private long end;

    public ParameterLayout(ModelShape shape) {
        this.shape = shape;
        int width = shape.width();
        tokenEmbedding = add("tokenEmbedding", Role.EMBEDDING, shape.vocabulary(), width);
        positionEmbedding = shape.positions() == Positions.LEARNED
                ? add("positionEmbedding", Role.EMBEDDING, shape.context(), width)
                : null;
        for (int layer = 0; layer < shape.layers(); layer++) {
            String block = "block." + layer + ".";
            blocks.add(new Block(
                    norm(block + "attentionNorm"),
                    add(block + "attention.qkv", Role.HIDDEN, width, 3 * width),
                    add(block + "attention.out", Role.RESIDUAL_PROJECTION, width, width),
                    norm(block + "feedForwardNorm"),
                    add(block + "feedForward.up", Role.HIDDEN, width, shape.feedForward()),
                    add(block + "feedForward.down", Role.RESIDUAL_PROJECTION, shape.feedForward(), width)));
        }
        finalNorm = norm("finalNorm");
        unembedding = shape.embeddings() == Embeddings.UNTIED
                ? add("unembedding", Role.UNEMBEDDING, shape.vocabulary(), width)
                : tokenEmbedding;
    }

    public ModelShape shape() {
        return shape;
    }

    /** In the order of the flat vector; a tied unembedding appears once, as the token embedding. */
    public List<Tensor> tensors() {
        return List.copyOf(tensors);
    }

    /** Elements of the flat vector. */
    public long length() {
        return end;
    }

    public Tensor tokenEmbedding() {
        return tokenEmbedding;
    }

    /** {@code null} with rotary positions. */
    public Tensor positionEmbedding() {
        return positionEmbedding;
    }

    public Block block(int layer) {
        return blocks.get(layer);
    }

    public Norm finalNorm() {
        return finalNorm;
    }

    /** The token embedding itself where embeddings are tied. */
    public Tensor unembedding() {
        return unembedding;
    }

    private Norm norm(String name) {
        Tensor gain = add(name + ".gain", Role.GAIN, 1, shape.width());
        Tensor bias = shape.normalization() == Normalization.LAYER_NORM
                ? add(name + ".bias", Role.BIAS, 1, shape.width())
                : null;
        return new Norm(gain, bias);
    }

    private Tensor add(String name, Role role, int rows, int columns) {
        Tensor tensor = new Tensor(name, role, rows, columns, end);
        tensors.add(tensor);
        end += tensor.length();
        return tensor;
    }
}
