package dev.powersweep.orchestrator.design;

import java.util.SplittableRandom;

/**
 * What is expected of a loss before anything was trained: L = E + A/N^α + B/D_eff^β with D_eff = D/(1 + B/B_crit), a best
 * learning rate, and noise; drawn laws may lose data faster or slower than that beyond the critical batch. Designs are made for the central law and tried on laws drawn about it.
 *
 * <p>The critical batch is the one at which half of the data count.
 *
 * <p>Anchors were measured on the bundled text, one token a byte, at C = 1e11 and 8e11 (24 cells, batches of 256 mostly, N
 * from 6k to 332k): the best size lies where 35 tokens stand for a parameter, losses there are 1.7 nats. The expected rate is
 * within a tenth of the best one at N = 25k and 154k, D = 650k and B = 256; its exponent of D lies between −.37, found at
 * N = 25k, and about 0, found at 55k. The critical batch grows as StepLaw's best batch, D^.571 (Li et al. 2025, arXiv
 * 2503.04715). The noise lies between the .5 and .7 % that seeds of two sweeps differed by. For other tokenizers nothing was
 * measured: tokens are taken to stand for so many bytes as vocabularies of their size usually do.
 *
 * <p>Units: N in non-embedding parameters, D and batches in tokens, losses in nats a token.
 *
 * @param sharpness of the loss of data beyond the critical batch; 1 by McCandlish et al. 2018
 * @param noise standard deviation of ln L between seeds
 * @param rateShift ln of the best rate over the expected one, at N = {@link #SIZE} and D = {@link #DATA}
 * @param rateBySize change of that with ln N
 * @param rateByData change of that with ln D
 */
record PriorLaw(
        double irreducible,
        double a,
        double alpha,
        double b,
        double beta,
        double criticalBatch,
        double sharpness,
        double noise,
        double rateShift,
        double rateBySize,
        double rateByData) {
    private static final double FLOPS_PER_PARAMETER_AND_TOKEN = 6;
    /** C, FLOPs, at which the anchors hold. */
    private static final double FLOPS = 8e11;

    private static final double BYTES_PER_PARAMETER = 35;
    private static final double SIZE = 6.2e4;
    private static final double DATA = 6.5e5;
    private static final double CRITICAL_BATCH_BYTES = 1250;
    private static final double CRITICAL_BATCH_GROWTH = 0.571;
    /** Nats a byte: what is left at any size, and what is above it at the best size. */
    private static final double IRREDUCIBLE = 1.1;

    private static final double REDUCIBLE = 0.6;
    /** Of ln L, per squared ln of the rate over the best one. */
    private static final double RATE_CURVATURE = 0.035;

    private static final double FARTHEST_RATE = 3;

    /** Spread of what is drawn: of ln N_opt, ln B_crit, ln of the reducible loss, ln of the rate. */
    private static final double SIZE_SPREAD = 0.45;

    private static final double BATCH_SPREAD = 0.6;
    private static final double SHARPNESS_SPREAD = 0.2;
    private static final double LOSS_SPREAD = 0.2;
    private static final double RATE_SPREAD = 0.25;
    private static final double RATE_SLOPE_SPREAD = 0.1;
    private static final double NOISE = 0.006;

    /** The law that designs are made for. */
    static PriorLaw central(int vocabulary) {
        return of(vocabulary, 0, 0.47, 0.44, 0, 0, 0, new double[3]);
    }

    /** One of the laws that a design must be prepared for. */
    static PriorLaw drawn(int vocabulary, SplittableRandom random) {
        return of(
                vocabulary,
                SIZE_SPREAD * random.nextGaussian(),
                0.35 + 0.25 * random.nextDouble(),
                0.33 + 0.22 * random.nextDouble(),
                BATCH_SPREAD * random.nextGaussian(),
                SHARPNESS_SPREAD * random.nextGaussian(),
                LOSS_SPREAD * random.nextGaussian(),
                new double[] {
                    RATE_SPREAD * random.nextGaussian(),
                    RATE_SLOPE_SPREAD * random.nextGaussian(),
                    RATE_SLOPE_SPREAD * random.nextGaussian()
                });
    }

    private static PriorLaw of(
            int vocabulary,
            double size,
            double alpha,
            double beta,
            double batch,
            double sharpness,
            double loss,
            double[] rate) {
        double bytes = bytesPerToken(vocabulary);
        double bestSize =
                Math.sqrt(FLOPS / FLOPS_PER_PARAMETER_AND_TOKEN / (BYTES_PER_PARAMETER / bytes)) * Math.exp(size);
        double bestData = FLOPS / FLOPS_PER_PARAMETER_AND_TOKEN / bestSize;
        // At the best size of a budget α·A/N^α = β·B/D^β.
        double reducible = bytes * REDUCIBLE * Math.exp(loss);
        double bySize = reducible * beta / (alpha + beta);
        double byData = reducible * alpha / (alpha + beta);
        return new PriorLaw(
                bytes * IRREDUCIBLE,
                bySize * Math.pow(bestSize, alpha),
                alpha,
                byData * Math.pow(bestData, beta),
                beta,
                CRITICAL_BATCH_BYTES / bytes * Math.exp(batch),
                Math.exp(sharpness),
                NOISE,
                rate[0],
                rate[1],
                rate[2]);
    }

    /** 1 for bytes, 4.2 for GPT-2's 50,257. */
    private static double bytesPerToken(int vocabulary) {
        return 1 + 0.6 * Math.log(Math.max(256, vocabulary) / 256.0);
    }

    /** Expected best peak learning rate of AdamW, up to the critical batch. */
    static double expectedRate(double n, double batch, double d) {
        return 0.0063 * Math.pow(n, -0.265) * Math.sqrt(batch) * Math.pow(d / DATA, -0.2);
    }

    /** N_opt of a budget in FLOPs. */
    double bestSize(double flops) {
        double g = Math.pow(alpha * a / (beta * b), 1 / (alpha + beta));
        return g * Math.pow(flops / FLOPS_PER_PARAMETER_AND_TOKEN, exponent());
    }

    /** a of N_opt ∝ C^a. */
    double exponent() {
        return beta / (alpha + beta);
    }

    /** B_crit of runs over so many tokens. */
    double criticalBatch(double d) {
        return criticalBatch * Math.pow(d / DATA, CRITICAL_BATCH_GROWTH);
    }

    /** Best peak learning rate, which does not grow beyond the critical batch. */
    double bestRate(double n, double batch, double d) {
        return expectedRate(n, Math.min(batch, criticalBatch(d)), d)
                * Math.exp(rateShift + rateBySize * Math.log(n / SIZE) + rateByData * Math.log(d / DATA));
    }

    /** @param rate peak learning rate */
    double loss(double n, double d, double batch, double rate) {
        double effective = d / (1 + Math.pow(batch / criticalBatch(d), sharpness));
        double loss = irreducible + a * Math.pow(n, -alpha) + b * Math.pow(effective, -beta);
        double off = Math.log(rate / bestRate(n, batch, d));
        return loss * Math.exp(RATE_CURVATURE * Math.min(off * off, FARTHEST_RATE * FARTHEST_RATE));
    }
}
