package dev.powersweep.fitting.result;

/**
 * Why to believe that the minimum is one, and the lowest.
 *
 * @param starts descents from distant starts
 * @param reachedBest share of them that ended at the best minimum, 0 … 1
 * @param gradientNorm largest gradient component at the minimum, relative to what all rows pulling one way would give
 * @param hessianCondition condition number of the objective's second derivative at the minimum, in centred logarithmic
 *     parameters; infinite where it is singular
 * @param iterations Newton steps of the final descent
 * @param proof whether the minimum is certified
 * @param how what was done to certify it, or what is missing
 */
public record Convergence(
        int starts,
        double reachedBest,
        double gradientNorm,
        double hessianCondition,
        int iterations,
        Proof proof,
        String how) {
    /** Whether the search proved what it found. */
    public enum Proof {
        /** Stationary, curved upwards, and nothing lower anywhere on the grid of shapes. */
        CERTIFIED,
        /** The best that was found, without one of the proofs. */
        UNPROVEN
    }

    /** Whether the minimum is certified. */
    public boolean certified() {
        return proof == Proof.CERTIFIED;
    }

    /** For laws in closed form, which have nothing to converge. */
    public static Convergence closedForm(String how) {
        return new Convergence(1, 1, 0, 1, 0, Proof.CERTIFIED, how);
    }
}
