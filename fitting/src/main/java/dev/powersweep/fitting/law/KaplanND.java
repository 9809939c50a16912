package dev.powersweep.fitting.law;

import dev.powersweep.fitting.runs.Quantity;
import java.util.List;

/**
 * Loss by model and data size together, Kaplan et al. 2020 equation 1.5:
 * {@code L(N,D) = [(N_c/N)^(α_N/α_D) + D_c/D]^α_D}, N non-embedding parameters, D tokens, models stopped early.
 * Published: α_N 0.076, α_D 0.103, N_c 6.4e13, D_c 1.8e13. It has no irreducible loss.
 */
public final class KaplanND extends PowerSumLaw {
    /** The law. */
    public KaplanND() {
        super(
                List.of(
                        Term.scaled("Nc", Quantity.N, "alpha_N"),
                        new Term("Dc", Term.Form.SCALE, List.of(new Term.Factor(Quantity.D, "", 1)))),
                "alpha_D");
    }

    @Override
    public String name() {
        return "kaplan-nd";
    }

    @Override
    public String title() {
        return "Kaplan et al. 2020, L(N,D)";
    }

    @Override
    public String formula() {
        return "L(N,D) = [(Nc/N)^(alpha_N/alpha_D) + Dc/D]^alpha_D";
    }

    @Override
    public String source() {
        return "Kaplan et al. 2020, arXiv 2001.08361, equation 1.5";
    }

    @Override
    public Quantity scale() {
        return Quantity.C;
    }

    // Inside, the exponent of N is the ratio α_N/α_D.
    @Override
    protected double[] outward(double[] plain) {
        return new double[] {plain[0], plain[1], plain[2] * plain[3], plain[3]};
    }

    @Override
    protected double[] inward(double[] published) {
        return new double[] {published[0], published[1], published[2] / published[3], published[3]};
    }

    @Override
    protected double[] grid(String name, int shapes) {
        return name.equals("alpha_D") ? geometric(0.01, 2, 25) : geometric(0.05, 20, 25);
    }
}
