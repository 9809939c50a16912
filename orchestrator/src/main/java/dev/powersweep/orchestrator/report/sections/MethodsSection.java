package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitsText;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.Convention;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** How the laws were made, line by line as (Mis)Fitting asks for it (Li et al. 2025, arXiv 2502.18969). */
final class MethodsSection {
    private MethodsSection() {}

    /** The section of a sweep. */
    static ReportModel.Section of(SweepResults results, FitSet set) {
        List<CellResult> cells = results.usable();
        List<Block.Fact> facts = new ArrayList<>();
        facts.add(forms(set));
        facts.add(new Block.Fact(
                "How N, D and C are counted",
                "N: " + Convention.NON_EMBEDDING.text()
                        + "; D: tokens seen, repetitions counted; B: tokens a step; C = 6·N·D; exact FLOPs and total"
                        + " parameters are in the tables"));
        facts.add(new Block.Fact(
                "Models and sizes",
                levels(cells, "N", Levels.of(cells, CellResult::parameters)) + "; "
                        + levels(cells, "D", Levels.ofTokens(cells)) + "; "
                        + levels(cells, "B", Levels.of(cells, CellResult::batchTokens)) + "; "
                        + cells.stream().map(CellResult::seed).distinct().count() + " seeds"
                        + Optional.ofNullable(results.provenance().get("model"))
                                .map(model -> "; " + model)
                                .orElse("")));
        long repeated = cells.stream()
                .filter(cell -> cell.tokensDone() > 1.01 * cell.uniqueTokens())
                .count();
        facts.add(new Block.Fact(
                "Data",
                Optional.ofNullable(results.provenance().get("text"))
                                .or(() ->
                                        Optional.ofNullable(results.provenance().get("corpus")))
                                .orElse("see the specification")
                        + "; " + (repeated == 0 ? "no run saw a token twice" : repeated + " runs repeat text")));
        facts.add(new Block.Fact(
                "Hyperparameters, and whether tuned for each size",
                Optional.ofNullable(results.provenance().get("optimiser")).orElse("AdamW") + "; schedule "
                        + cells.stream().map(CellResult::schedule).distinct().collect(Collectors.joining(", "))
                        + "; learning rates: " + tuned(cells)));
        clipping(results).ifPresent(facts::add);
        facts.add(new Block.Fact("Checkpoints and metric", metric(cells)));
        facts.add(objective(set));
        facts.add(new Block.Fact(
                "Runs left out",
                cells.size() == results.cells().size()
                        ? "none of " + cells.size()
                        : results.cells().size() - cells.size() + " of "
                                + results.cells().size()
                                + ", which did not finish; further ones as “Which cells were fitted” tells"));
        facts.add(validation(set));
        facts.add(intervals(set));
        return section(facts);
    }

    /** The section of fits to a table of runs, of which only its reader knows the rest. */
    static ReportModel.Section of(FitSet set) {
        return section(List.of(
                forms(set),
                new Block.Fact("How N, D and C are counted", "as the table's columns do; see the notes"),
                objective(set),
                validation(set),
                intervals(set)));
    }

    private static ReportModel.Section section(List<Block.Fact> facts) {
        return new ReportModel.Section(
                "methods",
                "Methods",
                "What a reader needs to judge or repeat these fits, by the checklist of (Mis)Fitting (arXiv 2502.18969).",
                List.of(new Block.Facts("", facts)));
    }

    private static Block.Fact forms(FitSet set) {
        return new Block.Fact(
                "Forms and variables",
                set.fitted().stream()
                        .map(fitted -> fitted.law() + ": " + fitted.result().formula())
                        .collect(Collectors.joining("; ")));
    }

    private static String levels(List<CellResult> cells, String name, Levels levels) {
        if (cells.isEmpty() || levels.size() == 0) {
            return "no " + name;
        }
        String low = Numbers.count(levels.values()[0], 2);
        String high = Numbers.count(levels.values()[levels.size() - 1], 2);
        return levels.size() + " of " + name + " (" + (low.equals(high) ? low : low + " to " + high) + ")";
    }

