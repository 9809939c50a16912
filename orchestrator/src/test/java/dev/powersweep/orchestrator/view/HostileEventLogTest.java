package dev.powersweep.orchestrator.view;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.status.ElementTrackingStore;
import org.apache.spark.util.JsonProtocol;
import org.apache.spark.util.kvstore.InMemoryStore;
import org.junit.jupiter.api.Test;
import scala.jdk.javaapi.CollectionConverters;

/**
 * An event log that somebody wrote by hand, as a History Server of many users reads it: every value of every event of ours
 * replaced. Spark passes over an event that cannot be read or that a listener fails at; the pages have to come all the same.
 */
class HostileEventLogTest {
    private static final String MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    private static final long NOW = 1_700_000_000_000L;
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final ObjectMapper mapper = new ObjectMapper();

    private static List<SweepEvent> sound() {
        double[] curve = {512, 1024};
        return List.of(
                new SweepEvent.Opened("sweep", "/d", "app", 2, 2, NOW),
                new SweepEvent.Planned(List.of(plan(0), plan(1))),
                new SweepEvent.Changed(List.of(change(0, "FINISHED", "", curve)), Map.of(), NOW, true),
                new SweepEvent.Changed(List.of(change(1, "FAILED", "BUG", curve)), Map.of("BUG", 1), NOW, true),
                new SweepEvent.Noted(new Totals(10, 20, 30, 40, 2, NOW)),
                new SweepEvent.Fitted(
                        1,
                        List.of(new SweepEvent.Law(
                                "kaplan-n",
                                "Kaplan",
                                "L(N)",
                                4,
                                List.of(new SweepEvent.Estimate("Nc", 1e9, "parameters")),
                                "")),
                        NOW),
                new SweepEvent.Closed("", new Totals(10, 20, 30, 40, 2, NOW)));
    }

    private static CellPlan plan(int cell) {
        return new CellPlan(cell, "id" + cell, "cell" + cell, "2 layers", 1000, 500, 512, 100, 1, 1e-3, 0, 10);
    }

    private static CellChange change(int cell, String state, String failure, double[] curve) {
        return new CellChange(
                cell, state, 1, 100, 3, 3, 100, 1, failure, "message", "detail", "log", "host", NOW, curve, curve);
    }

    @Test
    void noValueOfAnEventKeepsThePagesFromBeingMade() throws Exception {
        List<String> lines = new ArrayList<>();
        for (SweepEvent event : sound()) {
            lines.add(JsonProtocol.sparkEventToJsonString(event));
        }
        assertThat(page(lines, "")).contains("cell0", "cell1");
        int tried = 0;
        for (int i = 0; i < lines.size(); i++) {
            JsonNode event = mapper.readTree(lines.get(i));
            for (String pointer : pointers(event, "")) {
                for (JsonNode value : hostile()) {
                    JsonNode changed = event.deepCopy();
                    put(changed, pointer, value);
                    List<String> log = new ArrayList<>(lines);
                    log.set(i, mapper.writeValueAsString(changed));
                    String what = pointer + " of " + event.path("Event").asText() + " is " + value;
                    what = what.substring(0, Math.min(300, what.length()));
                    assertThat(pageOrFailure(log, what))
                            .as(what)
                            .doesNotContain("<script>alert")
                            .doesNotContain("<img src=x");
                    tried++;
                }
            }
        }
        assertThat(tried).isGreaterThan(1000);
    }

    @Test
    void anEventAsDeepAsNoneIsLeavesTheOthers() throws Exception {
        List<String> lines = new ArrayList<>();
        for (SweepEvent event : sound()) {
            lines.add(JsonProtocol.sparkEventToJsonString(event));
        }
        lines.add(
                2,
                "{\"Event\":\"" + SweepEvent.Planned.class.getName() + "\",\"cells\":" + "[".repeat(200_000)
                        + "]".repeat(200_000) + "}");
        assertThat(page(lines, "")).contains("cell0", "cell1");
    }

    private static String pageOrFailure(List<String> log, String what) {
        try {
            return page(log, MARKUP);
        } catch (RuntimeException | OutOfMemoryError failure) {
            throw new AssertionError("no pages where " + what, failure);
        }
    }

    /** All pages of the log, by the way that a History Server goes. */
    private static String page(List<String> log, String asked) {
        InMemoryStore store = new InMemoryStore();
        ElementTrackingStore tracking = new ElementTrackingStore(store, new SparkConf(false));
        SparkListener listener = CollectionConverters.asJava(
                        new SweepHistoryPlugin().createListeners(new SparkConf(false), tracking))
                .get(0);
        for (String line : log) {
            try {
                listener.onOtherEvent(JsonProtocol.sparkEventFromJson(line));
            } catch (Exception passedOver) {
                // As Spark's bus does: it logs the line and goes on.
                continue;
            }
        }
        tracking.close(false);
        Optional<SweepPicture> picture =
                SweepDocument.read(store).picture().map(each -> each.fromTheLog(System.currentTimeMillis()));
        if (picture.isEmpty()) {
            return "";
        }
        StringBuilder pages = new StringBuilder();
        for (SweepPages page : SweepPages.values()) {
            Map<String, String> parameters = Map.of("id", "id0", "state", asked.isEmpty() ? "FINISHED" : asked);
            PageRequest request =
                    new PageRequest(picture.get(), name -> Optional.ofNullable(parameters.get(name)), "/sweep");
            pages.append(page.html(request));
            assertThat(page.json(request)).isNotNull();
        }
        return pages.toString();
    }

    private static List<String> pointers(JsonNode node, String above) {
        List<String> pointers = new ArrayList<>();
        if (node.isArray()) {
            for (int i = 0; i < node.size(); i++) {
                pointers.add(above + "/" + i);
                pointers.addAll(pointers(node.get(i), above + "/" + i));
            }
        } else {
            node.fieldNames().forEachRemaining(name -> {
                if (!name.equals("Event")) {
                    pointers.add(above + "/" + name);
                    pointers.addAll(pointers(node.get(name), above + "/" + name));
                }
            });
        }
        return pointers;
    }

    private static void put(JsonNode root, String pointer, JsonNode value) {
        int last = pointer.lastIndexOf('/');
        JsonNode parent = root.at(pointer.substring(0, last));
        String name = pointer.substring(last + 1);
        if (parent instanceof ArrayNode array) {
            array.set(Integer.parseInt(name), value);
        } else {
            ((ObjectNode) parent).set(name, value);
        }
    }

    private static List<JsonNode> hostile() {
        ArrayNode many = JSON.arrayNode();
        for (int i = 0; i < 100; i++) {
            many.add(1);
        }
        return List.of(
                JSON.nullNode(),
                JSON.textNode(MARKUP),
                JSON.textNode(""),
                JSON.textNode("\u001b]0;owned\u0007\u202e"),
                JSON.textNode("x".repeat(5_000)),
                JSON.textNode("NaN"),
                JSON.numberNode(-1),
                JSON.numberNode(0),
                JSON.numberNode(Integer.MAX_VALUE),
                JSON.numberNode(Long.MAX_VALUE),
                JSON.numberNode(Long.MIN_VALUE),
                JSON.numberNode(1e308),
                JSON.numberNode(-1e308),
                JSON.arrayNode(),
                many,
                JSON.objectNode());
    }
}
