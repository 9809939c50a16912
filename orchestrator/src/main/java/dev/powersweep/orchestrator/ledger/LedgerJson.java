package dev.powersweep.orchestrator.ledger;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.worker.cell.CellJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The JSON of the ledger: that of cells, with instants as ISO 8601 text; unknown properties of newer releases pass. */
public final class LedgerJson {
    private static final ObjectMapper MAPPER = CellJson.mapper()
            .copy()
            .registerModule(new SimpleModule("instants")
                    .addSerializer(Instant.class, new JsonSerializer<Instant>() {
                        @Override
                        public void serialize(Instant value, JsonGenerator out, SerializerProvider provider)
                                throws IOException {
                            out.writeString(value.toString());
                        }
                    })
                    .addDeserializer(Instant.class, new JsonDeserializer<Instant>() {
                        @Override
                        public Instant deserialize(JsonParser in, DeserializationContext context) throws IOException {
                            return plausible(in, InstantText.read(in.getText()));
                        }
                    }))
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    private static final ObjectReader EVENTS = MAPPER.readerFor(LedgerEvent.class);

    /** From so many bytes on, a second processor is worth its start. */
    private static final int MANY = 1 << 20;

    /** Ends of the time that {@link Instant#toEpochMilli}, durations between and dates of four digits can tell. */
    private static final Instant EARLIEST = Instant.EPOCH;

    private static final Instant LATEST = Instant.parse("9999-12-31T00:00:00Z");

    private LedgerJson() {}

    private static Instant plausible(JsonParser in, Instant time) throws JsonProcessingException {
        if (time.isBefore(EARLIEST) || time.isAfter(LATEST)) {
            throw new JsonParseException(in, time + " is not between " + EARLIEST + " and " + LATEST);
        }
        return time;
    }

    /**
     * The events of a segment, one a line.
     *
     * @throws JsonProcessingException with a message of one line, where a line is no event: of the first such line
     */
    static List<LedgerEvent> events(byte[] lines) throws IOException {
        List<Line> found = lines(lines);
        if (lines.length >= MANY) {
            try {
                return found.parallelStream().map(Line::event).toList();
            } catch (UncheckedIOException any) {
                // Some line is none: which comes first is found in order.
            }
        }
        try {
            return found.stream().map(Line::event).toList();
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof JsonProcessingException json) {
                json.clearLocation();
            }
            throw e.getCause();
        }
    }

    private static List<Line> lines(byte[] bytes) {
        List<Line> lines = new ArrayList<>();
        int from = 0;
        while (from < bytes.length) {
            int end = from;
            while (end < bytes.length && bytes[end] != '\n') {
                end++;
            }
            if (end > from) {
                lines.add(new Line(bytes, from, end - from));
            }
            from = end + 1;
        }
        return lines;
    }

    /** A part of a segment's bytes. */
    private record Line(byte[] bytes, int from, int length) {
        LedgerEvent event() {
            try {
                return EVENTS.readValue(bytes, from, length);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    public static ObjectMapper mapper() {
        return MAPPER;
    }

    /** One line, without a line end. */
    public static String line(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + value.getClass().getSimpleName() + " as JSON", e);
        }
    }

    public static byte[] bytes(Object value) {
        return line(value).getBytes(StandardCharsets.UTF_8);
    }

    /** Throws {@link JsonProcessingException} with a message of one line. */
    public static <T> T read(byte[] json, Class<T> type) throws IOException {
        try {
            return MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            e.clearLocation();
            throw e;
        }
    }

    public static <T> T read(String json, Class<T> type) {
        try {
            return MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "not a valid " + type.getSimpleName() + ": " + e.getOriginalMessage(), e);
        }
    }
}
