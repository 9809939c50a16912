package dev.powersweep.orchestrator.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;

/** Charts as the page's script reads them, safe inside a script element. */
final class ChartJson {
    private static final MathContext SIX_DIGITS = new MathContext(6);

    private ChartJson() {}

    static String write(List<Chart> charts) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartArray();
            for (Chart chart : charts) {
                json.writeStartObject();
                axis(json, "x", chart.x());
                axis(json, "y", chart.y());
                json.writeArrayFieldStart("series");
                for (Chart.Series series : chart.series()) {
                    series(json, series, chart);
                }
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndArray();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        // Neither an end tag nor a comment can begin without this character.
        return text.toString().replace("<", "\\u003c");
    }

    private static void axis(JsonGenerator json, String name, Chart.Axis axis) throws IOException {
        json.writeObjectFieldStart(name);
        json.writeStringField("label", axis.label());
        json.writeStringField("scale", axis.scale().name());
        json.writeStringField("ticks", axis.ticks().name());
        json.writeEndObject();
    }

    private static void series(JsonGenerator json, Chart.Series series, Chart chart) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", series.name());
        json.writeStringField("colour", series.colour());
        if (series instanceof Chart.Points points) {
            json.writeStringField("kind", "points");
            json.writeStringField("symbol", points.symbol().name());
            json.writeArrayFieldStart("labels");
            for (String label : points.labels()) {
                json.writeString(label);
            }
            json.writeEndArray();
            numbers(json, "x", points.x(), chart.x());
            numbers(json, "y", points.y(), chart.y());
        } else if (series instanceof Chart.Line line) {
            json.writeStringField("kind", "line");
            json.writeStringField("stroke", line.stroke().name());
            numbers(json, "x", line.x(), chart.x());
            numbers(json, "y", line.y(), chart.y());
        } else {
            Chart.Band band = (Chart.Band) series;
            json.writeStringField("kind", "band");
            json.writeNumberField("opacity", band.opacity());
            numbers(json, "x", band.x(), chart.x());
            numbers(json, "low", band.low(), chart.y());
            numbers(json, "high", band.high(), chart.y());
        }
        json.writeEndObject();
    }

    /** Six digits are more than a plot can show; what an axis cannot place is null. */
    private static void numbers(JsonGenerator json, String name, double[] values, Chart.Axis axis) throws IOException {
        json.writeArrayFieldStart(name);
        for (double value : values) {
            if (Double.isFinite(value) && (axis.scale() == Chart.Scale.LINEAR || value > 0)) {
                json.writeNumber(new BigDecimal(value).round(SIX_DIGITS).doubleValue());
            } else {
                json.writeNull();
            }
        }
        json.writeEndArray();
    }
}
