package dev.powersweep.orchestrator.design;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.worker.cell.CellJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** {@link DesignAnswers} for people and for programs. */
public final class DesignText {
    /** A factor or an error above which an answer is none. */
    private static final double USELESS_FACTOR = 3;

    /** A factor above which its size tells nothing. */
    private static final double NONSENSE = 100;

    private static final double USELESS_EXPONENT = 0.2;

    private DesignText() {}

    /** What will be answered, then what will not, a line each. */
    public static String text(DesignAnswers answers) {
        List<String> will = new ArrayList<>();
        List<String> not = new ArrayList<>();
        exponent("a of N_opt ∝ C^a, by approach 3", answers.exponent(), will, not);
        exponent("the same by IsoFLOP minima", answers.exponentByMinima(), will, not);
        double largest = answers.budgets().get(answers.budgets().size() - 1);
        factor("N_opt at " + flops(largest) + " FLOPs, the largest budget", answers.size(), will, not);
        factor("N_opt at ten times that, extrapolated", answers.sizeBeyond(), will, not);
        factor(
                "B_crit of runs over " + Numbers.count(answers.batchTokens()) + " tokens, from batches of "
                        + times(answers.batches().get(0)) + " to "
                        + times(answers.batches().get(1)) + " the expected one",
                answers.criticalBatch(),
                will,
                not);
        factor(
                "the best learning rate at " + answers.ratesTried() + " model, data and batch sizes",
                answers.rate(),
                will,
                not);
        if (answers.replicated() > 0) {
            will.add("noise between seeds, from " + answers.replicated() + " cells trained more than once");
        } else {
            not.add("noise between seeds: no cell is trained twice");
        }
        not.add("anything beyond 100 times the largest N (" + Numbers.count(answers.largestN()) + ") and D ("
                + Numbers.count(answers.largestD()) + "), which plan refuses");
        not.add("repeated text, other tokenizers, contexts and optimisers, which do not vary");
        return "Budgets of "
                + answers.budgets().stream().map(DesignText::flops).collect(Collectors.joining(", "))
                + " FLOPs; the best size is expected inside for " + answers.inside() + " of them (at least "
                + answers.insideSurely() + " in 95 % of " + answers.trials() + " simulated sweeps).\n"
                + "It will answer, where losses follow such laws, with errors that 95 % of simulated sweeps stay within:\n"
                + lines(will)
                + "It will not answer:\n"
                + lines(not);
    }

    private static String lines(List<String> sentences) {
        return sentences.stream().map(each -> "  " + each + "\n").collect(Collectors.joining());
    }

    private static void exponent(String what, double error, List<String> will, List<String> not) {
        if (error <= USELESS_EXPONENT) {
            will.add(what + ": ± " + Numbers.fixed(error, 2));
        } else if (Double.isNaN(error)) {
            not.add(what + ": more than 5 % of simulated sweeps gave none");
        } else {
            not.add(what + ": ± " + Numbers.fixed(error, 2) + " at best");
        }
    }

    private static void factor(String what, double factor, List<String> will, List<String> not) {
        if (factor <= USELESS_FACTOR) {
            will.add(what + ": within a factor of " + Numbers.fixed(factor, 2));
        } else if (Double.isNaN(factor)) {
            not.add(what + ": more than 5 % of simulated sweeps gave none");
        } else if (factor > NONSENSE) {
            not.add(what + ": off by more than a factor of 100 in more than 5 % of simulated sweeps");
        } else {
            not.add(what + ": within a factor of " + Numbers.significant(factor, 2) + " at best");
        }
    }

    private static String flops(double value) {
        return String.format(Locale.ROOT, "%.1e", value).replace("e+", "e");
    }

    private static String times(double factor) {
        return factor < 1 ? "1/" + Math.round(1 / factor) : Math.round(factor) + " times";
    }

    /** Errors that are not known are null. */
    public static ObjectNode json(DesignAnswers answers) {
        ObjectNode json = CellJson.mapper().createObjectNode();
        json.put("trials", answers.trials());
        answers.budgets().forEach(json.putArray("budgets")::add);
        json.put("optimaInside", answers.inside()).put("optimaInsideSurely", answers.insideSurely());
        number(json, "a", answers.exponent());
        number(json, "aByMinima", answers.exponentByMinima());
        number(json, "sizeFactor", answers.size());
        number(json, "sizeBeyondFactor", answers.sizeBeyond());
        number(json, "criticalBatchFactor", answers.criticalBatch());
        number(json, "rateFactor", answers.rate());
        return json.put("ratesTried", answers.ratesTried()).put("replicated", answers.replicated());
    }

    private static void number(ObjectNode json, String name, double value) {
        if (Double.isFinite(value)) {
            json.put(name, value);
        } else {
            json.putNull(name);
        }
    }
}
