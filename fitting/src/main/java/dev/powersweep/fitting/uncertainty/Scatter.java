package dev.powersweep.fitting.uncertainty;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * How far optima lie from the law through them beyond what the noise of their own losses explains: the deviation between
 * sizes of a random-effects model, from the difference of the regression's residual variance and the mean variance of the
 * optima when losses are drawn anew (method of moments; DerSimonian and Laird 1986). Intervals that move optima by noise
 * alone would say that the law holds exactly.
 *
 * @param deviation in ln of the setting; 0 where the noise explains the scatter, or nothing tells it
 * @param degreesOfFreedom of the regression, ≥ 0
 */
public record Scatter(double deviation, int degreesOfFreedom) {

    /**
     * @param residuals of the logarithms of the optima about their law [optima]
     * @param parameters of the law
     * @param logs the logarithms themselves [optima]
     * @param draws the same where losses are drawn anew, [draw][optima]; NaN where there was no optimum
     */
    public static Scatter of(double[] residuals, int parameters, double[] logs, List<double[]> draws) {
        int spare = residuals.length - parameters;
        if (spare < 1) {
            return new Scatter(0, 0);
        }
        double residual = Arrays.stream(residuals).map(r -> r * r).sum() / spare;
        double within = IntStream.range(0, logs.length)
                .mapToDouble(i -> draws.stream()
                        .mapToDouble(draw -> draw[i] - logs[i])
                        .filter(Double::isFinite)
                        .map(difference -> difference * difference)
                        .average()
                        .orElse(0))
                .average()
                .orElse(0);
        return new Scatter(Math.sqrt(Math.max(0, residual - within)), spare);
    }

    /** The deviation of one refit, as uncertain as so few optima leave it: with it, what is moved follows Student's t. */
    public double draw(SplittableRandom random) {
        double chiSquare = 0;
        for (int i = 0; i < degreesOfFreedom; i++) {
            double normal = random.nextGaussian();
            chiSquare += normal * normal;
        }
        return deviation == 0 ? 0 : deviation * Math.sqrt(degreesOfFreedom / chiSquare);
    }
}
