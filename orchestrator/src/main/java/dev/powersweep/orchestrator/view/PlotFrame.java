package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Two axes with their grid, and where a value lies between them. */
final class PlotFrame {
    private static final int LEFT = 48;
    private static final int RIGHT = 10;
    private static final int TOP = 8;
    private static final int BOTTOM = 34;
    private static final String SMALL = "font-size=\"11\" fill=\"#5a6472\"";
    private static final String GRID = "#e8ecf0";

    /** How an axis is divided. */
    enum Scale {
        LINEAR {
            @Override
            double of(double value) {
                return value;
            }
        },
        LOG {
            @Override
            double of(double value) {
                return Math.log10(value);
            }
        };

        abstract double of(double value);
    }

    /** @param title with its unit */
    record Axis(Scale scale, String title) {}

    /** So that ends of axes and distances on them are doubles. */
    private static final double LARGEST = 1e300;

    private final double width;
    private final double height;
    private final Axis xAxis;
    private final Axis yAxis;
    private final double[] xRange;
    private final double[] yRange;

    /**
     * @param x all values that are to be drawn, at least one
     * @param y all values that are to be drawn, at least one
     */
    PlotFrame(double width, double height, Axis xAxis, Axis yAxis, double[] x, double[] y) {
        this.width = width;
        this.height = height;
        this.xAxis = xAxis;
        this.yAxis = yAxis;
        this.xRange = range(x, xAxis.scale());
        this.yRange = range(y, yAxis.scale());
    }

    /** A sentence in place of a drawing. */
    static String empty(double width, double height, String label) {
        return new Svg(width, height, label)
                .text(width / 2, height / 2, "middle", SMALL, "no loss has been measured")
                .end();
    }

    void draw(Svg svg) {
        for (double tick : ticks(xRange, xAxis.scale(), (int) (width / 90))) {
            double at = x(tick);
            svg.line(at, TOP, at, height - BOTTOM, GRID);
            svg.text(at, height - BOTTOM + 14, "middle", SMALL, Numbers.count(tick, 2));
        }
        for (double tick : ticks(yRange, yAxis.scale(), (int) (height / 45))) {
            double at = y(tick);
            svg.line(LEFT, at, width - RIGHT, at, GRID);
            svg.text(LEFT - 5, at + 4, "end", SMALL, Numbers.count(tick, 3));
        }
        svg.line(LEFT, TOP, LEFT, height - BOTTOM, "#9aa3ad");
        svg.line(LEFT, height - BOTTOM, width - RIGHT, height - BOTTOM, "#9aa3ad");
        svg.text((LEFT + width - RIGHT) / 2, height - 4, "middle", SMALL, xAxis.title());
        svg.verticalText(11, (TOP + height - BOTTOM) / 2, SMALL, yAxis.title());
    }

    /** Pixels from the left. */
    double x(double value) {
        return LEFT + (xAxis.scale().of(value) - xRange[0]) / (xRange[1] - xRange[0]) * (width - LEFT - RIGHT);
    }

    /** Pixels from the top. */
    double y(double value) {
        return height
                - BOTTOM
                - (yAxis.scale().of(value) - yRange[0]) / (yRange[1] - yRange[0]) * (height - TOP - BOTTOM);
    }

    /** Whether a point has a place: not at 0 on a logarithmic axis, nor where doubles end. */
    boolean shows(double x, double y) {
        return placed(xAxis.scale(), x) && placed(yAxis.scale(), y);
    }

    private static boolean placed(Scale scale, double value) {
        return Double.isFinite(scale.of(value)) && Math.abs(value) < LARGEST;
    }

    /** On the scale, with a little room around, for those of the values that have a place on it. */
    private static double[] range(double[] values, Scale scale) {
        double[] placed = Arrays.stream(values)
                .filter(value -> placed(scale, value))
                .map(scale::of)
                .toArray();
        double low = Arrays.stream(placed).min().orElse(0);
        double high = Arrays.stream(placed).max().orElse(1);
        if (scale == Scale.LINEAR) {
            low = Math.min(low, 0);
        }
        double room = high > low ? 0.03 * (high - low) : 0.5 * Math.max(Math.abs(high), 0.1);
        return new double[] {scale == Scale.LINEAR && low == 0 ? 0 : low - room, high + room};
    }

    /** Round values within the range. */
    static double[] ticks(double[] range, Scale scale, int wanted) {
        List<Double> ticks = new ArrayList<>();
        if (scale == Scale.LOG) {
            for (double[] steps : new double[][] {{1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 5}, {1, 3}, {1}}) {
                ticks.clear();
                for (int decade = (int) Math.floor(range[0]); decade <= range[1]; decade++) {
                    for (double step : steps) {
                        double at = step * Math.pow(10, decade);
                        if (Math.log10(at) >= range[0] && Math.log10(at) <= range[1]) {
                            ticks.add(at);
                        }
                    }
                }
                if (ticks.size() <= wanted) {
                    break;
                }
            }
            while (ticks.size() > wanted && ticks.size() > 2) {
                for (int i = ticks.size() - 1; i > 0; i -= 2) {
                    ticks.remove(i);
                }
            }
        } else {
            double rough = (range[1] - range[0]) / Math.max(2, wanted);
            double power = Math.pow(10, Math.floor(Math.log10(rough)));
            double step = rough / power <= 2 ? 2 * power : rough / power <= 5 ? 5 * power : 10 * power;
            for (double at = Math.ceil(range[0] / step) * step; at <= range[1]; at += step) {
                ticks.add(Math.abs(at) < step / 1e6 ? 0 : at);
            }
        }
        return ticks.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
