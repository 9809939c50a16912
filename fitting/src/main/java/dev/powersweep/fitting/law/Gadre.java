package dev.powersweep.fitting.law;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.Quantity;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Over-training, Gadre et al. 2024 (arXiv 2403.08540, equation 4): {@code L(C,M) = E + (a·M^η + b·M^(−η))·C^(−η)} with
 * {@code M = D/N} tokens per parameter and C training FLOPs. With {@code C = 6ND} it is {@link ChinchillaTied} seen
 * along lines of equal M, α = 2η; with compute that counts attention or the head it is not. Every line of constant M
 * has the same slope −η.
 */
public final class Gadre extends PowerSumLaw {
    /** The law. */
    public Gadre() {
        super(
                List.of(
                        Term.constant("E"),
                        new Term(
                                "a",
                                Term.Form.FACTOR,
                                List.of(
                                        new Term.Factor(Quantity.C, "eta", 1),
                                        new Term.Factor(Quantity.D, "eta", -1),
                                        new Term.Factor(Quantity.N, "eta", 1))),
                        new Term(
                                "b",
                                Term.Form.FACTOR,
                                List.of(
                                        new Term.Factor(Quantity.C, "eta", 1),
                                        new Term.Factor(Quantity.D, "eta", 1),
                                        new Term.Factor(Quantity.N, "eta", -1)))),
                "");
    }

    @Override
    public String name() {
        return "gadre";
    }

    @Override
    public String title() {
        return "Gadre et al. 2024, over-training";
    }

    @Override
    public String formula() {
        return "L(C,M) = E + (a*M^eta + b*M^-eta)*C^-eta, M = D/N";
    }

    @Override
    public String source() {
        return "Gadre et al. 2024, arXiv 2403.08540, equation 4";
    }

    @Override
    public Quantity scale() {
        return Quantity.C;
    }

    @Override
    public Map<String, Estimate> derived(double[] published) {
        Map<String, Estimate> derived = new LinkedHashMap<>();
        derived.put("alpha", Estimate.of(2 * published[3], "1"));
        // dL/dM = 0 at fixed C
        derived.put(
                "M_opt",
                Estimate.of(Math.pow(published[2] / published[1], 1 / (2 * published[3])), "tokens/parameter"));
        return derived;
    }

    /** N and D enter with C; C may well be 6ND. */
    @Override
    protected Set<Quantity> separable() {
        return Set.of(Quantity.N, Quantity.D);
    }
}
