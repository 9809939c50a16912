package dev.powersweep.orchestrator.spec;

import java.util.List;
import java.util.Optional;

/**
 * The cells of a sweep: the union of its parts.
 *
 * @param parts at least one
 */
public record GridSpec(List<Part> parts) {
    public GridSpec {
        parts = List.copyOf(parts);
    }

    /** How a part's axes become cells. */
    public enum Combine {
        /** Every combination. */
        PRODUCT,
        /** The first of each axis together, then the second of each; an axis of one entry serves all. */
        ZIP,
        /** Every model size at every compute budget, D = C / (6·N). */
        ISOFLOP
    }

    /**
     * @param dataSizes D in tokens; empty for {@link Combine#ISOFLOP}
     * @param budgets C in FLOPs; empty unless {@link Combine#ISOFLOP}
     * @param uniqueTokens U in tokens; empty for as many as a run sees, or the corpus has
     * @param seeds replicate numbers
     * @param where keeps the cells it holds for
     */
    public record Part(
            Combine combine,
            List<ModelSize> modelSizes,
            List<Long> dataSizes,
            List<Double> budgets,
            List<BatchSize> batchSizes,
            List<Long> uniqueTokens,
            List<Long> seeds,
            Optional<Condition> where) {
        public Part {
            modelSizes = List.copyOf(modelSizes);
            dataSizes = List.copyOf(dataSizes);
            budgets = List.copyOf(budgets);
            batchSizes = List.copyOf(batchSizes);
            uniqueTokens = List.copyOf(uniqueTokens);
            seeds = List.copyOf(seeds);
        }
    }
}
