package dev.powersweep.orchestrator.budget;

import dev.powersweep.fitting.allocation.DesignCell;
import dev.powersweep.fitting.allocation.OptimalDesign;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.orchestrator.fits.ComputeOptimum;
import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which further cells would tell most about the compute-optimal model size, and the sweep that trains them. */
public final class NextCells {
    /** The size is wanted for a budget this many times beyond the largest cell. */
    private static final double BEYOND = 10;
    /** Coefficients are searched in their logarithm, exponents and losses as they are. */
    private static final double COEFFICIENT = 5;

    private NextCells() {}

    /**
     * Chooses cells that together cost no more than all cells trained so far.
     *
     * @param law to use; empty for the most general that was fitted
     * @param most cells at most
     * @param trainable what the sweep that they join can train
     */
    public static OptimalDesign choose(List<StoredFit> fits, Optional<String> law, int most, Trainable trainable) {
        StoredFit fit = Budget.choose(fits, law);
        List<DesignCell> made = fit.made();
        if (made.isEmpty()) {
            throw new UserError("the fits do not say which runs they rest on; give the sweep's directory or its"
                    + " fits.json, not what --json printed");
        }
        double lowN = made.stream().mapToDouble(DesignCell::n).min().orElseThrow();
        double highN = made.stream().mapToDouble(DesignCell::n).max().orElseThrow();
        double lowD = made.stream().mapToDouble(DesignCell::d).min().orElseThrow();
        double highD = made.stream().mapToDouble(DesignCell::d).max().orElseThrow();
        double b = made.stream().mapToDouble(DesignCell::b).min().orElseThrow();
        List<DesignCell> candidates = new ArrayList<>();
        for (double n : sizes(lowN, highN, trainable)) {
            for (double d : data(lowD, highD, b, trainable)) {
                candidates.add(DesignCell.of(n, d, b));
            }
        }
        double spent = made.stream().mapToDouble(DesignCell::flops).sum();
        double goal =
                BEYOND * made.stream().mapToDouble(DesignCell::flops).max().orElseThrow();
        double[] values = fit.values();
        try {
            return OptimalDesign.choose(
                    inward(values),
                    theta -> cell -> Math.log(fit.predictor().at(outward(theta, values), Point.nd(cell.n(), cell.d()))),
                    made,
                    Double.isNaN(fit.noise()) ? 0.01 : fit.noise(),
                    theta -> Math.log(ComputeOptimum.size(fit.predictor(), outward(theta, values), goal)),
                    candidates,
                    spent,
                    most);
        } catch (FitRefusal refusal) {
            throw new UserError(refusal.sentence(), refusal);
        }
    }

    /** From half the smallest to four times the largest, as the grid makes them. */
    private static Set<Double> sizes(double low, double high, Trainable trainable) {
        Set<Double> sizes = new TreeSet<>();
        for (double n = low / 2; n <= high * 4.1; n *= 2) {
            sizes.add(trainable.size().applyAsDouble(n));
        }
        return sizes;
    }

    /** From the fewest to four times the most tokens, and where the text ends before that, all of it in whole batches. */
    private static Set<Double> data(double low, double high, double batch, Trainable trainable) {
        Set<Double> data = new TreeSet<>();
        for (double d = low; d <= Math.min(high * 4.1, trainable.tokens()); d *= 2) {
            data.add(d);
        }
        if (trainable.tokens() < high * 4.1) {
            data.add(
                    Double.isNaN(batch)
                            ? Math.floor(trainable.tokens())
                            : Math.floor(trainable.tokens() / batch) * batch);
        }
        return data;
    }

    private static double[] inward(double[] values) {
        double[] theta = values.clone();
        for (int i = 0; i < theta.length; i++) {
            theta[i] = values[i] > COEFFICIENT ? Math.log(values[i]) : values[i];
        }
        return theta;
    }

