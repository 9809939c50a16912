package dev.powersweep.fitting.isoflop;

import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Found;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The lower envelope of training curves (Hoffmann et al. 2022, approach 1): at each of many budgets the run of lowest
 * loss, and power laws through the sizes and tokens of these runs.
 *
 * <p>Differs from the paper in one rule: a budget at which the smallest or the largest size that was trained that far
 * wins is left out, because the true optimum may lie beyond it.
 *
 * <p>With k winning sizes the envelope is a staircase of k steps, and least squares through its treads is flatter than
 * the line through their middles by a factor of about 1 − 1/k². {@link #middles} holds the fit through the middles, which
 * is free of this. A point weighs as much as the run that it lies on.
 *
 * @param points the envelope on the grid of budgets, edges left out
 * @param staircase the laws as published: least squares over all points
 * @param middles the laws through one point per winning size, at the geometric middle of the budgets that it wins
 * @param winners how many sizes win somewhere
 * @param edgePoints how many budgets were left out because an edge size won
 */
public record Envelope(
        List<Found> points, OptimaFit staircase, Optional<OptimaFit> middles, int winners, int edgePoints) {

    /** As in the paper. */
    public static final int DEFAULT_GRID = 1500;

    /** Takes a copy. */
    public Envelope {
        points = List.copyOf(points);
    }

    /**
     * Finds the envelope.
     *
     * @param curves one per run, smoothed already
     * @param grid how many budgets, evenly spaced in ln C over the range that the curves cover
     * @return empty when fewer than two sizes win away from the edges
     */
    public static Optional<Envelope> of(List<TrainingCurve> curves, int grid) {
        double low = curves.stream().mapToDouble(TrainingCurve::start).min().orElse(1);
        double high = curves.stream().mapToDouble(TrainingCurve::end).max().orElse(1);
        List<Found> points = new ArrayList<>();
        int edges = 0;
        for (int i = 0; i < grid; i++) {
            double compute = low * Math.pow(high / low, (double) i / (grid - 1));
            TrainingCurve winner = null;
            double smallest = Double.POSITIVE_INFINITY;
            double largest = 0;
            double lowest = Double.POSITIVE_INFINITY;
            for (TrainingCurve curve : curves) {
                if (compute < curve.start() || compute > curve.end()) {
                    continue;
                }
                smallest = Math.min(smallest, curve.n());
                largest = Math.max(largest, curve.n());
                double loss = curve.lossAt(compute);
                if (loss < lowest) {
                    lowest = loss;
                    winner = curve;
                }
            }
            if (winner == null) {
                continue;
            }
            if (winner.n() == smallest || winner.n() == largest) {
                edges++;
                continue;
            }
            points.add(new Found(compute, winner.n(), winner.tokensAt(compute), lowest, winner.weight()));
        }
        double[] sizes = points.stream().mapToDouble(Found::n).distinct().toArray();
        int edgePoints = edges;
        return sizes.length < 2
                ? Optional.empty()
                : OptimaFit.through(points)
                        .map(fit -> new Envelope(
                                points, fit, OptimaFit.through(middles(points, sizes)), sizes.length, edgePoints));
    }

    private static List<Found> middles(List<Found> points, double[] sizes) {
        List<Found> middles = new ArrayList<>();
        for (double size : sizes) {
            List<Found> tread = points.stream().filter(p -> p.n() == size).toList();
            middles.add(new Found(
                    Math.exp(tread.stream()
                            .mapToDouble(p -> Math.log(p.flops()))
                            .average()
                            .orElseThrow()),
                    size,
                    Math.exp(tread.stream()
                            .mapToDouble(p -> Math.log(p.d()))
                            .average()
                            .orElseThrow()),
                    Math.exp(tread.stream()
                            .mapToDouble(p -> Math.log(p.loss()))
                            .average()
                            .orElseThrow()),
                    tread.stream().mapToDouble(Found::weight).average().orElseThrow()));
        }
        return middles;
    }
}
