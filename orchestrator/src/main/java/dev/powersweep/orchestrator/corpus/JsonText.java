package dev.powersweep.orchestrator.corpus;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The text of one line of JSON Lines: the value of a named field of its object. One instance a thread. */
final class JsonText {
    /** A line whose object has no text, or is no object; the message goes on after the place of the line. */
    static final class NoText extends Exception {
        private static final long serialVersionUID = 1L;

        NoText(String message) {
            super(message);
        }
    }

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(LineReader.LONGEST_LINE)
                    .build())
            .build();

    private final String field;
    private final List<String> parts = new ArrayList<>();
    private boolean found;

    /** @param field name of a field of the object; with points, of one inside objects */
    JsonText(String field) {
        this.field = field;
    }

    /** The text; empty where the field is null. A list of strings is joined by line ends. */
    String of(byte[] line, int from, int to) throws NoText {
        parts.clear();
        found = false;
        try (JsonParser parser = JSON.createParser(line, from, to - from)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new NoText("holds no JSON object");
            }
            walk(parser, field);
            if (parser.nextToken() != null) {
                throw new NoText("holds more than one JSON object; write each on a line of its own");
            }
        } catch (JsonProcessingException e) {
            throw new NoText("is not JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new NoText("is not JSON: " + e.getMessage());
        }
        if (!found) {
            throw new NoText("has no field " + field + "; set corpus.textColumn to one of "
                    + String.join(", ", fields(line, from, to)));
        }
        return parts.size() == 1 ? parts.get(0) : String.join("\n", parts);
    }

    private void walk(JsonParser parser, String name) throws IOException, NoText {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            JsonToken value = parser.nextToken();
            if (key.equals(name)) {
                if (found) {
                    throw new NoText("has the field " + field + " twice, and which is meant cannot be known; keep one");
                }
                found = true;
                text(parser, value);
            } else if (value == JsonToken.START_OBJECT
                    && name.length() > key.length() + 1
                    && name.startsWith(key)
                    && name.charAt(key.length()) == '.') {
                walk(parser, name.substring(key.length() + 1));
            } else {
                parser.skipChildren();
            }
        }
    }

    private void text(JsonParser parser, JsonToken value) throws IOException, NoText {
        switch (value) {
            case VALUE_STRING -> parts.add(parser.getText());
            case VALUE_NULL -> {}
            case START_ARRAY -> {
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    text(parser, parser.currentToken());
                }
            }
            default ->
                throw new NoText("has a field " + field + " that is "
                        + (value == JsonToken.START_OBJECT ? "an object" : "no text")
                        + "; set corpus.textColumn to another one, or to " + field + ".NAME for one inside it");
        }
    }

    private static List<String> fields(byte[] line, int from, int to) {
        List<String> names = new ArrayList<>();
        try (JsonParser parser = JSON.createParser(line, from, to - from)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME && names.size() < 20) {
                names.add(parser.currentName());
                parser.nextToken();
                parser.skipChildren();
            }
        } catch (IOException e) {
            throw new IllegalStateException("the line was read before", e);
        }
        return names.isEmpty() ? List.of("(it has none)") : names;
    }
}
