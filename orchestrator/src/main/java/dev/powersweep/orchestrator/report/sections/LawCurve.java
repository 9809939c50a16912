package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Prediction;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.orchestrator.report.Chart;
import java.util.List;
import java.util.function.DoubleFunction;

/**
 * A fitted law along one variable, with its bands where the fit has refits.
 *
 * @param x where it was evaluated
 * @param value the law
 * @param low lower end of the confidence band; NaN without refits
 * @param high upper end
 * @param lowOutcome lower end of the prediction band
 * @param highOutcome upper end
 */
record LawCurve(double[] x, double[] value, double[] low, double[] high, double[] lowOutcome, double[] highOutcome) {
    private static final int POINTS = 60;

    static LawCurve of(FitResult fit, double[] x, DoubleFunction<Point> at) {
        int n = x.length;
        LawCurve curve = new LawCurve(x, new double[n], new double[n], new double[n], new double[n], new double[n]);
        for (int i = 0; i < n; i++) {
            Prediction prediction = fit.predict(at.apply(x[i]));
            curve.value[i] = prediction.value();
            curve.low[i] = prediction.low();
            curve.high[i] = prediction.high();
            curve.lowOutcome[i] = prediction.lowOutcome();
            curve.highOutcome[i] = prediction.highOutcome();
        }
        return curve;
    }

    /** Abscissae evenly spaced on a log axis. */
    static double[] logSpaced(double from, double to) {
        double[] x = new double[POINTS];
        for (int i = 0; i < POINTS; i++) {
            x[i] = from * Math.pow(to / from, (double) i / (POINTS - 1));
        }
        return x;
    }

    boolean hasBands() {
        return !Double.isNaN(low[0]);
    }

    void addBands(List<Chart.Series> series, String colour, String level) {
        if (hasBands()) {
            series.add(new Chart.Band(
                    "where a new run would fall (" + level + ")", colour, 0.12, x, lowOutcome, highOutcome));
            series.add(new Chart.Band("where the law lies (" + level + ")", colour, 0.28, x, low, high));
        }
    }

    Chart.Line line(String name, String colour, Chart.Stroke stroke) {
        return new Chart.Line(name, colour, stroke, x, value);
    }
}