    private static double[] outward(double[] theta, double[] values) {
        double[] out = theta.clone();
        for (int i = 0; i < out.length; i++) {
            out[i] = values[i] > COEFFICIENT ? Math.exp(theta[i]) : theta[i];
        }
        return out;
    }

    /**
     * A specification that {@code run} accepts and that trains exactly these cells: a union of one-cell grids, with corpus,
     * training and evaluation of the sweep that was fitted. Seeds continue those of that sweep, so that a cell that it has
     * already, or whose shape equals one that it has, is a replicate and is trained.
     *
     * @param base the specification of that sweep; empty where it is not known, for defaults
     * @param output directory of that sweep, which the new cells join
     * @param sizes by which the grid names models
     */
    public static String specification(
            OptimalDesign design, Optional<String> base, Optional<String> output, GridSizes sizes) {
        requireSizes(base);
        long firstSeed = base.map(NextCells::unusedSeed).orElse(0L);
        List<DesignCell> seen = new ArrayList<>();
        List<String> parts = new ArrayList<>();
        for (DesignCell cell : design.cells()) {
            long seed = firstSeed + seen.stream().filter(cell::equals).count();
            seen.add(cell);
            String batch = Double.isNaN(cell.b()) ? "" : ", batchSizes: [" + Math.round(cell.b()) + "]";
            parts.add(String.format(
                    Locale.ROOT,
                    "{modelSizes: [%d], dataSizes: [%d]%s, seeds: [%d]}",
                    Math.round(sizes.of(cell.n())),
                    Math.round(cell.d()),
                    batch,
                    seed));
        }
        List<String> overrides = new ArrayList<>(List.of("grid={union: [" + String.join(", ", parts) + "]}"));
        output.ifPresent(directory -> overrides.add("output=" + directory));
        SweepSpec spec = SweepSpecReader.read(base.orElse("name: next-cells"), "sweep.yaml", overrides);
        String yaml = spec.text();
        return text(design, base.isPresent(), spec.trainer().isPresent(), sizes, yaml);
    }

    /** Between the points of a program that is not ours there are no others: only its user can name more. */
    static void requireSizes(Optional<String> base) {
        boolean points = base.map(text -> SweepSpecReader.read(text, "sweep.yaml", List.of()).grid().parts().stream()
                        .flatMap(part -> part.modelSizes().stream())
                        .anyMatch(ModelSize.Point.class::isInstance))
                .orElse(false);
        if (points) {
            throw new UserError(
                    "the models of this sweep are grid.points, which only their program can make: powersweep"
                            + " plan with --flops names N and D, and points near them go into your own specification");
        }
    }

    /** One above every seed that the grid of a specification names. */
    private static long unusedSeed(String specification) {
        return SweepSpecReader.read(specification, "sweep.yaml", List.of()).grid().parts().stream()
                        .flatMap(part -> part.seeds().stream())
                        .mapToLong(Long::longValue)
                        .max()
                        .orElse(-1)
                + 1;
    }

    private static String text(OptimalDesign design, boolean joins, boolean program, GridSizes sizes, String yaml) {
        return String.format(
                        Locale.ROOT,
                        "# %d cells, %.3g FLOPs. The standard deviation of ln N_opt at ten times the largest cell would fall"
                                + " from %.3f to %.3f.\n",
                        design.cells().size(),
                        design.flops(),
                        design.deviationBefore(),
                        design.deviationAfter())
                + (joins
                        ? program
                                ? "# They join the sweep that was fitted; put this file where the program's files lie.\n"
                                : "# They join the sweep that was fitted; powersweep run needs this file alone.\n"
                        : "# Corpus, context and training are the defaults: put in what the fitted runs had.\n")
                + (sizes.known().isEmpty()
                        ? ""
                        : "# The program counts its own parameters: the sizes below are the grid's, for which it should report about "
                                + design.cells().stream()
                                        .map(cell -> Long.toString(Math.round(cell.n())))
                                        .collect(Collectors.joining(", "))
                                + ".\n")
                + yaml;
    }
}
