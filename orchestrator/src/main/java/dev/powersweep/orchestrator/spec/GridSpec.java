package dev.powersweep.orchestrator.spec;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The cells of a sweep: the union of its parts.
 *
 * @param parts at least one, unless a design is to make them
 * @param design what the parts were designed for, or are to be
 * @param ratePilot when the cells of a design that try several learning rates are trained
 */
public record GridSpec(List<Part> parts, Optional<Design> design, PilotOrder ratePilot) {
    public GridSpec {
        parts = List.copyOf(parts);
    }

    /** Parts that a user wrote. */
    GridSpec(List<Part> parts) {
        this(parts, Optional.empty(), PilotOrder.TOGETHER);
    }

    /** Whether what is to be trained is still to be designed. */
    public boolean undesigned() {
        return design.isPresent() && parts.isEmpty();
    }

    /** What {@code design: auto} may spend. */
    public sealed interface Design {

        /** Training FLOPs of all cells together, 6·N·D each. */
        record Flops(double flops) implements Design {}

        /** From the first cell's start to the last one's end, on the slots that there are. */
        record Seconds(double seconds) implements Design {}
    }

    /** When the cells of a design that try several learning rates are trained. */
    public enum PilotOrder {
        /** With all others, at the rates of the specification's rule. */
        TOGETHER,
        /** Before the others, which take the factor of the rule that they find. */
        FIRST,
        /** First, and they have ended: the rates of the others are what followed from them, and stay so. */
        DECIDED
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
     * @param learningRates peak rates or factors; one factor of 1 where the axis is absent
     * @param variants what {@code grid.axes} makes of model, context and training: every combination of its values, or for
     *     {@link Combine#ZIP} the first of each, the second of each; one without settings where there are no axes
     * @param seeds replicate numbers
     * @param where keeps the cells it holds for
     * @param branches that leave the part's trunks; none of {@code where}'s conditions holds for them
     */
    public record Part(
            Combine combine,
            List<ModelSize> modelSizes,
            List<Long> dataSizes,
            List<Double> budgets,
            List<BatchSize> batchSizes,
            List<Long> uniqueTokens,
            List<RateChoice> learningRates,
            List<Variant> variants,
            List<Long> seeds,
            Optional<Condition> where,
            Optional<Branches> branches) {
        public Part {
            modelSizes = List.copyOf(modelSizes);
            dataSizes = List.copyOf(dataSizes);
            budgets = List.copyOf(budgets);
            batchSizes = List.copyOf(batchSizes);
            uniqueTokens = List.copyOf(uniqueTokens);
            learningRates = List.copyOf(learningRates);
            variants = List.copyOf(variants);
            seeds = List.copyOf(seeds);
        }
    }

    /**
     * Runs of other batches from states of each trunk, to measure the critical batch size there (Merrill et al. 2025, arXiv
     * 2505.23971).
     *
     * @param at tokens that a trunk has seen, ascending
     * @param batchSizes at least two
     * @param tokens of each branch
     * @param rateScaling how the learning rate follows the batch, from the trunk's own
     */
    public record Branches(
            List<Long> at, List<BatchSize> batchSizes, long tokens, LearningRateRule.BatchScaling rateScaling) {
        public Branches {
            at = List.copyOf(at);
            batchSizes = List.copyOf(batchSizes);
        }
    }

    /** One entry of the learning-rate axis. */
    public sealed interface RateChoice {

        /** Of the specification's own rule. */
        RateChoice RULE = new Factor(1);

        /** A peak rate for every cell; under μP at the base width. */
        record Peak(double rate) implements RateChoice {}

        /** A multiple of what the specification's rule gives each cell. */
        record Factor(double ofRule) implements RateChoice {}
    }

    /**
     * What the specification says with one value of each of {@code grid.axes} in place.
     *
     * @param settings in the order of the axes
     * @param arguments of the program that trains, by name; none for PowerSweep's own trainer
     */
    public record Variant(
            List<Setting> settings,
            int context,
            ModelSpec model,
            TrainingSpec training,
            Map<String, String> arguments) {
        public Variant {
            settings = List.copyOf(settings);
            arguments = Collections.unmodifiableSortedMap(new TreeMap<>(arguments));
        }
    }

    /**
     * One value of one of {@code grid.axes}.
     *
     * @param path of the key, e.g. {@code training.optimizer.weightDecay}
     * @param text the value as written; its number in the list, from 1, where it is a mapping
     */
    public record Setting(String path, String text) {

        /** The last part of the path. */
        public String name() {
            return path.substring(path.lastIndexOf('.') + 1);
        }
    }
}
