package dev.powersweep.fitting.batch;

/** What the critical batch size of a three-term law depends on. */
public enum CriticalBatchDriver {
    /** B_crit is one number. */
    NONE,
    /** B_crit = B_0·D^κ (Zhang et al. 2024, Bergsma et al. 2025). */
    DATA,
    /** B_crit = B_0·N^κ. */
    SIZE,
    /** B_crit = B_star/L^(1/α_B) of the predicted loss (Kaplan et al. 2020, eq 1.4). */
    LOSS
}
