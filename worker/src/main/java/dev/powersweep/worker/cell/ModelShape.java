package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The shape of a pre-norm decoder-only Transformer whose linear maps have no biases.
 *
 * @param layers number of blocks, n_layer ≥ 1
 * @param width residual width, d_model ≥ 1, a multiple of {@code heads}
 * @param heads attention heads per block; d_attn = d_model
 * @param feedForward inner width of the feed-forward map, d_ff (4·d_model by custom)
 * @param context tokens a sequence holds, n_ctx ≥ 1
 * @param vocabulary token kinds, ≥ 2
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NONE)
public record ModelShape(
        int layers,
        int width,
        int heads,
        int feedForward,
        int context,
        int vocabulary,
        Activation activation,
        Positions positions,
        Normalization normalization,
        Embeddings embeddings)
        implements Model {

    public enum Activation {
        GELU,
        SQUARED_RELU
    }

    public enum Positions {
        LEARNED,
        ROTARY
    }

    public enum Normalization {
        LAYER_NORM,
        RMS_NORM
    }

    /** Whether the unembedding is the token embedding itself. */
    public enum Embeddings {
        TIED,
        UNTIED
    }

    /** More than anybody trains: a trainer makes objects for each. */
    private static final int MOST_LAYERS = 10_000;
    /** A hundred times the largest model told of; all counts of parameters and bytes fit a {@code long}. */
    private static final double MOST_PARAMETERS = 1e14;

    public ModelShape {
        require(layers >= 1, "layers", layers, "at least 1");
        require(width >= 1, "width", width, "at least 1");
        require(heads >= 1 && width % heads == 0, "heads", heads, "a divisor of width = " + width);
        require(feedForward >= 1, "feedForward", feedForward, "at least 1");
        require(context >= 1, "context", context, "at least 1");
        require(vocabulary >= 2, "vocabulary", vocabulary, "at least 2");
        require(layers <= MOST_LAYERS, "layers", layers, "at most " + MOST_LAYERS);
        double parameters = 2.0 * width * layers * (2.0 * width + feedForward)
                + (double) width * (2.0 * vocabulary + context + 4.0 * layers + 2);
        require(
                parameters <= MOST_PARAMETERS,
                "width",
                width,
                "such that the model has no more than 10¹⁴ parameters; it would have "
                        + String.format(Locale.ROOT, "%.1e", parameters));
        require(
                positions != Positions.ROTARY || (width / heads) % 2 == 0,
                "heads",
                heads,
                "such that width / heads is even, for rotary positions");
    }

    /** GELU, learned positions, LayerNorm, tied embeddings and d_ff = 4·d_model: GPT-2 without linear biases. */
    public static ModelShape gpt(int layers, int width, int heads, int context, int vocabulary) {
        return new ModelShape(
                layers,
                width,
                heads,
                4 * width,
                context,
                vocabulary,
                Activation.GELU,
                Positions.LEARNED,
                Normalization.LAYER_NORM,
                Embeddings.TIED);
    }

    /**
     * N after Kaplan et al. 2020, table 1: 2·d_model·n_layer·(2·d_attn + d_ff); biases, norms and embeddings excluded.
     * For d_ff = 4·d_model it is 12·n_layer·d_model².
     */
    @JsonIgnore
    public long nonEmbeddingParameters() {
        return 2L * width * layers * (2L * width + feedForward);
    }

    /** Token and position embeddings, and the unembedding where it is not tied. */
    @JsonIgnore
    public long embeddingParameters() {
        long token = (long) vocabulary * width;
        long position = positions == Positions.LEARNED ? (long) context * width : 0;
        return token + position + (embeddings == Embeddings.UNTIED ? token : 0);
    }

    /** Gains and biases of the norms: two per block and a final one. */
    @JsonIgnore
    public long normParameters() {
        return (2L * layers + 1) * width * (normalization == Normalization.LAYER_NORM ? 2 : 1);
    }

    /** Everything the optimiser updates. */
    @JsonIgnore
    public long totalParameters() {
        return nonEmbeddingParameters() + embeddingParameters() + normParameters();
    }

    /**
     * Training FLOPs per token with the unembedding and the attention scores counted: 6·N + 6·d_model·vocabulary +
     * 12·n_layer·n_ctx·d_model (forward and backward; the masked half of the scores counted, as published tables do).
     */
    @JsonIgnore
    public double trainingFlopsPerToken() {
        return 6.0 * nonEmbeddingParameters() + 6.0 * width * vocabulary + 12.0 * layers * context * width;
    }

    @Override
    public ModelCounts counts() {
        return new ModelCounts(
                OptionalLong.of(nonEmbeddingParameters()),
                OptionalLong.of(totalParameters()),
                OptionalDouble.of(trainingFlopsPerToken()));
    }

    private static void require(boolean holds, String name, int value, String bound) {
        if (!holds) {
            throw new IllegalArgumentException("model." + name + " = " + value + " must be " + bound);
        }
    }
}
