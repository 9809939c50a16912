package dev.powersweep.orchestrator.view;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import java.util.List;
import java.util.Optional;

/** What the tab shows, as JSON; docs/operations.md names the fields. Numbers that are not known are null. */
final class SweepJson {
    private static final int LIMIT = 1000;
    private static final int LARGEST_LIMIT = 20_000;
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private SweepJson() {}

    static JsonNode nothing() {
        return NODES.objectNode().putNull("sweep");
    }

    static JsonNode sweep(PageRequest request) {
        SweepPicture picture = request.picture();
        ObjectNode json = NODES.objectNode();
        json.put("sweep", picture.opened().sweep());
        json.put("directory", picture.opened().directory());
        json.put("application", picture.opened().application());
        json.put("updatedMillis", picture.updatedMillis());
        json.put("running", picture.closed().isEmpty());
        put(json, "stopped", picture.closed().map(SweepEvent.Closed::reason).orElse(""));
        json.put("cells", picture.cells().size());
        json.put("slots", picture.slots());
        ObjectNode states = json.putObject("states");
        picture.states().forEach((state, count) -> states.put(state.name(), count));
        number(json, "tokensPerSecond", picture.totals().map(SweepEvent.Totals::tokensPerSecond));
        number(json, "etaSeconds", picture.totals().map(SweepEvent.Totals::etaSeconds));
        number(json, "elapsedSeconds", picture.totals().map(SweepEvent.Totals::elapsedSeconds));
        json.put("tokens", picture.totals().map(SweepEvent.Totals::tokens).orElse(0L));
        ObjectNode throughput = json.putObject("throughput");
        numbers(throughput.putArray("seconds"), picture.throughput().seconds());
        numbers(throughput.putArray("tokensPerSecond"), picture.throughput().rates());
        failures(json.putArray("failures"), picture);
        fit(json, picture);
        ArrayNode curves = json.putArray("curves");
        for (CellView cell : LossCurves.shown(picture)) {
            curve(
                    curves.addObject()
                            .put("cell", cell.plan().id())
                            .put("name", cell.plan().name()),
                    cell);
        }
        grid(json.putArray("grid"), picture);
        return json;
    }

    private static void failures(ArrayNode classes, SweepPicture picture) {
        picture.failures().forEach((name, count) -> {
            ObjectNode failure = classes.addObject().put("class", name).put("count", count);
            ArrayNode attempts = failure.putArray("newest");
            for (CellChange change : picture.failed().getOrDefault(name, List.of())) {
                SweepEvent.CellPlan plan = picture.cells().get(change.cell()).plan();
                ObjectNode attempt = attempts.addObject();
                attempt.put("cell", plan.id());
                attempt.put("name", plan.name());
                attempt.put("attempt", change.attempt());
                attempt.put("state", change.state());
                attempt.put("message", change.message());
                attempt.put("lastLines", change.detail());
                put(attempt, "log", change.log());
                put(attempt, "host", change.host());
                attempt.put("atMillis", change.atMillis());
            }
        });
    }

    private static void fit(ObjectNode json, SweepPicture picture) {
        if (picture.fitted().isEmpty()) {
            json.putNull("fit");
            return;
        }
        SweepEvent.Fitted fitted = picture.fitted().get();
        ObjectNode fit = json.putObject("fit").put("cells", fitted.cells()).put("atMillis", fitted.atMillis());
        ArrayNode laws = fit.putArray("laws");
        for (SweepEvent.Law law : fitted.laws()) {
            ObjectNode entry = laws.addObject().put("law", law.name()).put("rows", law.rows());
            put(entry, "formula", law.formula());
            put(entry, "refusal", law.refusal());
            ObjectNode estimates = entry.putObject("estimates");
            law.estimates().forEach(estimate -> number(estimates, estimate.name(), Optional.of(estimate.value())));
        }
    }

