package dev.powersweep.fitting.law;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.Quantity;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Approach 3 of Hoffmann et al. 2022 (arXiv 2203.15556, section 3.3, equations 2 and 4): {@code L = E + A/N^α + B/D^β},
 * N in parameters, D in tokens, L in nats per token. Published: E 1.69, A 406.4, B 410.7, α 0.34, β 0.28.
 *
 * <p>Derived: {@code N_opt = G·(C/6)^a}, {@code D_opt = G⁻¹·(C/6)^b} with {@code a = β/(α+β)}, {@code b = α/(α+β)},
 * {@code G = (αA/(βB))^(1/(α+β))}.
 */
public final class Chinchilla extends PowerSumLaw {
    /** The law. */
    public Chinchilla() {
        super(
                List.of(Term.constant("E"), Term.power("A", Quantity.N, "alpha"), Term.power("B", Quantity.D, "beta")),
                "");
    }

    @Override
    public String name() {
        return "chinchilla";
    }

    @Override
    public String title() {
        return "Hoffmann et al. 2022, approach 3 (parametric)";
    }

    @Override
    public String formula() {
        return "L(N,D) = E + A/N^alpha + B/D^beta";
    }

    @Override
    public String source() {
        return "Hoffmann et al. 2022, arXiv 2203.15556, section 3.3";
    }

    @Override
    public Quantity scale() {
        return Quantity.C;
    }

    @Override
    public Map<String, Estimate> derived(double[] published) {
        return allocation(published[1], published[2], published[3], published[4]);
    }

    static Map<String, Estimate> allocation(double a, double b, double alpha, double beta) {
        Map<String, Estimate> derived = new LinkedHashMap<>();
        derived.put("a", Estimate.of(beta / (alpha + beta), "1"));
        derived.put("b", Estimate.of(alpha / (alpha + beta), "1"));
        derived.put("G", Estimate.of(Math.pow(alpha * a / (beta * b), 1 / (alpha + beta)), "1"));
        return derived;
    }
}
