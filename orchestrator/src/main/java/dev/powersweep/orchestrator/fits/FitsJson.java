package dev.powersweep.orchestrator.fits;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;

/** Fits as JSON and back. Numbers keep all their digits; what is not a finite number is null, and null is read as NaN. */
public final class FitsJson {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .addModule(new Jdk8Module())
            .addModule(new SimpleModule()
                    .addSerializer(Double.class, new NumberWriter())
                    .addSerializer(Double.TYPE, new NumberWriter())
                    .addSerializer(double[].class, new NumbersWriter())
                    .addDeserializer(Double.class, new NumberReader())
                    .addDeserializer(Double.TYPE, new NumberReader())
                    .addDeserializer(double[].class, new NumbersReader()))
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    private FitsJson() {}

    /** Whether the bootstrap refits are written too. */
    public enum Detail {
        /** Estimates and intervals: for people and scripts. */
        SUMMARY,
        /** With refits and residuals: for {@code plan} and {@code report}. */
        FULL
    }

    /** Fits as text that ends in a line break. */
    public static String write(FitSet set, Detail detail) {
        return write(FitsDocument.of(set, detail));
    }

    static String write(FitsDocument document) {
        try {
            return MAPPER.writeValueAsString(document) + '\n';
        } catch (JsonProcessingException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    /**
     * Reads what {@link #write} wrote, with what older versions did not write absent.
     *
     * @throws JsonProcessingException where the text is no JSON or of another shape
     */
    public static FitsDocument read(String text) throws JsonProcessingException {
        return MAPPER.readValue(text, FitsDocument.class);
    }

    private static void write(double value, JsonGenerator json) throws IOException {
        if (Double.isFinite(value)) {
            json.writeNumber(value);
        } else {
            json.writeNull();
        }
    }

    private static double number(JsonParser json, DeserializationContext context) throws IOException {
        if (json.currentToken() == JsonToken.VALUE_NULL) {
            return Double.NaN;
        }
        return json.currentToken().isNumeric()
                ? json.getDoubleValue()
                : (double) context.handleUnexpectedToken(Double.TYPE, json);
    }

    private static final class NumberWriter extends JsonSerializer<Double> {
        @Override
        public void serialize(Double value, JsonGenerator json, SerializerProvider provider) throws IOException {
            write(value, json);
        }
    }

    private static final class NumbersWriter extends JsonSerializer<double[]> {
        @Override
        public void serialize(double[] values, JsonGenerator json, SerializerProvider provider) throws IOException {
            json.writeStartArray();
            for (double value : values) {
                write(value, json);
            }
            json.writeEndArray();
        }
    }

    private static final class NumberReader extends JsonDeserializer<Double> {
        @Override
        public Double deserialize(JsonParser json, DeserializationContext context) throws IOException {
            return number(json, context);
        }

        @Override
        public Double getNullValue(DeserializationContext context) {
            return Double.NaN;
        }
    }

    private static final class NumbersReader extends JsonDeserializer<double[]> {
        @Override
        public double[] deserialize(JsonParser json, DeserializationContext context) throws IOException {
            if (json.currentToken() != JsonToken.START_ARRAY) {
                return (double[]) context.handleUnexpectedToken(double[].class, json);
            }
            double[] values = new double[16];
            int count = 0;
            while (json.nextToken() != JsonToken.END_ARRAY) {
                values = count < values.length ? values : Arrays.copyOf(values, 2 * count);
                values[count++] = number(json, context);
            }
            return Arrays.copyOf(values, count);
        }
    }
}
