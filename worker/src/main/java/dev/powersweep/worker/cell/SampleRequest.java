package dev.powersweep.worker.cell;

/**
 * What is asked of a trained network: to go on with a text.
 *
 * @param prompt token ids to go on from, at least one
 * @param tokens to draw, ≥ 1
 * @param seed of the draws
 * @param temperature that divides log probabilities: 1 draws from what the network expects, 0 takes the likeliest token
 * @param topK most likely tokens that are drawn from; 0 for all
 * @param mostSeconds after which no further token is drawn, though one always is; 0 for no bound
 */
public record SampleRequest(int[] prompt, int tokens, long seed, double temperature, int topK, double mostSeconds) {
    public SampleRequest {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("prompt is empty; give at least one token");
        }
        if (tokens < 1) {
            throw new IllegalArgumentException("tokens = " + tokens + " must be at least 1");
        }
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature = " + temperature + " must be a number of at least 0");
        }
        if (topK < 0) {
            throw new IllegalArgumentException("topK = " + topK + " must be at least 0");
        }
        if (!(mostSeconds >= 0)) {
            throw new IllegalArgumentException("mostSeconds = " + mostSeconds + " must be at least 0");
        }
    }

    /** However long it takes. */
    public SampleRequest(int[] prompt, int tokens, long seed, double temperature, int topK) {
        this(prompt, tokens, seed, temperature, topK, 0);
    }
}
