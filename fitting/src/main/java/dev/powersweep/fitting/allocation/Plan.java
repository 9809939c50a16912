package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.result.Estimate;
import java.util.List;
import java.util.Optional;

/**
 * A compute-optimal training.
 *
 * @param goal what was asked
 * @param law what the plan rests on
 * @param flops C = 6·N·D
 * @param n parameters N, under the convention of the fit
 * @param d tokens D
 * @param tokensPerParameter D/N
 * @param loss predicted, nats per token; NaN where the fit knows no losses
 * @param batch in tokens, where a critical batch size is known
 * @param steps D/B
 * @param learningRate peak learning rate with its source
 * @param cost time, energy and money, where rates are known
 * @param gains what the next doublings of compute would gain
 * @param sensitivity how the answer moves with the exponent, where there are enough refits
 * @param regret loss given away if the truth lies elsewhere in the fit's uncertainty: 0 at the estimate, its interval over the
 *     refits
 * @param extrapolations directions in which the plan lies far outside the fitted runs
 * @param warnings what a careful reader should know
 */
public record Plan(
        Goal goal,
        String law,
        Estimate flops,
        Estimate n,
        Estimate d,
        Estimate tokensPerParameter,
        Estimate loss,
        Optional<Estimate> batch,
        Optional<Estimate> steps,
        RecommendedRate learningRate,
        Optional<Accelerator.Cost> cost,
        List<Gain> gains,
        Optional<Sensitivity> sensitivity,
        Estimate regret,
        List<Extrapolation> extrapolations,
        List<String> warnings) {

    /** Takes copies. */
    public Plan {
        gains = List.copyOf(gains);
        extrapolations = List.copyOf(extrapolations);
        warnings = List.copyOf(warnings);
    }

    /**
     * What a doubling of compute gains at the optimum.
     *
     * @param fromFlops before
     * @param toFlops after
     * @param nats by which the loss falls
     */
    public record Gain(double fromFlops, double toFlops, Estimate nats) {}

    /**
     * The answer at the two ends of the interval of the exponent of N_opt(C): medians over the refits of its lowest and
     * highest twentieth.
     *
     * @param exponent a at the estimate, at the plan's budget
     * @param exponentLow a at the lower end
     * @param exponentHigh a at the upper end
     * @param nAtLow N where the exponent is low
     * @param nAtHigh N where it is high
     * @param dAtLow D where it is low
     * @param dAtHigh D where it is high
     * @param lossAtLow loss where it is low
     * @param lossAtHigh loss where it is high
     */
    public record Sensitivity(
            double exponent,
            double exponentLow,
            double exponentHigh,
            double nAtLow,
            double nAtHigh,
            double dAtLow,
            double dAtHigh,
            double lossAtLow,
            double lossAtHigh) {}
}
