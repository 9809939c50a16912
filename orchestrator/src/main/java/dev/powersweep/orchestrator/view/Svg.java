package dev.powersweep.orchestrator.view;

import com.samskivert.mustache.Escapers;
import dev.powersweep.orchestrator.report.Palette;
import java.util.Locale;

/** A drawing as inline SVG; every text is escaped here and nowhere else. */
final class Svg {
    private final StringBuilder out = new StringBuilder();

    /** @param label what the drawing shows, for those who do not see it */
    Svg(double width, double height, String label) {
        out.append(String.format(
                Locale.ROOT,
                "<svg viewBox=\"0 0 %1$.0f %2$.0f\" width=\"%1$.0f\" height=\"%2$.0f\" role=\"img\" aria-label=\"%3$s\">",
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
        return Escapers.HTML.escape(text);
    }

    /** @param title shown by the browser when the pointer rests; empty for none */
    Svg rect(double x, double y, double width, double height, String style, String title) {
        out.append(String.format(
                Locale.ROOT,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" %s",
                x,
                y,
                Math.max(0, width),
                Math.max(0, height),
                style));
        return ended("rect", title);
    }

    Svg text(double x, double y, String anchor, String style, String text) {
        out.append(String.format(
                        Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>", x, y, anchor, style))
                .append(escaped(text))
                .append("</text>");
        return this;
    }

    Svg verticalText(double x, double y, String style, String text) {
        out.append(String.format(
                        Locale.ROOT,
                        "<text transform=\"translate(%.1f %.1f) rotate(-90)\" text-anchor=\"middle\" %s>",
                        x,
                        y,
                        style))
                .append(escaped(text))
                .append("</text>");
        return this;
    }

    Svg line(double x1, double y1, double x2, double y2, String colour) {
        out.append(String.format(
                Locale.ROOT,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>",
                x1,
                y1,
                x2,
                y2,
                colour));
        return this;
    }

    /** Straight lines through points in pixels. */
    Svg curve(double[] x, double[] y, String colour, double width, String title) {
        out.append("<path fill=\"none\" stroke-linejoin=\"round\" stroke=\"")
                .append(colour)
                .append(String.format(Locale.ROOT, "\" stroke-width=\"%.1f\" d=\"", width));
        for (int i = 0; i < x.length; i++) {
            out.append(String.format(Locale.ROOT, "%s%.1f %.1f", i == 0 ? "M" : "L", x[i], y[i]));
        }
        out.append("\"");
        return ended("path", title);
    }

    Svg dot(double x, double y, double radius, String colour, String title) {
        out.append(String.format(
                Locale.ROOT, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"", x, y, radius, colour));
        return ended("circle", title);
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
                    "fill=\"" + Palette.viridis(reversed ? 1 - place : place) + "\"",
                    "");
        }
        return this;
    }

    private Svg ended(String element, String title) {
        if (title.isEmpty()) {
            out.append("/>");
        } else {
            out.append("><title>")
                    .append(escaped(title))
                    .append("</title></")
                    .append(element)
                    .append('>');
        }
        return this;
    }

    String end() {
        return out.append("</svg>").toString();
    }
}
