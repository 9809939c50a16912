package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Prediction;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * A fitted law along one of its variables, from the smallest value that was fitted to a little beyond the largest, with its
 * bands. The other variables are held at their middle.
 *
 * @param along the variable
 * @param middle the middle of the rows in every variable
 * @param x values of the variable, ascending
 * @param predictions the law there
 */
public record LawBand(Quantity along, Point middle, double[] x, List<Prediction> predictions) {
    private static final int PLACES = 25;

    /** Bands go on beyond the rows by this factor. */
    private static final double BEYOND = 2;

    /** A variable that spans less is not one to draw a law along. */
    private static final double NARROW = 1.05;

    /** Variables that laws are told in; others follow from these. */
    private static final List<Quantity> VARIABLES =
            List.of(Quantity.N, Quantity.D, Quantity.S, Quantity.B, Quantity.U, Quantity.C, Quantity.LEARNING_RATE);

    private static final List<Quantity> ALONG_RUNS = List.of(Quantity.STEP, Quantity.LEARNING_RATE);

    public LawBand {
        predictions = List.copyOf(predictions);
    }

    /**
     * One for each variable that the fitted rows vary and that moves the law; none where the law has no rows of its own, or where
     * its rows lie along runs, whose schedules it follows.
     */
    public static List<LawBand> of(FitResult fit) {
        if (fit.residuals().stream().anyMatch(row -> row.at().values().keySet().containsAll(ALONG_RUNS))) {
            return List.of();
        }
        Map<Quantity, double[]> columns = new EnumMap<>(Quantity.class);
        for (Quantity column : VARIABLES) {
            double[] values = fit.residuals().stream()
                    .map(Residual::at)
                    .filter(point -> point.values().containsKey(column))
                    .mapToDouble(point -> point.get(column))
                    .sorted()
                    .toArray();
            if (values.length > 0 && values.length == fit.residuals().size()) {
                columns.put(column, values);
            }
        }
        EnumMap<Quantity, Double> middle = new EnumMap<>(Quantity.class);
        columns.forEach((column, values) -> middle.put(column, values[values.length / 2]));
        EnumMap<Quantity, double[]> used = new EnumMap<>(Quantity.class);
        columns.forEach((column, values) -> {
            if (matters(fit, middle, column, values)) {
                used.put(column, values);
            }
        });
        // Compute follows from model and data where the law knows all three.
        if (used.containsKey(Quantity.N) && used.containsKey(Quantity.D)) {
            used.remove(Quantity.C);
        }
        List<LawBand> bands = new ArrayList<>();
        used.forEach((column, values) ->
                bands.add(along(fit, new Point(middle), column, values[0], values[values.length - 1] * BEYOND)));
        return bands;
    }

    /** Whether the rows vary the variable and the law says anything else at its other end. */
    private static boolean matters(FitResult fit, Map<Quantity, Double> middle, Quantity column, double[] values) {
        double high = values[values.length - 1];
        if (high <= values[0] * NARROW) {
            return false;
        }
        Point at = new Point(middle);
        double one = fit.predictor().at(fit.values(), at.and(column, values[0]));
        double other = fit.predictor().at(fit.values(), at.and(column, high));
        return Math.abs(one - other) > 1e-9 * Math.abs(one);
    }

    private static LawBand along(FitResult fit, Point middle, Quantity column, double low, double high) {
        double[] x = new double[PLACES];
        List<Prediction> predictions = new ArrayList<>();
        for (int i = 0; i < PLACES; i++) {
            x[i] = low * Math.pow(high / low, i / (PLACES - 1.0));
            predictions.add(fit.predict(moved(middle, column, x[i])));
        }
        return new LawBand(column, middle, x, predictions);
    }

    /** The middle with one variable elsewhere; what follows from it moves too. */
    private static Point moved(Point middle, Quantity column, double value) {
        Point point = middle.and(column, value);
        if ((column == Quantity.N || column == Quantity.D) && middle.values().containsKey(Quantity.C)) {
            point = point.and(Quantity.C, middle.get(Quantity.C) * value / middle.get(column));
        }
        if (column == Quantity.D && middle.values().containsKey(Quantity.U)) {
            point = point.and(Quantity.U, Math.min(middle.get(Quantity.U), value));
        }
        return point;
    }

    /** Where a row would lie had its other variables been those at which the law is drawn. */
    public Point adjusted(Point row) {
        return moved(middle, along, row.get(along));
    }

    /** One of the curves. */
    public double[] column(ToDoubleFunction<Prediction> curve) {
        return predictions.stream().mapToDouble(curve).toArray();
    }

    /** Whether the fit has refits to draw bands from. */
    public boolean hasBands() {
        return Arrays.stream(column(Prediction::low)).noneMatch(Double::isNaN);
    }
}
