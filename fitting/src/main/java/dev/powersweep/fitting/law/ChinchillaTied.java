package dev.powersweep.fitting.law;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.Quantity;
import java.util.List;
import java.util.Map;

/**
 * Approach 3 of Hoffmann et al. 2022 with one exponent for both terms: {@code L = E + A/N^α + B/D^α}. The optimal model and data
 * size then grow alike, {@code N_opt ∝ D_opt ∝ C^½}; fit it beside {@link Chinchilla} to see whether the data object.
 */
public final class ChinchillaTied extends PowerSumLaw {
    /** The law. */
    public ChinchillaTied() {
        super(
                List.of(Term.constant("E"), Term.power("A", Quantity.N, "alpha"), Term.power("B", Quantity.D, "alpha")),
                "");
    }

    @Override
    public String name() {
        return "chinchilla-tied";
    }

    @Override
    public String title() {
        return "Hoffmann et al. 2022, approach 3 with alpha = beta";
    }

    @Override
    public String formula() {
        return "L(N,D) = E + A/N^alpha + B/D^alpha";
    }

    @Override
    public String source() {
        return "Hoffmann et al. 2022, arXiv 2203.15556, section 3.3; tied as in Muennighoff et al. 2023";
    }

    @Override
    public Quantity scale() {
        return Quantity.C;
    }

    @Override
    public Map<String, Estimate> derived(double[] published) {
        return Chinchilla.allocation(published[1], published[2], published[3], published[3]);
    }
}
