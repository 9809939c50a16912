package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.view.PlotFrame.Axis;
import dev.powersweep.orchestrator.view.PlotFrame.Scale;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Losses of the finished cells of several sweeps in one frame, and each sweep's frontier. */
final class ComparisonDrawing {
    /** Dots of a sweep at most; its frontier is drawn of all. */
    private static final int MOST = 1500;
    /** Dots of a sweep that say what they are when the pointer rests on them. */
    private static final int NAMED = 600;

    private static final double WIDTH = 1180;
    private static final double HEIGHT = 430;

    /** A finished cell. */
    record Dot(double x, double loss, CellView cell) {}

    private ComparisonDrawing() {}

    /** Finished cells with what they are compared at, from the smallest on. */
    static List<Dot> dots(SweepPicture picture, double factor, ComparisonAxis axis) {
        return picture.cells().stream()
                .filter(cell -> Double.isFinite(cell.loss()) && axis.of(cell) > 0)
                .map(cell -> new Dot(axis.of(cell), factor * cell.loss(), cell))
                .sorted(Comparator.comparingDouble(Dot::x).thenComparingDouble(Dot::loss))
                .toList();
    }

    /** The dots that no other one beats at as much or less. */
    static List<Dot> frontier(List<Dot> dots) {
        List<Dot> frontier = new ArrayList<>();
        for (Dot dot : dots) {
            if (frontier.isEmpty()
                    || dot.loss() < frontier.get(frontier.size() - 1).loss()) {
                frontier.add(dot);
            }
        }
        return frontier;
    }

    static String drawn(List<List<Dot>> sweeps, List<String> names, ComparisonAxis axis, String unit) {
        double[] x = sweeps.stream().flatMap(List::stream).mapToDouble(Dot::x).toArray();
        double[] y =
                sweeps.stream().flatMap(List::stream).mapToDouble(Dot::loss).toArray();
        String label = "held-out loss of several sweeps";
        if (x.length == 0) {
            return PlotFrame.empty(WIDTH, HEIGHT, label);
        }
        Svg svg = new Svg(WIDTH, HEIGHT, label);
        PlotFrame frame = new PlotFrame(
                WIDTH, HEIGHT, new Axis(Scale.LOG, axis.title()), new Axis(Scale.LOG, "held-out loss, " + unit), x, y);
        frame.draw(svg);
        for (int i = 0; i < sweeps.size(); i++) {
            dots(svg, frame, sweeps.get(i), names.get(i), i);
        }
        for (int i = 0; i < sweeps.size(); i++) {
            List<Dot> frontier = frontier(sweeps.get(i)).stream()
                    .filter(dot -> frame.shows(dot.x(), dot.loss()))
                    .toList();
            svg.group(names.get(i) + ": lowest loss at as much or less");
            svg.curve(
                    frontier.stream().mapToDouble(dot -> frame.x(dot.x())).toArray(),
                    frontier.stream().mapToDouble(dot -> frame.y(dot.loss())).toArray(),
                    Palette.category(i),
                    2);
            svg.endGroup();
        }
        return svg.end();
    }

    private static void dots(Svg svg, PlotFrame frame, List<Dot> dots, String name, int series) {
        int every = Math.max(1, (dots.size() + MOST - 1) / MOST);
        boolean named = dots.size() <= NAMED;
        svg.faint();
        for (int i = 0; i < dots.size(); i += every) {
            Dot dot = dots.get(i);
            if (!frame.shows(dot.x(), dot.loss())) {
                continue;
            }
            if (named) {
                svg.group(name + ": " + dot.cell().plan().name() + ", " + Numbers.fixed(dot.loss(), 4));
            }
            svg.marker(frame.x(dot.x()), frame.y(dot.loss()), 3.4, Marker.of(series), Palette.category(series));
            if (named) {
                svg.endGroup();
            }
        }
        svg.endGroup();
    }
}
