package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.view.PlotFrame.Axis;
import dev.powersweep.orchestrator.view.PlotFrame.Scale;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Curves in a frame. */
final class CurveDrawing {
    /** @param width of the stroke in pixels */
    record Line(double[] x, double[] y, String colour, double width, String title) {}

    private final double width;
    private final double height;
    private final Scale xScale;
    private final Scale yScale;

    CurveDrawing(double width, double height, Scale xScale, Scale yScale) {
        this.width = width;
        this.height = height;
        this.xScale = xScale;
        this.yScale = yScale;
    }

    /** Losses over tokens seen. */
    String losses(List<Line> lines, String label) {
        return drawn(lines, label, "tokens seen", "training loss, nats/token");
    }

    String drawn(List<Line> lines, String label, String xTitle, String yTitle) {
        double[] x =
                lines.stream().flatMapToDouble(line -> Arrays.stream(line.x())).toArray();
        double[] y =
                lines.stream().flatMapToDouble(line -> Arrays.stream(line.y())).toArray();
        if (x.length == 0) {
            return PlotFrame.empty(width, height, label);
        }
        Svg svg = new Svg(width, height, label);
        PlotFrame frame = new PlotFrame(width, height, new Axis(xScale, xTitle), new Axis(yScale, yTitle), x, y);
        frame.draw(svg);
        for (Line line : lines) {
            int[] shown = IntStream.range(0, line.x().length)
                    .filter(i -> frame.shows(line.x()[i], line.y()[i]))
                    .toArray();
            int n = shown.length;
            if (n == 0) {
                continue;
            }
            double[] px =
                    Arrays.stream(shown).mapToDouble(i -> frame.x(line.x()[i])).toArray();
            double[] py =
                    Arrays.stream(shown).mapToDouble(i -> frame.y(line.y()[i])).toArray();
            svg.group(line.title());
            svg.curve(px, py, line.colour(), line.width());
            svg.dot(px[n - 1], py[n - 1], line.width() + 0.7, line.colour());
            svg.endGroup();
        }
        return svg.end();
    }

    /** The colour of a model size among all model sizes. */
    static String colour(long parameters, long[] sizes) {
        return Palette.ordered(Math.max(0, Arrays.binarySearch(sizes, parameters)), sizes.length);
    }
}
