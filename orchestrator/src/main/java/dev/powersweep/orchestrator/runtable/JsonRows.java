package dev.powersweep.orchestrator.runtable;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs as JSON: an object a line, an array of objects, an object that holds one such array, or what pandas writes
 * ({@code orient} records, columns, index, split or table). Keys within objects are joined by points, as in {@code
 * train.lr}; lists within a run are left out.
 */
final class JsonRows {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** As Jackson says it. */
    private static final Pattern TWICE = Pattern.compile("Duplicate field '(.*)'");

    private static final Pattern ORIGIN = Pattern.compile(" \\(start marker at .*\\)");

    /** A run and the line on which it begins. */
    private record Run(long line, JsonNode values) {}

    private JsonRows() {}

    /** Whether a text begins as JSON does. */
    static boolean begins(String text) {
        String start = text.stripLeading();
        return start.startsWith("{") || start.startsWith("[");
    }

    static RawTable parse(String file, String text) {
        try {
            List<Run> runs = runs(file, text);
            if (runs.size() == 1 && runs.get(0).values().isObject()) {
                runs = within(file, runs.get(0));
            }
            return table(file, runs);
        } catch (JsonProcessingException broken) {
            String what = broken.getOriginalMessage().lines().findFirst().orElse("");
            Matcher twice = TWICE.matcher(what);
            throw new UserError(
                    file + ", line " + broken.getLocation().getLineNr() + ": "
                            + (twice.matches()
                                    ? twice(twice.group(1))
                                    : "not JSON (" + ORIGIN.matcher(what).replaceAll("") + "); mend the line"),
                    broken);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    /** The values of the text, one after the other; those of an array where the text is one. */
    private static List<Run> runs(String file, String text) throws IOException {
        List<Run> runs = new ArrayList<>();
        try (JsonParser parser = MAPPER.createParser(text)) {
            while (parser.nextToken() != null) {
                if (parser.currentToken() == JsonToken.START_ARRAY) {
                    while (parser.nextToken() != JsonToken.END_ARRAY) {
                        runs.add(next(parser));
                    }
                } else {
                    runs.add(next(parser));
                }
            }
        }
        if (runs.isEmpty()) {
            throw new UserError(file + ": the file holds no runs; it needs an object per run");
        }
        return runs;
    }

    private static Run next(JsonParser parser) throws IOException {
        long line = parser.currentTokenLocation().getLineNr();
        return new Run(line, MAPPER.readTree(parser));
    }

    /** The runs that a single object holds. */
    private static List<Run> within(String file, Run whole) {
        JsonNode object = whole.values();
        if (object.path("columns").isArray() && object.path("data").isArray()) {
            return split(file, whole.line(), object);
        }
        List<JsonNode> tables = new ArrayList<>();
        object.forEach(value -> {
            if (value.isArray() && !value.isEmpty() && value.get(0).isObject()) {
                tables.add(value);
            }
        });
        if (object.path("data").isArray() && tables.contains(object.path("data"))) {
            return each(whole.line(), object.path("data"));
        }
        if (tables.size() > 1) {
            throw new UserError(file + ": the object holds " + tables.size()
                    + " arrays of objects, and which of them lists the runs cannot be known; keep one in the file");
        }
        if (tables.size() == 1) {
            return each(whole.line(), tables.get(0));
        }
        if (all(object, JsonNode::isArray)) {
            return columns(whole.line(), object);
        }
        if (object.size() > 1 && all(object, JsonNode::isObject)) {
            Iterator<String> inner = object.elements().next().fieldNames();
            boolean byColumn = inner.hasNext() && inner.next().matches("\\d+");
            return byColumn ? columns(whole.line(), object) : named(whole.line(), object);
        }
        return List.of(whole);
    }

    private static boolean all(JsonNode object, java.util.function.Predicate<JsonNode> what) {
        boolean all = !object.isEmpty();
        for (JsonNode value : object) {
            all &= what.test(value);
        }
        return all;
    }

    private static List<Run> each(long line, JsonNode array) {
        List<Run> runs = new ArrayList<>();
        array.forEach(value -> runs.add(new Run(line, value)));
        return runs;
    }

    private static List<Run> split(String file, long line, JsonNode object) {
        List<Run> runs = new ArrayList<>();
        for (JsonNode row : object.path("data")) {
            var run = MAPPER.createObjectNode();
            for (int i = 0; i < object.path("columns").size(); i++) {
                JsonNode name = object.path("columns").get(i);
                List<String> parts = new ArrayList<>();
                name.forEach(part -> parts.add(part.asText()));
                String key = name.isArray() ? String.join("/", parts) : name.asText();
                if (run.has(key)) {
                    throw new UserError(file + ": the columns have '" + key
                            + "' twice, and which is meant cannot be known; rename the one that is not meant");
                }
                run.set(key, row.path(i));
            }
            runs.add(new Run(line, run));
        }
        return runs;
    }

    /** A list, or an object by row, for each column. */
    private static List<Run> columns(long line, JsonNode object) {
        Map<String, com.fasterxml.jackson.databind.node.ObjectNode> rows = new LinkedHashMap<>();
        object.fields().forEachRemaining(column -> {
            List<String> keys = new ArrayList<>();
            column.getValue().fieldNames().forEachRemaining(keys::add);
            for (int i = 0; i < column.getValue().size(); i++) {
                String key = column.getValue().isArray() ? Integer.toString(i) : keys.get(i);
                JsonNode value = column.getValue().isArray()
                        ? column.getValue().get(i)
                        : column.getValue().get(key);
                rows.computeIfAbsent(key, row -> MAPPER.createObjectNode()).set(column.getKey(), value);
            }
        });
        List<Run> runs = new ArrayList<>();
        rows.values().forEach(row -> runs.add(new Run(line, row)));
        return runs;
    }

    /** An object for each run under its name. */
    private static List<Run> named(long line, JsonNode object) {
        List<Run> runs = new ArrayList<>();
        object.fields().forEachRemaining(run -> {
            var row = MAPPER.createObjectNode();
            if (!run.getValue().has("name")) {
                row.put("name", run.getKey());
            }
            row.setAll((com.fasterxml.jackson.databind.node.ObjectNode) run.getValue());
            runs.add(new Run(line, row));
        });
        return runs;
    }

    private static RawTable table(String file, List<Run> runs) {
        Map<String, Integer> header = new LinkedHashMap<>();
        List<Map<String, String>> rows = new ArrayList<>();
        for (Run run : runs) {
            if (!run.values().isObject()) {
                throw new UserError(file + ", line " + run.line() + ": there is " + shortened(run.values())
                        + " where an object with the values of a run is needed");
            }
            Map<String, String> cells = new LinkedHashMap<>();
            String at = file + ", line " + run.line() + ": ";
            flatten(at, "", run.values(), cells);
            if (cells.isEmpty()) {
                throw new UserError(at + "the object holds no values of a run, but " + shortened(run.values()));
            }
            cells.keySet().forEach(key -> header.putIfAbsent(key, header.size()));
            rows.add(cells);
        }
        Map<Long, Integer> perLine = new HashMap<>();
        runs.forEach(run -> perLine.merge(run.line(), 1, Integer::sum));
        // A file on one line has no lines that would tell its runs apart.
        boolean lines = perLine.size() == runs.size();
        List<RawRow> table = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            Map<String, String> cells = rows.get(i);
            table.add(new RawRow(
                    lines ? runs.get(i).line() : i + 1L,
                    header.keySet().stream()
                            .map(key -> cells.getOrDefault(key, ""))
                            .toList()));
        }
        return new RawTable(file, List.copyOf(header.keySet()), table, lines ? RawTable.LINE : "run", false, List.of());
    }

    /** Keys within objects are joined by points, and so may meet one that is written with a point. */
    private static void flatten(String at, String path, JsonNode node, Map<String, String> cells) {
        node.fields().forEachRemaining(entry -> {
            String key = path.isEmpty() ? entry.getKey() : path + "." + entry.getKey();
            JsonNode value = entry.getValue();
            if (value.isObject()) {
                flatten(at, key, value, cells);
            } else if (!value.isArray() && cells.put(key, value.isNull() ? "" : value.asText()) != null) {
                throw new UserError(at + twice(key));
            }
        });
    }

    private static String twice(String key) {
        return "'" + key + "' stands twice in one object, and which is meant cannot be known; keep one";
    }

    private static String shortened(JsonNode node) {
        String text = node.toString();
        return text.length() > 40 ? text.substring(0, 40) + "…" : text;
    }
}
