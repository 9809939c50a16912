package dev.powersweep.fitting.law;

import dev.powersweep.fitting.runs.Quantity;
import java.util.List;

/**
 * Loss by model size and optimiser steps, Kaplan et al. 2020 equation 1.6:
 * {@code L(N,S_min) = (N_c/N)^α_N + (S_c/S_min)^α_S}, for data without end. Published: α_N 0.077, α_S 0.76, N_c 6.5e13,
 * S_c 2.1e3. The column {@code s} should hold S_min, the steps at a batch far above the critical one
 * ({@link KaplanForms#minimumSteps}).
 */
public final class KaplanNS extends PowerSumLaw {
    /** The law. */
    public KaplanNS() {
        super(List.of(Term.scaled("Nc", Quantity.N, "alpha_N"), Term.scaled("Sc", Quantity.S, "alpha_S")), "");
    }

    @Override
    public String name() {
        return "kaplan-ns";
    }

    @Override
    public String title() {
        return "Kaplan et al. 2020, L(N,S_min)";
    }

    @Override
    public String formula() {
        return "L(N,S) = (Nc/N)^alpha_N + (Sc/S)^alpha_S";
    }

    @Override
    public String source() {
        return "Kaplan et al. 2020, arXiv 2001.08361, equation 1.6";
    }

    @Override
    public Quantity scale() {
        return Quantity.N;
    }
}
