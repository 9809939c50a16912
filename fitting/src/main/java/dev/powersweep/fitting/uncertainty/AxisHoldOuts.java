package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.optimise.Minimum;
import dev.powersweep.fitting.optimise.Newton;
import dev.powersweep.fitting.optimise.Problem;
import dev.powersweep.fitting.result.AxisHoldOut;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Hold-outs along N, D and C, each by itself: a hold-out by compute alone may never leave the range of N and D that was fitted.
 *
 * <p>Along N and D the rows of the largest value are left out; where they are few beside all rows, as in a random design, and
 * along C always, the top tenth. The kept rows are refitted from the minimum of all rows.
 */
final class AxisHoldOuts {
    private static final List<Quantity> AXES = List.of(Quantity.N, Quantity.D, Quantity.C);

    /** What runs are near in; compute where sizes are not known. */
    private static final List<Quantity> PLACE = List.of(Quantity.N, Quantity.D, Quantity.B);

    /** Values that differ by less are one scale: tokens are rounded to whole batches. */
    private static final double SAME = 0.02;

    private static final double SHARE = 0.1;
    private static final double FEWEST_SHARE = 0.02;

    private final ParametricLaw law;
    private final Observations runs;
    private final FitOptions options;
    private final double[] fitted;

    /** @param fitted published parameters of the fit to all runs */
    AxisHoldOuts(ParametricLaw law, Observations runs, FitOptions options, double[] fitted) {
        this.law = law;
        this.runs = runs;
        this.options = options;
        this.fitted = fitted;
    }

    /** Every direction that the law knows and the runs allow to test. */
    Map<Quantity, AxisHoldOut> all() {
        Map<Quantity, AxisHoldOut> tested = new EnumMap<>(Quantity.class);
        for (Quantity axis : AXES) {
            if (speaksOf(axis)) {
                along(axis).ifPresent(holdOut -> tested.put(axis, holdOut));
            }
        }
        return tested;
    }

    private boolean speaksOf(Quantity axis) {
        boolean model = law.needs().contains(Quantity.N);
        boolean data = law.needs().contains(Quantity.D) || law.needs().contains(Quantity.S);
        return runs.has(axis)
                && switch (axis) {
                    case N -> model;
                    case D -> data;
                    default -> law.needs().contains(Quantity.C) || model && data;
                };
    }

    private Optional<AxisHoldOut> along(Quantity axis) {
        double[] scale = runs.column(axis);
        double threshold = threshold(axis, scale);
        IntPredicate kept = i -> scale[i] < threshold;
        Observations small = runs.where(kept);
        if (small.size() == 0
                || small.size() == runs.size()
                || law.refusal(small).isPresent()) {
            return Optional.empty();
        }
        double[] published = refit(small);
        double[][] place = runs.has(Quantity.N) || runs.has(Quantity.D)
                ? PLACE.stream().filter(runs::has).map(runs::log).toArray(double[][]::new)
                : new double[][] {runs.log(axis)};
        double[] logLoss = runs.log(law.response());
        double[] predictions = law.predictions(published, runs);
        double square = 0;
        double unchanged = 0;
        int rows = 0;
        for (int i = 0; i < scale.length; i++) {
            if (!kept.test(i)) {
                square += Math.pow(Math.log(predictions[i]) - logLoss[i], 2);
                unchanged += Math.pow(logLoss[nearest(i, place, kept)] - logLoss[i], 2);
                rows++;
            }
        }
        return Optional.of(new AxisHoldOut(Math.sqrt(square / rows), Math.sqrt(unchanged / rows), rows));
    }

    private static double threshold(Quantity axis, double[] scale) {
        double[] sorted = scale.clone();
        Arrays.sort(sorted);
        double largest = sorted[sorted.length - 1] / (1 + SAME);
        long rows = Arrays.stream(sorted).filter(value -> value >= largest).count();
        if (axis != Quantity.C && rows >= Math.max(1, FEWEST_SHARE * sorted.length)) {
            return largest;
        }
        int top = Math.max(2, (int) Math.round(SHARE * sorted.length));
        return sorted[Math.max(0, sorted.length - top)] * (1 - 1e-9);
    }

    private double[] refit(Observations small) {
        BoundLaw bound = law.bind(small);
        Problem problem = new Problem(
                bound.model(), small.log(law.response()), small.weights(), options.objective(), options.delta());
        int p = problem.model().dimension();
        Minimum end = new Newton(p)
                .minimise(problem, bound.internal(fitted), bound.box(), new boolean[p], Newton.Effort.REFIT);
        return bound.published(end.theta());
    }

    private static int nearest(int row, double[][] place, IntPredicate kept) {
        return IntStream.range(0, place[0].length)
                .filter(kept)
                .boxed()
                .min((one, other) -> Double.compare(distance(place, row, one), distance(place, row, other)))
                .orElseThrow();
    }

    private static double distance(double[][] place, int one, int other) {
        double square = 0;
        for (double[] column : place) {
            square += (column[one] - column[other]) * (column[one] - column[other]);
        }
        return square;
    }
}
