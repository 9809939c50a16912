package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.batch.BranchedCriticalBatchLaw;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.HoldOut;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.text.TextTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Fits as text for a terminal. */
public final class FitsText {
    private static final int WIDTH = 100;
    private static final String INDENT = "  ";
    private static final String HANGING = "             ";

    private static final int WARNINGS = 4;

    private FitsText() {}

    public static String write(FitSet set) {
        StringBuilder text = new StringBuilder();
        text.append(set.runs()).append(" runs from ").append(set.source()).append('\n');
        set.notes().forEach(note -> text.append(wrapped(INDENT, INDENT, note)));
        for (FitSet.Fitted fitted : set.fitted()) {
            text.append('\n');
            fit(text, fitted);
        }
        if (!set.refused().isEmpty()) {
            text.append("\nNot fitted\n");
            for (FitSet.Refused refused : set.refused()) {
                text.append(wrapped(INDENT, INDENT + INDENT, refused.law() + ": " + refused.sentence()));
            }
        }
        if (!set.readings().isEmpty()) {
            text.append("\nWhat it means\n");
            for (Reading reading : set.readings()) {
                text.append(wrapped(INDENT + "• ", INDENT + INDENT, reading.sentence()));
                text.append(wrapped(INDENT + INDENT, INDENT + INDENT, "(" + reading.basis() + ")"));
            }
        }
        return text.toString();
    }

    private static void fit(StringBuilder text, FitSet.Fitted fitted) {
        FitResult fit = fitted.result();
        text.append(fit.law()).append(" · ").append(fitted.title()).append('\n');
        text.append(INDENT).append(fit.formula()).append('\n');
        String level =
                fit.replicas().size() > 0 ? Numbers.percent(fit.options().confidence(), 3) + " interval" : "interval";
        TextTable table = new TextTable().row("", "estimate", level, "unit");
        rows(table, fit.parameters(), "");
        rows(table, derived(fit), "→ ");
        text.append(table.text(INDENT));
        item(text, "objective", objective(fit));
        item(text, "minimum", convergence(fit.convergence()));
        item(text, "data say", fit.identifiability().verdict());
        fit.holdOut().ifPresent(largest -> item(text, "hold-out", holdOuts(fit)));
        if (fit.response() == Quantity.LOSS && fit.parameters().size() > 1) {
            item(text, "along axes", axes(fit));
        }
        item(text, "rows", fit.rows() + " of " + fit.runs() + " runs (" + fitted.selection() + ")");
        warnings(fit).forEach(warning -> item(text, "mind", warning));
    }

    /**
     * What follows from the parameters; values measured at one place, as in {@code B_crit[L=3.07]}, are for plots, unless the law
     * is of nothing else.
     */
    public static Map<String, Estimate> derived(FitResult fit) {
        Map<String, Estimate> derived = new LinkedHashMap<>(fit.derived());
        if (!fit.law().equals(BranchedCriticalBatchLaw.NAME)) {
            derived.keySet().removeIf(name -> name.contains("["));
        }
        return derived;
    }

    /** The first few; a law of many budgets may have one for each. */
    public static List<String> warnings(FitResult fit) {
        List<String> all = fit.warnings();
        if (all.size() <= WARNINGS) {
            return all;
        }
        List<String> few = new ArrayList<>(all.subList(0, WARNINGS));
        few.add("And " + (all.size() - WARNINGS) + " more of this kind; --json and fits.json have them all.");
        return few;
    }

    private static void rows(TextTable table, Map<String, Estimate> estimates, String mark) {
        estimates.forEach((name, estimate) -> table.row(
                mark + name,
                Numbers.significant(estimate.value(), 5),
                interval(estimate),
                estimate.unit().equals("1") ? "" : estimate.unit()));
    }

    public static String interval(Estimate estimate) {
        return estimate.hasInterval()
                ? Numbers.significant(estimate.low(), 4) + " … " + Numbers.significant(estimate.high(), 4)
                : "–";
    }

    public static String objective(FitResult fit) {
        String delta = fit.objective().objective().huber()
                ? ", δ = " + Numbers.significant(fit.objective().delta(), 3)
                : "";
        String share = Double.isFinite(fit.quality().rSquared())
                ? "; R² " + Numbers.fixed(fit.quality().rSquared(), 4)
                : "";
        return fit.objective().name() + delta + ": sum "
                + Numbers.significant(fit.objective().sum(), 7) + ", mean "
                + Numbers.significant(fit.objective().mean(), 4) + share;
    }

    public static String convergence(Convergence convergence) {
        String proof = convergence.certified() ? "certified" : "NOT certified";
        String starts = convergence.starts() > 1
                ? "; " + Numbers.percent(convergence.reachedBest(), 3) + " of " + convergence.starts()
                        + " starts reached it"
                : "";
        String slope = convergence.starts() > 1
                ? "; gradient " + Numbers.significant(convergence.gradientNorm(), 2) + ", condition "
                        + Numbers.significant(convergence.hessianCondition(), 2)
                : "";
        return proof + starts + slope + " (" + convergence.how() + ")";
    }

    public static String holdOut(HoldOut holdOut) {
        return holdOut.scale() + ": predicted within " + Numbers.percent(holdOut.rmsLog(), 2) + " (within the "
                + holdOut.fitted() + " fitted rows " + Numbers.percent(holdOut.baselineRmsLog(), 2) + ")"
                + (Double.isFinite(holdOut.meanLog())
                        ? ", on average " + Numbers.percent(Math.abs(holdOut.meanLog()), 2)
                                + (holdOut.meanLog() > 0 ? " too high" : " too low")
                        : "");
    }

    /** The hold-out of the largest scale and, where smaller ones were rolled out too, all of them together. */
    public static String holdOuts(FitResult fit) {
        String largest = fit.holdOut().map(FitsText::holdOut).orElse("");
        return fit.rollOut().size() < 2
                ? largest
                : largest + "; rolled out over " + fit.rollOut().size()
                        + " scales, each predicted from the smaller ones: "
                        + Numbers.percent(fit.rollOutError().orElseThrow(), 2);
    }

    /** What the law predicts along N, D and C beside "no change", and what of it is untested. */
    public static String axes(FitResult fit) {
        return Stream.of(Quantity.N, Quantity.D, Quantity.C)
                .map(axis -> fit.axes().containsKey(axis)
                        ? "along " + axis.label() + " "
                                + Numbers.percent(fit.axes().get(axis).error(), 2) + " (no change "
                                + Numbers.percent(fit.axes().get(axis).baseline(), 2) + ", "
                                + fit.axes().get(axis).rows() + " rows)"
                        : "untested along " + axis.label())
                .collect(Collectors.joining("; "));
    }

    private static void item(StringBuilder text, String name, String value) {
        text.append(wrapped(
                INDENT + name + " ".repeat(HANGING.length() - INDENT.length() - name.length()), HANGING, value));
    }

    /** Lines of at most {@link #WIDTH} characters, broken at blanks. */
    private static String wrapped(String first, String others, String sentence) {
        StringBuilder text = new StringBuilder();
        StringBuilder line = new StringBuilder(first);
        boolean fresh = true;
        for (String word : sentence.split(" ")) {
            if (!fresh && line.length() + 1 + word.length() > WIDTH) {
                text.append(line).append('\n');
                line = new StringBuilder(others);
                fresh = true;
            }
            line.append(fresh ? "" : " ").append(word);
            fresh = false;
        }
        return text.append(line).append('\n').toString();
    }
}