    /** As on the page: what a tile holds. */
    private static void grid(ArrayNode panels, SweepPicture picture) {
        for (GridPanel panel : GridPanel.of(picture.cells())) {
            ObjectNode json = panels.addObject().put("batchTokens", panel.batchTokens());
            ArrayNode tiles = json.putArray("tiles");
            for (int row = 0; row < panel.parameters().length; row++) {
                for (int column = 0; column < panel.tokens().length; column++) {
                    List<CellView> cells = panel.tiles().get(row).get(column);
                    if (cells.isEmpty()) {
                        continue;
                    }
                    ObjectNode tile = tiles.addObject();
                    size(tile, panel.parameters()[row]);
                    tile.put("tokens", panel.tokens()[column]);
                    ObjectNode states = tile.putObject("states");
                    for (CellView cell : cells) {
                        String state = cell.state().name();
                        states.put(state, states.path(state).asInt() + 1);
                    }
                    number(
                            tile,
                            "loss",
                            cells.stream()
                                    .map(CellView::loss)
                                    .filter(Double::isFinite)
                                    .min(Double::compare));
                }
            }
        }
    }

    /** {@code state}, {@code offset} and {@code limit} choose. */
    static JsonNode cells(PageRequest request) {
        List<CellView> chosen = CellsPage.chosen(request);
        int offset = Math.max(0, request.number("offset", 0));
        int limit = Math.min(LARGEST_LIMIT, Math.max(1, request.number("limit", LIMIT)));
        ObjectNode json = NODES.objectNode().put("total", chosen.size()).put("offset", offset);
        ArrayNode cells = json.putArray("cells");
        chosen.stream().skip(offset).limit(limit).forEach(cell -> cells.add(of(cell)));
        return json;
    }

    static JsonNode cell(PageRequest request) {
        return CellPage.named(request)
                .<JsonNode>map(cell -> {
                    ObjectNode json = of(cell);
                    cell.change().ifPresent(change -> json.put("lastLines", change.detail()));
                    curve(json.putObject("curve"), cell);
                    return json;
                })
                .orElseGet(() -> NODES.objectNode().putNull("cell"));
    }

    /** N, or null until a program has reported it. */
    private static void size(ObjectNode json, long parameters) {
        if (parameters > 0) {
            json.put("parameters", parameters);
        } else {
            json.putNull("parameters");
        }
    }

    private static ObjectNode of(CellView cell) {
        ObjectNode json = NODES.objectNode();
        json.put("cell", cell.plan().id());
        json.put("name", cell.plan().name());
        json.put("state", cell.state().name());
        size(json, cell.plan().parameters());
        json.put("tokens", cell.plan().tokens());
        json.put("batchTokens", cell.plan().batchTokens());
        json.put("seed", cell.plan().seed());
        json.put("attempt", cell.attempt());
        json.put("step", cell.step());
        json.put("steps", cell.plan().steps());
        number(json, "validationLoss", Optional.of(cell.loss()));
        number(json, "newestLoss", Optional.of(cell.newestLoss()));
        number(json, "tokensPerSecond", Optional.of(cell.tokensPerSecond()));
        put(json, "failure", cell.change().map(CellChange::failure).orElse(""));
        put(json, "message", cell.change().map(CellChange::message).orElse(""));
        put(json, "log", cell.change().map(CellChange::log).orElse(""));
        put(json, "host", cell.host());
        return json;
    }

    private static void curve(ObjectNode json, CellView cell) {
        numbers(json.putArray("tokens"), cell.curveTokens());
        numbers(json.putArray("loss"), cell.curveLoss());
    }

    private static void put(ObjectNode json, String name, String text) {
        if (text.isEmpty()) {
            json.putNull(name);
        } else {
            json.put(name, text);
        }
    }

    private static void number(ObjectNode json, String name, Optional<Double> value) {
        if (value.isPresent() && Double.isFinite(value.get())) {
            json.put(name, value.get());
        } else {
            json.putNull(name);
        }
    }

    private static void numbers(ArrayNode array, double[] values) {
        for (double value : values) {
            array.add(value);
        }
    }
}
