package dev.powersweep.fitting.isoflop;

import dev.powersweep.fitting.result.FitOptions;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Draws IsoFLOP curves anew.
 *
 * <p>RUNS draws each budget's runs with replacement; a size drawn twice counts once, a size not drawn is missing.
 * RESIDUAL and PARAMETRIC both keep the grid and add normal noise of the curves' own deviation ({@link LossNoise}) to
 * ln L, as Porian et al. 2024 do with the deviation between seeds.
 */
final class IsoFlopResampling {
    private final List<IsoFlopCurve> curves;
    private final FitOptions.Resampling kind;
    private final double deviation;

    IsoFlopResampling(List<IsoFlopCurve> curves, FitOptions.Resampling kind, double deviation) {
        this.curves = curves;
        this.kind = kind;
        this.deviation = deviation;
    }

    List<IsoFlopCurve> draw(SplittableRandom random) {
        return curves.stream()
                .map(curve -> kind == FitOptions.Resampling.RUNS ? runs(curve, random) : noisy(curve, random))
                .toList();
    }

    private static IsoFlopCurve runs(IsoFlopCurve curve, SplittableRandom random) {
        boolean[] drawn = new boolean[curve.sizes()];
        for (int i = 0; i < drawn.length; i++) {
            drawn[random.nextInt(drawn.length)] = true;
        }
        int[] kept = IntStream.range(0, drawn.length).filter(i -> drawn[i]).toArray();
        return new IsoFlopCurve(
                curve.flops(),
                pick(curve.n(), kept),
                pick(curve.d(), kept),
                pick(curve.loss(), kept),
                pick(curve.weight(), kept));
    }

    private IsoFlopCurve noisy(IsoFlopCurve curve, SplittableRandom random) {
        double[] loss = curve.loss().clone();
        for (int i = 0; i < loss.length; i++) {
            loss[i] *= Math.exp(deviation * random.nextGaussian());
        }
        return curve.withLoss(loss);
    }

    private static double[] pick(double[] values, int[] rows) {
        return Arrays.stream(rows).mapToDouble(i -> values[i]).toArray();
    }
}
