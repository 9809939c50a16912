package dev.powersweep.fitting.law;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The laws in one variable of Kaplan et al. 2020 (arXiv 2001.08361): {@code L(x) = (x_c/x)^α}, as published, or with an
 * irreducible loss added, {@code L(x) = E + (x_c/x)^α}.
 *
 * <ul>
 *   <li>L(N), equation 1.1, N non-embedding parameters: α_N 0.076, N_c 8.8e13
 *   <li>L(D), equation 1.2, D tokens, early-stopped: α_D 0.095, D_c 5.4e13
 *   <li>L(C), C training FLOPs at a fixed batch size: α_C 0.057, C_c 1.6e7 PF-days
 *   <li>L(C_min), equation 1.3, C_min FLOPs at a batch far below the critical one: 0.050, 3.1e8 PF-days
 * </ul>
 *
 * One PF-day is 8.64e19 FLOPs; scales of compute come in FLOPs, and in PF-days among the derived quantities. For L(C_min) the
 * column {@code c} must hold C_min, which {@link KaplanForms#minimumCompute} computes.
 */
public final class KaplanPower extends PowerSumLaw {
    private final String name;
    private final Quantity column;
    private final String symbol;
    private final String equation;
    private final Irreducible irreducible;

    /** Whether a loss remains at infinite scale. */
    public enum Irreducible {
        /** The loss tends to zero, as published. */
        NONE,
        /** The loss tends to E. */
        FITTED
    }

    private KaplanPower(String name, Quantity column, String symbol, String equation, Irreducible irreducible) {
        super(terms(column, symbol, irreducible), "");
        this.name = irreducible == Irreducible.NONE ? name : name + "-irreducible";
        this.column = column;
        this.symbol = symbol;
        this.equation = equation;
        this.irreducible = irreducible;
    }

    private static List<Term> terms(Quantity column, String symbol, Irreducible irreducible) {
        List<Term> terms = new ArrayList<>();
        if (irreducible == Irreducible.FITTED) {
            terms.add(Term.constant("E"));
        }
        terms.add(Term.scaled(symbol + "c", column, "alpha_" + symbol));
        return terms;
    }

    /** {@code kaplan-n}: loss of converged models by size. */
    public static KaplanPower ofParameters(Irreducible irreducible) {
        return new KaplanPower("kaplan-n", Quantity.N, "N", "equation 1.1", irreducible);
    }

    /** {@code kaplan-d}: loss of large models, stopped early, by tokens. */
    public static KaplanPower ofTokens(Irreducible irreducible) {
        return new KaplanPower("kaplan-d", Quantity.D, "D", "equation 1.2", irreducible);
    }

    /** {@code kaplan-c}: best loss for compute at one batch size. */
    public static KaplanPower ofCompute(Irreducible irreducible) {
        return new KaplanPower("kaplan-c", Quantity.C, "C", "table 5, naive C", irreducible);
    }

    /** {@code kaplan-cmin}: best loss for compute, each run at a batch far below the critical one. */
    public static KaplanPower ofMinimumCompute(Irreducible irreducible) {
        return new KaplanPower("kaplan-cmin", Quantity.C, "C", "equation 1.3", irreducible);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String title() {
        return "Kaplan et al. 2020, L(" + (name.startsWith("kaplan-cmin") ? "C_min" : symbol) + ")"
                + (irreducible == Irreducible.FITTED ? " with irreducible loss" : "");
    }

    @Override
    public String formula() {
        String power = "(" + symbol + "c/" + symbol + ")^alpha_" + symbol;
        return "L(" + symbol + ") = " + (irreducible == Irreducible.FITTED ? "E + " : "") + power;
    }

    @Override
    public String source() {
        return "Kaplan et al. 2020, arXiv 2001.08361, " + equation;
    }

    @Override
    public Quantity scale() {
        return column;
    }

    @Override
    public Map<String, Estimate> derived(double[] published) {
        Map<String, Estimate> derived = new LinkedHashMap<>();
        if (column == Quantity.C) {
            derived.put(
                    "Cc_pf_days",
                    Estimate.of(published[published.length - 2] / KaplanForms.FLOPS_PER_PF_DAY, "PF-days"));
        }
        return derived;
    }
}
