package dev.powersweep.orchestrator.report;

import java.util.List;

/**
 * Series over two axes.
 *
 * @param height of the plot in pixels
 */
public record Chart(Axis x, Axis y, List<Series> series, int height) {
    public Chart {
        series = List.copyOf(series);
    }

    /** What is measured along an axis, and how its ticks are written. */
    public record Axis(String label, Scale scale, Ticks ticks) {
        public static Axis log(String label, Ticks ticks) {
            return new Axis(label, Scale.LOG, ticks);
        }

        public static Axis linear(String label) {
            return new Axis(label, Scale.LINEAR, Ticks.PLAIN);
        }
    }

    public enum Scale {
        LOG,
        LINEAR
    }

    public enum Ticks {
        /** 0.05, 1.7, 250. */
        PLAIN,
        /** 20k, 1.5M, 3B. */
        SHORT_SCALE,
        /** 10¹⁵. */
        POWERS,
        /** −2 %. */
        PERCENT
    }

    /** Something drawn. Several series of one name share their entry in the legend. */
    public sealed interface Series {
        String name();

        String colour();
    }

    /** @param labels what a tooltip says about each point; may be empty */
    public record Points(String name, String colour, Symbol symbol, double[] x, double[] y, List<String> labels)
            implements Series {
        public Points {
            labels = List.copyOf(labels);
        }
    }

    /** A curve through points in the order given; a NaN interrupts it. */
    public record Line(String name, String colour, Stroke stroke, double[] x, double[] y) implements Series {}

    /** The area between two curves over the same abscissae. */
    public record Band(String name, String colour, double opacity, double[] x, double[] low, double[] high)
            implements Series {}

    public enum Symbol {
        CIRCLE,
        SQUARE,
        TRIANGLE,
        DIAMOND,
        HOLLOW
    }

    public enum Stroke {
        SOLID,
        DASHED,
        DOTTED,
        /** A law drawn beside its points. */
        THIN,
        /** One of many, drawn on top of each other. */
        FAINT,
        /** The scatter behind a line. */
        HAZE
    }
}
