package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.law.PowerSumLaw;
import dev.powersweep.fitting.law.Term;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Loss over model size, optimiser steps and batch size, {@code L = E + A/N^α + P/S^β + Q/B^γ} with {@code S = D/B}: fewer steps
 * cost loss, and so does the noise of small batches, so that a best batch lies between.
 *
 * <p>At fixed D the loss is lowest at {@code B_opt = (γQ/(βP))^(1/(β+γ))·D^(β/(β+γ))}, whatever N; there it falls as {@code
 * D^(−βγ/(β+γ))}. N in parameters, D and B in tokens, L in nats per token. The rows should be at the best learning rate of each
 * (N, D, B): an untuned rate moves B_opt. The U shape of the loss over B is that of Li et al. 2025 (arXiv 2503.04715, section
 * 4), whose own rule is a power law of D fitted to the minima alone.
 */
public final class StepsBatch extends PowerSumLaw {
    private static final int P = 2;
    private static final int Q = 3;
    private static final int ALPHA = 4;
    private static final int BETA = 5;
    private static final int GAMMA = 6;

    /** The law. */
    public StepsBatch() {
        super(
                List.of(
                        Term.constant("E"),
                        Term.power("A", Quantity.N, "alpha"),
                        Term.power("P", Quantity.S, "beta"),
                        Term.power("Q", Quantity.B, "gamma")),
                "");
    }

    @Override
    public String name() {
        return "steps-batch";
    }

    @Override
    public String title() {
        return "Loss over size, steps and batch, with a best batch";
    }

    @Override
    public String formula() {
        return "L(N,S,b) = E + A/N^alpha + P/S^beta + Q/b^gamma, S = D/b";
    }

    @Override
    public String source() {
        return "PowerSweep; data and optima of Li et al. 2025, arXiv 2503.04715";
    }

    @Override
    public Quantity scale() {
        return Quantity.C;
    }

    /** The batch of lowest loss for so many tokens, in tokens. */
    public static double bestBatch(double[] published, double tokens) {
        double beta = published[BETA];
        double gamma = published[GAMMA];
        return Math.exp(
                (Math.log(gamma * published[Q] / (beta * published[P])) + beta * Math.log(tokens)) / (beta + gamma));
    }

    /** The loss at a point; at the best batch where it names none. */
    @Override
    public double predict(double[] published, Point at) {
        return at.has(Quantity.B) || at.has(Quantity.S)
                ? super.predict(published, withBatch(at))
                : super.predict(published, at.and(Quantity.B, bestBatch(published, at.get(Quantity.D))));
    }

    /** A batch that follows from tokens and steps. */
    private static Point withBatch(Point at) {
        return at.has(Quantity.B) ? at : at.and(Quantity.B, at.get(Quantity.D) / at.get(Quantity.S));
    }

    @Override
    public Map<String, Estimate> derived(double[] published) {
        double beta = published[BETA];
        double gamma = published[GAMMA];
        double data = beta * gamma / (beta + gamma);
        Map<String, Estimate> derived = new LinkedHashMap<>();
        derived.put("B_opt_exponent", Estimate.of(beta / (beta + gamma), "1"));
        derived.put("B_opt_factor", Estimate.of(bestBatch(published, 1), "tokens/tokens^B_opt_exponent"));
        derived.put("a", Estimate.of(data / (published[ALPHA] + data), "1"));
        derived.put("b", Estimate.of(published[ALPHA] / (published[ALPHA] + data), "1"));
        return derived;
    }
}
