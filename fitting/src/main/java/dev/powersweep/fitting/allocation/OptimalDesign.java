package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.runs.FitRefusal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * Which further cells, within a budget, shrink the uncertainty of a chosen quantity most.
 *
 * <p>c-optimal design by the law's Fisher information at the present fit: the variance of a quantity q(θ) is gᵀM⁻¹g with
 * g = ∂q/∂θ, and one more run changes M⁻¹ by a matrix of rank one. Cells are added greedily, once by their gain and once by
 * their gain per FLOP, and the better of the two lists is kept; the same cell may be chosen again as another seed.
 *
 * <p>Assumes that the law holds and that its errors of ln L are independent with one deviation. A law that is wrong far from
 * its data is not protected by this: keep some cells for a hold-out.
 *
 * @param cells the cells to train, in the order of their worth
 * @param deviationBefore standard deviation of the quantity with the present runs
 * @param deviationsAfter the same after each further cell
 * @param flops what the cells cost together
 * @param identifiable whether the present runs alone determine every parameter
 */
public record OptimalDesign(
        List<DesignCell> cells,
        double deviationBefore,
        List<Double> deviationsAfter,
        double flops,
        boolean identifiable) {

    /** Takes copies. */
    public OptimalDesign {
        cells = List.copyOf(cells);
        deviationsAfter = List.copyOf(deviationsAfter);
    }

    /** The deviation after all cells. */
    public double deviationAfter() {
        return deviationsAfter.isEmpty() ? deviationBefore : deviationsAfter.get(deviationsAfter.size() - 1);
    }

    /**
     * Chooses cells.
     *
     * @param parameters θ of the present fit, in coordinates that are all of the order of one (exponents and logarithms)
     * @param logLoss for θ, ln L as a function of a cell
     * @param made the runs made already
     * @param deviation σ of ln L of one run
     * @param quantity q(θ), e.g. ln N_opt at a budget
     * @param candidates what could be trained
     * @param flops the budget of all further cells together
     * @param mostCells no more cells than this
     * @throws FitRefusal BAD_OPTION when no candidate fits into the budget; NOT_FINITE when the law has no derivative
     */
    public static OptimalDesign choose(
            double[] parameters,
            Function<double[], ToDoubleFunction<DesignCell>> logLoss,
            List<DesignCell> made,
            double deviation,
            ToDoubleFunction<double[]> quantity,
            List<DesignCell> candidates,
            double flops,
            int mostCells) {
        if (candidates.stream().noneMatch(cell -> cell.flops() <= flops)) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    String.format(
                            Locale.ROOT,
                            "No candidate cell fits into a budget of %.4g FLOPs; the cheapest costs %.4g. Raise the budget.",
                            flops,
                            candidates.stream()
                                    .mapToDouble(DesignCell::flops)
                                    .min()
                                    .orElse(Double.NaN)));
        }
        List<double[]> rows = jacobian(parameters, logLoss, made);
        List<double[]> candidateRows = jacobian(parameters, logLoss, candidates);
        double[] gradient = gradient(parameters, quantity);
        Information start = Information.of(rows, deviation)
                .filter(information -> Double.isFinite(information.variance(gradient)))
                .orElseThrow(() -> new FitRefusal(
                        FitRefusal.Reason.NOT_FINITE,
                        "The law's derivatives are not finite at the present fit, so no design can be judged."));
        OptimalDesign byGain =
                greedy(start, gradient, candidates, candidateRows, deviation, flops, mostCells, cell -> 1);
        OptimalDesign byGainPerFlop =
                greedy(start, gradient, candidates, candidateRows, deviation, flops, mostCells, DesignCell::flops);
        return byGainPerFlop.deviationAfter() < byGain.deviationAfter() ? byGainPerFlop : byGain;
    }

    private static OptimalDesign greedy(
            Information start,
            double[] gradient,
            List<DesignCell> candidates,
            List<double[]> rows,
            double deviation,
            double budget,
            int mostCells,
            ToDoubleFunction<DesignCell> price) {
        Information information = start;
        double before = Math.sqrt(start.variance(gradient));
        double spent = 0;
        List<DesignCell> chosen = new ArrayList<>();
        List<Double> after = new ArrayList<>();
        while (chosen.size() < mostCells) {
            int best = -1;
            double highest = 0;
            for (int i = 0; i < rows.size(); i++) {
                if (spent + candidates.get(i).flops() > budget) {
                    continue;
                }
                double worth =
                        information.gain(gradient, rows.get(i), deviation) / price.applyAsDouble(candidates.get(i));
                if (worth > highest) {
                    highest = worth;
                    best = i;
                }
            }
            if (best < 0) {
                break;
            }
            information = information.with(rows.get(best), deviation);
            spent += candidates.get(best).flops();
            chosen.add(candidates.get(best));
            after.add(Math.sqrt(Math.max(0, information.variance(gradient))));
        }
        return new OptimalDesign(chosen, before, after, spent, start.identifiable());
    }

    private static List<double[]> jacobian(
            double[] parameters, Function<double[], ToDoubleFunction<DesignCell>> logLoss, List<DesignCell> cells) {
        int p = parameters.length;
        double[][] rows = new double[cells.size()][p];
        for (int j = 0; j < p; j++) {
            double h = step(parameters[j]);
            ToDoubleFunction<DesignCell> up = logLoss.apply(shifted(parameters, j, h));
            ToDoubleFunction<DesignCell> down = logLoss.apply(shifted(parameters, j, -h));
            for (int i = 0; i < rows.length; i++) {
                rows[i][j] = (up.applyAsDouble(cells.get(i)) - down.applyAsDouble(cells.get(i))) / (2 * h);
            }
        }
        return List.of(rows);
    }

    private static double[] gradient(double[] parameters, ToDoubleFunction<double[]> quantity) {
        double[] gradient = new double[parameters.length];
        for (int j = 0; j < gradient.length; j++) {
            double h = step(parameters[j]);
            gradient[j] = (quantity.applyAsDouble(shifted(parameters, j, h))
                            - quantity.applyAsDouble(shifted(parameters, j, -h)))
                    / (2 * h);
        }
        return gradient;
    }

    /** Near the cube root of the rounding error, where a central difference is most exact. */
    private static double step(double value) {
        return 6e-6 * Math.max(Math.abs(value), 0.1);
    }

    private static double[] shifted(double[] parameters, int j, double by) {
        double[] moved = parameters.clone();
        moved[j] += by;
        return moved;
    }
}
