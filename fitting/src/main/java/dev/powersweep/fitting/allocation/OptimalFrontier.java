package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The compute-optimal frontier of a fit, as a function of its parameters so that bootstrap refits have one too. */
sealed interface OptimalFrontier {

    /** FLOPs of training per parameter and token: C = 6·N·D. */
    double FLOPS_PER_PARAMETER_AND_TOKEN = 6;

    /** Laws of N, D or C alone. */
    Pattern ONE_VARIABLE = Pattern.compile("kaplan-[ndc](-irreducible)?");

    /** The optimum at a budget. */
    Optimum at(double[] parameters, double flops);

    /** The loss of any allocation; NaN where the fit knows optima only. */
    double loss(double[] parameters, double n, double d);

    /**
     * The frontier that a fit has.
     *
     * @throws FitRefusal BAD_OPTION when the law gives none
     */
    static OptimalFrontier of(FitResult fit) {
        if (fit.parameters().containsKey("k_N")) {
            return new PowerLaws(fit.parameters().containsKey("k_L"));
        }
        if (fit.response() != Quantity.LOSS) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    fit.law() + " does not say how loss depends on both N and D, so it cannot divide a budget; "
                            + others(fit));
        }
        try {
            Surface surface = new Surface(fit);
            double[] middle = middle(fit);
            double[] values = fit.values();
            double here = surface.loss(values, middle[0], middle[1]);
            boolean bySize = here != surface.loss(values, 2 * middle[0], middle[1]);
            boolean byData = here != surface.loss(values, middle[0], 2 * middle[1]);
            if (Double.isFinite(here) && bySize && byData) {
                return surface;
            }
            if (ONE_VARIABLE.matcher(fit.law()).matches()) {
                throw new FitRefusal(
                        FitRefusal.Reason.BAD_OPTION,
                        fit.law() + " does not say how loss depends on both N and D, so it cannot divide a budget; "
                                + others(fit));
            }
            String still = bySize ? "D" : byData ? "N" : "N and D";
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    "By this fit of " + fit.law() + " the loss does not change with " + still
                            + ", so nothing bounds how a budget is divided; vary " + still
                            + " more widely in the runs and fit again, or " + others(fit));
        } catch (FitRefusal needsMore) {
            if (needsMore.reason() == FitRefusal.Reason.BAD_OPTION) {
                throw needsMore;
            }
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    "A plan cannot be made from " + fit.law() + ": " + needsMore.sentence() + " Or " + others(fit));
        }
    }

    /** The laws that a plan can be made from, but for the one that could not. */
    private static String others(FitResult fit) {
        return "plan from "
                + Stream.of("chinchilla", "kaplan-nd", "three-term", "isoflop")
                        .filter(name -> !name.equals(fit.law()))
                        .collect(Collectors.joining(" or "))
                + ".";
    }

    /** N and D in the middle of the fitted runs; of usual size where they are not kept. */
    private static double[] middle(FitResult fit) {
        return new double[] {middle(fit, Quantity.N, 1e7), middle(fit, Quantity.D, 1e9)};
    }

    private static double middle(FitResult fit, Quantity axis, double usual) {
        double logarithm = fit.residuals().stream()
                .filter(row -> row.at().has(axis))
                .mapToDouble(row -> Math.log(row.at().get(axis)))
                .filter(Double::isFinite)
                .average()
                .orElse(Math.log(usual));
        return Math.exp(logarithm);
    }

    /**
     * A loss surface L(N, D), minimised along 6·N·D = C. A law that also takes the batch is read far below the critical one.
     *
     * @param fit the fit
     */
    record Surface(FitResult fit) implements OptimalFrontier {
        private static final int SCAN = 64;
        private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;
        private static final double PRECISION = 1e-9;

        @Override
        public double loss(double[] parameters, double n, double d) {
            return fit.predictor().at(parameters, Point.nd(n, d));
        }

        /** Laws that far below the critical batch are E + A/N^α + B/D^β, their first five parameters. */
        private static final Set<String> HOFFMANN =
                Set.of("chinchilla", "three-term", "three-term-data", "three-term-size", "three-term-loss");

        @Override
        public Optimum at(double[] parameters, double flops) {
            double nd = flops / FLOPS_PER_PARAMETER_AND_TOKEN;
            if (HOFFMANN.contains(fit.law()) && allPositive(parameters)) {
                return closedForm(parameters, flops, nd);
            }
            double range = Math.log(nd);
            if (!(range > 0)) {
                throw new FitRefusal(
                        FitRefusal.Reason.BAD_OPTION,
                        "A budget of " + flops + " FLOPs trains no model at all; give more.");
            }
            int best = 0;
            double lowest = Double.POSITIVE_INFINITY;
            for (int i = 0; i <= SCAN; i++) {
                double value = along(parameters, nd, range * i / SCAN);
                if (value < lowest) {
                    lowest = value;
                    best = i;
                }
            }
            if (best == 0 || best == SCAN) {
                throw new FitRefusal(
                        FitRefusal.Reason.NO_INTERIOR_MINIMUM,
                        fit.law() + " has no compute-optimal size at " + flops
                                + " FLOPs: loss falls to the end of every division of the budget.");
            }
            double low = range * (best - 1) / SCAN;
            double high = range * (best + 1) / SCAN;
            double left = high - GOLDEN * (high - low);
            double right = low + GOLDEN * (high - low);
            double atLeft = along(parameters, nd, left);
            double atRight = along(parameters, nd, right);
            while (high - low > PRECISION) {
                if (atLeft < atRight) {
                    high = right;
                    right = left;
                    atRight = atLeft;
                    left = high - GOLDEN * (high - low);
                    atLeft = along(parameters, nd, left);
                } else {
                    low = left;
                    left = right;
                    atLeft = atRight;
                    right = low + GOLDEN * (high - low);
                    atRight = along(parameters, nd, right);
                }
            }
            double n = Math.exp((low + high) / 2);
            return new Optimum(flops, n, nd / n, Math.min(atLeft, atRight));
        }

        private static boolean allPositive(double[] p) {
            return p[1] > 0 && p[2] > 0 && p[3] > 0 && p[4] > 0;
        }

        /** Hoffmann et al. 2022, equation 4. */
        private static Optimum closedForm(double[] p, double flops, double nd) {
            double logG = Math.log(p[3] * p[1] / (p[4] * p[2])) / (p[3] + p[4]);
            double n = Math.exp(logG + p[4] / (p[3] + p[4]) * Math.log(nd));
            double d = nd / n;
            return new Optimum(flops, n, d, p[0] + p[1] * Math.pow(n, -p[3]) + p[2] * Math.pow(d, -p[4]));
        }

        private double along(double[] parameters, double nd, double logN) {
            double n = Math.exp(logN);
            return loss(parameters, n, nd / n);
        }
    }

    /**
     * Power laws through optima: k_N, a, k_D, b and, if there, k_L, c.
     *
     * @param withLoss whether k_L and c are there
     */
    record PowerLaws(boolean withLoss) implements OptimalFrontier {
        @Override
        public Optimum at(double[] p, double flops) {
            return new Optimum(
                    flops,
                    p[0] * Math.pow(flops, p[1]),
                    p[2] * Math.pow(flops, p[3]),
                    withLoss ? p[4] * Math.pow(flops, -p[5]) : Double.NaN);
        }

        @Override
        public double loss(double[] parameters, double n, double d) {
            return Double.NaN;
        }
    }

    /**
     * The budget whose optimum has a value: bracketed by decades outwards from a guess, then by the Illinois variant of
     * regula falsi in logarithms, where these laws are nearly straight.
     *
     * @param quantity monotone along the frontier
     * @throws FitRefusal BAD_OPTION when no budget from 1e6 to 1e40 FLOPs has it
     */
    default Optimum where(
            double[] parameters, ToDoubleFunction<Optimum> quantity, double value, double guess, String words) {
        DoubleUnaryOperator off = logC -> {
            try {
                return Math.log(quantity.applyAsDouble(at(parameters, Math.exp(logC))) / value);
            } catch (FitRefusal noOptimum) {
                return Double.NaN;
            }
        };
        double low = Math.log(guess);
        double high = low;
        double atLow = off.applyAsDouble(low);
        double atHigh = atLow;
        double decade = Math.log(10);
        while (!(atLow * atHigh < 0) && (low > Math.log(1e6) || high < Math.log(1e40))) {
            double below = off.applyAsDouble(low - decade);
            double above = off.applyAsDouble(high + decade);
            if (below * atLow < 0) {
                high = low;
                atHigh = atLow;
                low -= decade;
                atLow = below;
            } else if (above * atHigh < 0) {
                low = high;
                atLow = atHigh;
                high += decade;
                atHigh = above;
            } else {
                low -= decade;
                high += decade;
                atLow = Double.isNaN(below) ? atLow : below;
                atHigh = Double.isNaN(above) ? atHigh : above;
            }
        }
        if (!(atLow * atHigh < 0)) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    "No budget from 1e6 to 1e40 FLOPs gives " + words + " by this fit"
                            + (words.contains("loss") ? ": the target lies at or below the irreducible loss" : "")
                            + ".");
        }
        for (int i = 0; i < 200; i++) {
            double middle = (low * atHigh - high * atLow) / (atHigh - atLow);
            double here = off.applyAsDouble(middle);
            if (!(Math.abs(here) > 1e-13)) {
                return at(parameters, Math.exp(middle));
            }
            if (here * atHigh < 0) {
                low = high;
                atLow = atHigh;
            } else {
                atLow /= 2;
            }
            high = middle;
            atHigh = here;
            if (Math.abs(high - low) < 1e-12 * Math.abs(high)) {
                break;
            }
        }
        return at(parameters, Math.exp(high));
    }

    /** The optimum that a goal asks for; the guess of its budget only saves time. */
    default Optimum reach(double[] parameters, Goal goal, double guess) {
        if (goal instanceof Goal.Flops budget) {
            return at(parameters, budget.flops());
        }
        if (goal instanceof Goal.Loss target) {
            if (Double.isNaN(at(parameters, 1e18).loss())) {
                throw new FitRefusal(
                        FitRefusal.Reason.BAD_OPTION,
                        "This fit knows sizes but no losses, so it cannot plan for one; plan for FLOPs instead.");
            }
            return where(parameters, Optimum::loss, target.nats(), guess, goal.words());
        }
        if (goal instanceof Goal.Tokens data) {
            return where(parameters, Optimum::d, data.tokens(), guess, goal.words());
        }
        return where(parameters, Optimum::n, ((Goal.Parameters) goal).parameters(), guess, goal.words());
    }
}
