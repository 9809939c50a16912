package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * How large a model is, as far as it is known.
 *
 * @param nonEmbedding N, without embeddings, norms and biases (Kaplan et al. 2020, table 1)
 * @param total all that the optimiser updates
 * @param flopsPerToken training FLOPs per token with unembedding and attention counted
 */
public record ModelCounts(
        @JsonProperty("parameters") OptionalLong nonEmbedding,
        @JsonProperty("totalParameters") OptionalLong total,
        @JsonProperty("flopsPerToken") OptionalDouble flopsPerToken) {
    public static final ModelCounts UNKNOWN =
            new ModelCounts(OptionalLong.empty(), OptionalLong.empty(), OptionalDouble.empty());

    public ModelCounts {
        require(nonEmbedding.orElse(1) >= 1, "parameters", nonEmbedding);
        require(total.orElse(1) >= 1, "totalParameters", total);
        require(
                Double.isFinite(flopsPerToken.orElse(1)) && flopsPerToken.orElse(1) > 0,
                "flopsPerToken",
                flopsPerToken);
    }

    private static void require(boolean holds, String name, Object value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " = " + value + " must be above 0");
        }
    }

    /** N; NaN where it is not known. */
    @JsonIgnore
    public double n() {
        return nonEmbedding.isPresent() ? nonEmbedding.getAsLong() : Double.NaN;
    }

    /** C ≈ 6·N·D, FLOPs (Kaplan et al. 2020, section 2.1); empty where N is not known. */
    public OptionalDouble kaplanFlops(long tokens) {
        return nonEmbedding.isPresent()
                ? OptionalDouble.of(6.0 * nonEmbedding.getAsLong() * tokens)
                : OptionalDouble.empty();
    }

    /** Training FLOPs of so many tokens: with unembedding and attention where they are known, else 6·N·D. */
    public OptionalDouble trainingFlops(long tokens) {
        return flopsPerToken.isPresent()
                ? OptionalDouble.of(flopsPerToken.getAsDouble() * tokens)
                : kaplanFlops(tokens);
    }

    /** This, and what it does not know from another. */
    public ModelCounts or(ModelCounts other) {
        return new ModelCounts(
                nonEmbedding.isPresent() ? nonEmbedding : other.nonEmbedding,
                total.isPresent() ? total : other.total,
                flopsPerToken.isPresent() ? flopsPerToken : other.flopsPerToken);
    }
}
