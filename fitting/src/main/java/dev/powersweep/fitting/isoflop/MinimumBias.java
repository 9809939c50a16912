package dev.powersweep.fitting.isoflop;

import java.util.List;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;

/**
 * How far a way of finding minima errs on a given design when the losses carry no noise at all.
 *
 * <p>A parabola is the second-order Taylor polynomial of an IsoFLOP curve that is not a parabola; on wide or off-centre
 * grids its vertex is shifted by a nearly constant factor at every budget, and by a drifting one where the grid drifts, so
 * that the exponent is wrong as well (Czech et al. 2026, arXiv 2603.22339). The design's losses are replaced by those of a
 * known surface with D = C/(6N), the whole estimation is repeated, and its answer is compared with the surface's own
 * optimum.
 *
 * @param targetFlops the budget at which N and D are compared
 * @param exponentError estimated minus true local exponent of N_opt(C) (true: over the design's own range of budgets)
 * @param relativeErrorN N̂_opt/N_opt − 1 at the target
 * @param relativeErrorD D̂_opt/D_opt − 1 at the target
 */
public record MinimumBias(double targetFlops, double exponentError, double relativeErrorN, double relativeErrorD) {

    private static final double FLOPS_PER_PARAMETER_AND_TOKEN = 6;

    /**
     * Simulates the noise-free design.
     *
     * @param surface loss as a function of (N, D), convex in ln N along a budget
     * @param design budgets and sizes; their losses are ignored
     * @param method the way to judge
     * @param targetFlops where to compare
     * @return empty when the noise-free design has fewer than two interior minima
     */
    public static Optional<MinimumBias> simulate(
            DoubleBinaryOperator surface, List<IsoFlopCurve> design, MinimumMethod method, double targetFlops) {
        List<IsoFlopCurve> noiseFree =
                design.stream().map(curve -> noiseFree(surface, curve)).toList();
        return OptimaFit.of(noiseFree, method).map(fit -> {
            double low = fit.optima().get(0).flops();
            double high = fit.optima().get(fit.optima().size() - 1).flops();
            double trueExponent =
                    Math.log(optimalSize(surface, high) / optimalSize(surface, low)) / Math.log(high / low);
            double trueN = optimalSize(surface, targetFlops);
            double trueD = targetFlops / (FLOPS_PER_PARAMETER_AND_TOKEN * trueN);
            return new MinimumBias(
                    targetFlops,
                    fit.n().exponent() - trueExponent,
                    fit.n().at(targetFlops) / trueN - 1,
                    fit.d().at(targetFlops) / trueD - 1);
        });
    }

    private static IsoFlopCurve noiseFree(DoubleBinaryOperator surface, IsoFlopCurve curve) {
        double[] d = new double[curve.sizes()];
        double[] loss = new double[curve.sizes()];
        for (int i = 0; i < d.length; i++) {
            d[i] = curve.flops() / (FLOPS_PER_PARAMETER_AND_TOKEN * curve.n()[i]);
            loss[i] = surface.applyAsDouble(curve.n()[i], d[i]);
        }
        return new IsoFlopCurve(curve.flops(), curve.n(), d, loss, curve.weight());
    }

    /** Golden-section search over ln N; the place of a minimum is known to about 1e-8, ample for a bias in per cent. */
    private static double optimalSize(DoubleBinaryOperator surface, double flops) {
        double nd = flops / FLOPS_PER_PARAMETER_AND_TOKEN;
        double low = 0;
        double high = Math.log(nd);
        double ratio = (Math.sqrt(5) - 1) / 2;
        double left = high - ratio * (high - low);
        double right = low + ratio * (high - low);
        double atLeft = along(surface, nd, left);
        double atRight = along(surface, nd, right);
        while (high - low > 1e-9) {
            if (atLeft < atRight) {
                high = right;
                right = left;
                atRight = atLeft;
                left = high - ratio * (high - low);
                atLeft = along(surface, nd, left);
            } else {
                low = left;
                left = right;
                atLeft = atRight;
                right = low + ratio * (high - low);
                atRight = along(surface, nd, right);
            }
        }
        return Math.exp((low + high) / 2);
    }

    private static double along(DoubleBinaryOperator surface, double nd, double logN) {
        return surface.applyAsDouble(Math.exp(logN), nd * Math.exp(-logN));
    }
}
