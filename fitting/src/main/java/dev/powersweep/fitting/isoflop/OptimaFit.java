package dev.powersweep.fitting.isoflop;

import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Found;
import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Rejected;
import dev.powersweep.fitting.linear.PowerLaw;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Power laws through compute-optimal sizes: N_opt(C) = k_N·C^a, D_opt(C) = k_D·C^b and the loss along them, each by
 * least squares in logarithms, weighted by budget.
 *
 * @param optima the accepted minima, by increasing C
 * @param rejected the budgets without a usable minimum
 * @param n N_opt(C)
 * @param d D_opt(C)
 * @param loss L(C) along the optima, without irreducible loss: fit to interpolate, not to extrapolate
 */
public record OptimaFit(List<Found> optima, List<Rejected> rejected, PowerLaw n, PowerLaw d, PowerLaw loss) {

    /** Takes copies. */
    public OptimaFit {
        optima = List.copyOf(optima);
        rejected = List.copyOf(rejected);
    }

    /**
     * Fits the laws through one minimum per budget.
     *
     * @return empty when fewer than two budgets have a usable minimum
     */
    public static Optional<OptimaFit> through(List<? extends IsoFlopMinimum> minima) {
        List<Found> found = new ArrayList<>();
        List<Rejected> rejected = new ArrayList<>();
        for (IsoFlopMinimum minimum : minima) {
            if (minimum instanceof Found f) {
                found.add(f);
            } else if (minimum instanceof Rejected r) {
                rejected.add(r);
            }
        }
        double[] c = found.stream().mapToDouble(Found::flops).toArray();
        double[] weight = found.stream().mapToDouble(Found::weight).toArray();
        return PowerLaw.fit(c, found.stream().mapToDouble(Found::n).toArray(), weight)
                .flatMap(n -> PowerLaw.fit(
                                c, found.stream().mapToDouble(Found::d).toArray(), weight)
                        .flatMap(d -> PowerLaw.fit(
                                        c,
                                        found.stream().mapToDouble(Found::loss).toArray(),
                                        weight)
                                .map(loss -> new OptimaFit(found, rejected, n, d, loss))));
    }

    /** Finds each budget's minimum by one method and fits the laws through them. */
    public static Optional<OptimaFit> of(List<IsoFlopCurve> curves, MinimumMethod method) {
        return through(curves.stream().map(method::minimum).toList());
    }
}
