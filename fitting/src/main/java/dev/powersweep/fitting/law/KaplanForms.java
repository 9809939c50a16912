package dev.powersweep.fitting.law;

/**
 * What follows in closed form from the laws of Kaplan et al. 2020 (arXiv 2001.08361). Numbers are passed in, none is built
 * in; equation numbers are the paper's.
 */
public final class KaplanForms {
    /** 1e15 FLOP/s for a day. */
    public static final double FLOPS_PER_PF_DAY = 8.64e19;

    private KaplanForms() {}

    /** Critical batch size at a loss, equation 1.4: {@code B*·L^(−1/α_B)}, tokens. */
    public static double criticalBatch(double loss, double batchStar, double alphaB) {
        return batchStar * Math.pow(loss, -1 / alphaB);
    }

    /** Steps that a batch far above the critical one would have needed, equation 5.4: {@code S/(1 + B_crit/B)}. */
    public static double minimumSteps(double steps, double batch, double criticalBatch) {
        return steps / (1 + criticalBatch / batch);
    }

    /** Compute that a batch far below the critical one would have needed, equation 5.5: {@code C/(1 + B/B_crit)}. */
    public static double minimumCompute(double compute, double batch, double criticalBatch) {
        return compute / (1 + batch / criticalBatch);
    }

    /** How much the loss exceeds that of endless data, relative, equation 4.3. */
    public static double overfitting(
            double parameters, double tokens, double nc, double dc, double alphaN, double alphaD) {
        return Math.expm1(alphaD * Math.log1p(Math.pow(parameters / nc, alphaN / alphaD) * dc / tokens));
    }

    /**
     * Lower bound on the step at which training on limited data stops improving, equation 5.7:
     * {@code S_c/[L(N,D) − L(N,∞)]^(1/α_S)}.
     */
    public static double earlyStop(double lossAtData, double lossAtEndlessData, double sc, double alphaS) {
        return sc / Math.pow(lossAtData - lossAtEndlessData, 1 / alphaS);
    }

    /** Exponent of L(C_min) from the others, equation B.10: {@code 1/α_C = 1/α_S + 1/α_B + 1/α_N}. */
    public static double computeExponent(double alphaN, double alphaS, double alphaB) {
        return 1 / (1 / alphaS + 1 / alphaB + 1 / alphaN);
    }

    /** By how much the loss of a compute-optimal run exceeds the converged one, relative, equation B.7: α_N/α_S. */
    public static double optimalExcess(double alphaN, double alphaS) {
        return alphaN / alphaS;
    }

    /**
     * Steps of a model {@code ratio} times the compute-optimal size, relative to the optimal run at the same loss, appendix
     * B.4: {@code [1 + (α_S/α_N)(1 − ratio^(−α_N))]^(−1/α_S)}.
     */
    public static double stepsOffOptimum(double ratio, double alphaN, double alphaS) {
        return Math.pow(1 + alphaS / alphaN * (1 - Math.pow(ratio, -alphaN)), -1 / alphaS);
    }

    /** Compute of a model {@code ratio} times the compute-optimal size, relative, appendix B.4. */
    public static double computeOffOptimum(double ratio, double alphaN, double alphaS) {
        return ratio * stepsOffOptimum(ratio, alphaN, alphaS);
    }

    /** Size, relative, of a run that stops at excess f over one that stops at excess g, same loss, equation B.12. */
    public static double sizeRatio(double f, double g, double alphaN) {
        return Math.pow((1 + f) / (1 + g), 1 / alphaN);
    }

    /** Steps, relative, of a run that stops at excess f over one that stops at excess g, same loss, equation B.13. */
    public static double stepsRatio(double f, double g, double alphaS) {
        return Math.pow((1 + 1 / f) / (1 + 1 / g), 1 / alphaS);
    }

    /** Compute, relative, of a run that stops at excess f over one that stops at excess g, same loss, equation B.14. */
    public static double computeRatio(double f, double g, double alphaN, double alphaS) {
        return sizeRatio(f, g, alphaN) * stepsRatio(f, g, alphaS);
    }

    /**
     * Where L(D) of the data that a compute-optimal run uses meets L(C_min), section 6.3: beyond it the laws contradict each
     * other.
     *
     * @param dc scale of L(D), tokens
     * @param cc scale of L(C_min), PF-days
     * @param dataFactor tokens used at one PF-day
     * @param dataExponent growth of the tokens with compute
     * @return compute in PF-days
     */
    public static double limit(
            double dc, double alphaD, double cc, double alphaC, double dataFactor, double dataExponent) {
        return Math.exp(
                (alphaD * Math.log(dc / dataFactor) - alphaC * Math.log(cc)) / (alphaD * dataExponent - alphaC));
    }
}
