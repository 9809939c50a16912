package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;

/**
 * Which further cells would shrink the uncertainty of ln N_opt at a target budget most: an {@link OptimalDesign} from a fit.
 *
 * <p>Candidates are model sizes from half the smallest to four times the largest of the fit and data sizes likewise, a factor
 * of two apart, at the batches that the fit has seen, as far as each fits into the budget.
 */
public final class SuggestedDesign {
    private static final double BELOW = 0.5;
    private static final double ABOVE = 4;
    private static final double FACTOR = 2;
    /** A fit without residuals, as on noise-free data, is judged as if its losses had this noise. */
    private static final double LEAST_NOISE = 1e-6;

    private SuggestedDesign() {}

    /**
     * Suggests cells.
     *
     * @param fit of a law in N and D (and batch)
     * @param targetFlops the budget whose compute-optimal size is to be known better
     * @param budgetFlops what all further cells together may cost
     * @param mostCells no more than this
     * @throws FitRefusal BAD_OPTION for a law without a loss surface or a budget too small for any cell
     */
    public static OptimalDesign suggest(FitResult fit, double targetFlops, double budgetFlops, int mostCells) {
        return suggest(fit, targetFlops, candidates(fit, budgetFlops), budgetFlops, mostCells);
    }

    /** Suggests cells from given candidates. */
    public static OptimalDesign suggest(
            FitResult fit, double targetFlops, List<DesignCell> candidates, double budgetFlops, int mostCells) {
        OptimalFrontier frontier = OptimalFrontier.of(fit);
        if (!(frontier instanceof OptimalFrontier.Surface)) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    fit.law() + " has no loss surface by which further cells could be judged; fit chinchilla instead.");
        }
        double[] theta =
                Arrays.stream(fit.values()).map(SuggestedDesign::coordinate).toArray();
        return OptimalDesign.choose(
                theta,
                moved -> logLoss(fit, values(moved)),
                fit.residuals().stream().map(SuggestedDesign::made).toList(),
                Math.max(LEAST_NOISE, relativeNoise(fit)),
                moved -> Math.log(frontier.at(values(moved), targetFlops).n()),
                candidates,
                budgetFlops,
                mostCells);
    }

    /** The grid of cells around the fit's own that a budget can pay. */
    public static List<DesignCell> candidates(FitResult fit, double budgetFlops) {
        double[] n = column(fit, Quantity.N);
        double[] d = column(fit, Quantity.D);
        TreeSet<Double> batches = new TreeSet<>();
        fit.residuals().stream()
                .filter(residual -> residual.at().has(Quantity.B))
                .forEach(residual -> batches.add(residual.at().get(Quantity.B)));
        if (batches.isEmpty()) {
            batches.add(Double.NaN);
        }
        List<DesignCell> cells = new ArrayList<>();
        for (double size : grid(n)) {
            for (double data : grid(d)) {
                for (double batch : batches) {
                    DesignCell cell = DesignCell.of(size, data, batch);
                    if (cell.flops() <= budgetFlops && !(batch > data)) {
                        cells.add(cell);
                    }
                }
            }
        }
        return cells;
    }

    private static double[] column(FitResult fit, Quantity column) {
        double[] values = fit.residuals().stream()
                .filter(residual -> residual.at().has(column))
                .mapToDouble(residual -> residual.at().get(column))
                .toArray();
        if (values.length == 0) {
            throw new FitRefusal(
                    FitRefusal.Reason.BAD_OPTION,
                    fit.law() + " was fitted without column " + column.label()
                            + ", so no cells around its runs can be laid out; fit chinchilla instead.");
        }
        return values;
    }

    private static double[] grid(double[] values) {
        double low = BELOW * Arrays.stream(values).min().orElseThrow();
        double high = ABOVE * Arrays.stream(values).max().orElseThrow();
        int count = 1 + (int) Math.floor(Math.log(high / low) / Math.log(FACTOR) + 1e-9);
        double[] grid = new double[count];
        Arrays.setAll(grid, i -> low * Math.pow(FACTOR, i));
        return grid;
    }

    private static DesignCell made(Residual residual) {
        Point at = residual.at();
        return DesignCell.of(
                at.get(Quantity.N), at.get(Quantity.D), at.has(Quantity.B) ? at.get(Quantity.B) : Double.NaN);
    }

    private static ToDoubleFunction<DesignCell> logLoss(FitResult fit, double[] values) {
        return cell -> {
            Point at = Point.nd(cell.n(), cell.d());
            return Math.log(fit.predictor().at(values, Double.isNaN(cell.b()) ? at : at.and(Quantity.B, cell.b())));
        };
    }

    private static double relativeNoise(FitResult fit) {
        double noise = fit.quality().noise();
        return fit.objective().objective().log()
                ? noise
                : noise
                        / fit.residuals().stream()
                                .mapToDouble(Residual::observed)
                                .average()
                                .orElse(1);
    }

    /** ln of every parameter, so that coefficients of 1e3 and exponents of 0.3 are alike; zero keeps its place at 1e-12. */
    private static double coordinate(double value) {
        return Math.log(Math.max(value, 1e-12));
    }

    private static double[] values(double[] coordinates) {
        return Arrays.stream(coordinates).map(Math::exp).toArray();
    }
}