    private static String tuned(List<CellResult> cells) {
        var sizes = cells.stream()
                .collect(Collectors.groupingBy(
                        cell -> List.of(cell.parameters(), cell.tokens(), cell.batchTokens()),
                        Collectors.mapping(CellResult::learningRate, Collectors.toSet())));
        long several = sizes.values().stream().filter(rates -> rates.size() > 2).count();
        return several == 0
                ? "untuned, by one rule for every size"
                : "three or more tried at " + several + " of " + sizes.size() + " sizes, the best taken";
    }

    private static Optional<Block.Fact> clipping(SweepResults results) {
        List<CellResult> cells = results.usable().stream()
                .filter(cell -> results.clippedShares().containsKey(cell.id()))
                .sorted(Comparator.comparingDouble(
                        cell -> results.clippedShares().get(cell.id())))
                .toList();
        if (cells.isEmpty()) {
            return Optional.empty();
        }
        CellResult most = cells.get(cells.size() - 1);
        double largest = results.clippedShares().get(most.id());
        double median = results.clippedShares().get(cells.get(cells.size() / 2).id());
        String shares = largest == 0
                ? "no step was clipped"
                : "steps clipped: " + Numbers.percent(median, 2) + " in the median run, " + Numbers.percent(largest, 2)
                        + " in " + most.name();
        return Optional.of(new Block.Fact(
                "Gradient clipping",
                largest > 0.5
                        ? shares
                                + "; where most steps are, Adam's moments are those of clipped gradients, and what is said of"
                                + " rates and batches holds for this clip"
                        : shares));
    }

    private static String metric(List<CellResult> cells) {
        double error = cells.stream()
                .filter(cell -> cell.standardError().isPresent())
                .mapToDouble(cell -> cell.standardError().getAsDouble())
                .average()
                .orElse(Double.NaN);
        return "validation loss at the end of each run, nats per token, not smoothed; points along runs by envelope and"
                + " multi-power alone"
                + (Double.isFinite(error)
                        ? "; standard error of an evaluation " + Numbers.significant(error, 2)
                                + " nats, of which what all cells share (they are asked on the same text) moves every loss"
                                + " alike and is in no interval"
                        : "");
    }

    private static Block.Fact objective(FitSet set) {
        String starts = set.fitted().stream()
                .map(FitSet.Fitted::result)
                .filter(fit -> fit.convergence().starts() > 1)
                .findFirst()
                .map(fit -> "; " + fit.law() + " from " + fit.convergence().starts() + " distant starts")
                .orElse("");
        long certified = set.fitted().stream()
                .filter(fitted -> fitted.result().convergence().certified())
                .count();
        return new Block.Fact(
                "Objective, optimiser, starts",
                set.options().objective().label()
                        + (set.options().objective().huber()
                                ? ", δ " + Numbers.significant(set.options().delta(), 2)
                                : "")
                        + ", summed; damped Newton from every valley of a grid of exponents" + starts + "; "
                        + certified + " of " + set.fitted().size() + " minima certified");
    }

    private static Block.Fact validation(FitSet set) {
        String tested = set.fitted().stream()
                .map(FitSet.Fitted::result)
                .filter(fit -> fit.response() == Quantity.LOSS && !fit.axes().isEmpty())
                .map(fit -> fit.law() + ": " + FitsText.axes(fit))
                .collect(Collectors.joining("; "));
        return new Block.Fact(
                "Validation by extrapolation",
                tested.isEmpty() ? "none: too few scales to leave one out" : "largest scale left out. " + tested);
    }

    private static Block.Fact intervals(FitSet set) {
        FitResult any = set.fitted().stream()
                .map(FitSet.Fitted::result)
                .filter(fit -> fit.replicas().size() > 0)
                .findFirst()
                .orElse(null);
        return new Block.Fact(
                "Intervals",
                any == null
                        ? "no refits were drawn: Student's t where rows are few, else none"
                        : Numbers.percent(set.options().confidence(), 3) + ", "
                                + set.options().bootstrap()
                                + " refits, resampling "
                                + set.options().resampling().name().toLowerCase(java.util.Locale.ROOT) + ", seed "
                                + set.options().seed()
                                + "; laws with fewer than six runs to spare: Student's t. The scatter between seeds and of"
                                + " evaluations is in the residuals, and so in the intervals");
    }
}
