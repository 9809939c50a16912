package dev.powersweep.orchestrator.view;

import com.samskivert.mustache.Escapers;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.text.Shown;
import java.util.Locale;

/** A drawing as inline SVG; every text is escaped here and nowhere else. */
final class Svg {
    private final StringBuilder out = new StringBuilder();

    /** @param label what the drawing shows, for those who do not see it */
    Svg(double width, double height, String label) {
        out.append(String.format(
                Locale.ROOT,
                "<svg viewBox=\"0 0 %1$.0f %2$.0f\" width=\"%1$.0f\" height=\"%2$.0f\" role=\"img\""
                        + " aria-label=\"%3$s\">",
                width,
                height,
                escaped(label)));
    }

    /** One that fills whatever width it is given. */
    static Svg stretched(double width, double height, String label) {
        Svg svg = new Svg(width, height, label);
        svg.out.insert("<svg ".length(), "preserveAspectRatio=\"none\" ");
        return svg;
    }

    static String escaped(String text) {
        return Escapers.HTML.escape(Shown.page(text));
    }

    /** What follows up to {@link #endGroup} shows {@code title} when the pointer rests. */
    Svg group(String title) {
        out.append("<g><title>").append(escaped(title)).append("</title>");
        return this;
    }

    Svg endGroup() {
        out.append("</g>");
        return this;
    }

    Svg rect(double x, double y, double width, double height, String style) {
        out.append("<rect");
        number("x", x);
        number("y", y);
        number("width", Math.max(0, width));
        number("height", Math.max(0, height));
        out.append(' ').append(style).append("/>");
        return this;
    }

    Svg text(double x, double y, String anchor, String style, String text) {
        out.append("<text");
        number("x", x);
        number("y", y);
        out.append(" text-anchor=\"").append(anchor).append("\" ").append(style).append('>');
        out.append(escaped(text)).append("</text>");
        return this;
    }

    Svg verticalText(double x, double y, String style, String text) {
        out.append("<text transform=\"translate(");
        tenths(x);
        out.append(' ');
        tenths(y);
        out.append(") rotate(-90)\" text-anchor=\"middle\" ").append(style).append('>');
        out.append(escaped(text)).append("</text>");
        return this;
    }

    Svg line(double x1, double y1, double x2, double y2, String colour) {
        out.append("<line");
        number("x1", x1);
        number("y1", y1);
        number("x2", x2);
        number("y2", y2);
        out.append(" stroke=\"").append(colour).append("\"/>");
        return this;
    }

    /** Straight lines through points in pixels. */
    Svg curve(double[] x, double[] y, String colour, double width) {
        out.append("<path fill=\"none\" stroke-linejoin=\"round\" stroke=\"")
                .append(colour)
                .append('"');
        number("stroke-width", width);
        out.append(" d=\"");
        for (int i = 0; i < x.length; i++) {
            out.append(i == 0 ? 'M' : 'L');
            tenths(x[i]);
            out.append(' ');
            tenths(y[i]);
        }
        out.append("\"/>");
        return this;
    }

    Svg dot(double x, double y, double radius, String colour) {
        out.append("<circle");
        number("cx", x);
        number("cy", y);
        number("r", radius);
        out.append(" fill=\"").append(colour).append("\"/>");
        return this;
    }

    /** What follows up to {@link #endGroup} lets what lies below shine through. */
    Svg faint() {
        out.append("<g fill-opacity=\"0.55\">");
        return this;
    }

    /** @param radius from the middle to the rim in pixels */
    Svg marker(double x, double y, double radius, Marker form, String colour) {
        if (form == Marker.CIRCLE) {
            return dot(x, y, radius, colour);
        }
        double r = radius;
        double[][] corners =
                switch (form) {
                    case CIRCLE -> throw new IllegalStateException("a circle has no corners");
                    case SQUARE -> new double[][] {{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}};
                    case TRIANGLE -> new double[][] {{0, -1.25}, {1.1, 0.8}, {-1.1, 0.8}};
                    case DIAMOND -> new double[][] {{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}};
                    case CROSS ->
                        new double[][] {
                            {-1.1, -0.35}, {-0.35, -0.35}, {-0.35, -1.1}, {0.35, -1.1}, {0.35, -0.35}, {1.1, -0.35},
                            {1.1, 0.35}, {0.35, 0.35}, {0.35, 1.1}, {-0.35, 1.1}, {-0.35, 0.35}, {-1.1, 0.35}
                        };
                };
        out.append("<path fill=\"").append(colour).append("\" d=\"");
        for (int i = 0; i < corners.length; i++) {
            out.append(i == 0 ? 'M' : 'L');
            tenths(x + r * corners[i][0]);
            out.append(' ');
            tenths(y + r * corners[i][1]);
        }
        out.append("Z\"/>");
        return this;
    }

    private void number(String name, double value) {
        out.append(' ').append(name).append("=\"");
        tenths(value);
        out.append('"');
    }

    /** With one decimal: a drawing has thousands of numbers, and String.format takes a microsecond or two for each. */
    private void tenths(double value) {
        long tenths = Math.round(value * 10);
        if (tenths < 0) {
            out.append('-');
        }
        out.append(Math.abs(tenths) / 10);
        if (tenths % 10 != 0) {
            out.append('.').append(Math.abs(tenths) % 10);
        }
    }

    /** From light to dark of viridis, left to right. */
    Svg ramp(double x, double y, double width, double height, boolean reversed) {
        int pieces = 32;
        for (int i = 0; i < pieces; i++) {
            double place = (i + 0.5) / pieces;
            rect(
                    x + width * i / pieces,
                    y,
                    width / pieces + 0.5,
                    height,
                    "fill=\"" + Palette.viridis(reversed ? 1 - place : place) + "\"");
        }
        return this;
    }

    String end() {
        return out.append("</svg>").toString();
    }
}
