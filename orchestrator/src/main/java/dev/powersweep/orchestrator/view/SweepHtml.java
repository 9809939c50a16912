package dev.powersweep.orchestrator.view;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The tab's pages. Texts go through templates that escape every value, numbers through drawings; nothing else makes
 * HTML. How much a page shows is bounded, whatever the sweep holds.
 */
final class SweepHtml {
    /** Curves, panels and rows that a page shows at most. */
    static final int CURVES = 60;

    private static final int PANELS = 12;
    private static final int RUNNING_ROWS = 12;
    private static final int PAGE = 100;
    private static final int MESSAGE = 400;
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private static final String STYLE = resource("sweep.css");
    private static final Template SWEEP = template("sweep.html");
    private static final Template CELLS = template("cells.html");
    private static final Template CELL = template("cell.html");

    private SweepHtml() {}

    static String nothing() {
        return "<p>No sweep has begun in this application.</p>";
    }

    static String script() {
        return resource("sweep.js");
    }

    static String sweep(SweepTab.Request request) {
        SweepPicture picture = request.picture();
        Map<String, Object> page = common(request);
        Map<CellState, Integer> states = picture.states();
        page.put("states", states(states, picture.cells().size()));
        page.put("bar", bar(states, picture.cells().size()));
        page.put("tiles", tiles(picture, states));
        List<GridPanel> panels = GridPanel.of(picture.cells());
        double[] losses = picture.cells().stream()
                .mapToDouble(CellView::loss)
                .filter(Double::isFinite)
                .sorted()
                .toArray();
        double low = losses.length == 0 ? 0 : losses[0];
        // The worst few would leave all others one colour.
        double high = losses.length == 0 ? 0 : losses[(int) (0.95 * (losses.length - 1))];
        page.put(
                "panels",
                panels.stream()
                        .limit(PANELS)
                        .map(panel -> {
                            GridDrawing drawing = new GridDrawing(panel, room(panels));
                            return Map.of(
                                    "batch", Numbers.count(panel.batchTokens(), 4),
                                    "byState", drawing.byState(),
                                    "byLoss", drawing.byLoss(low, high));
                        })
                        .toList());
        page.put("morePanels", panels.size() > PANELS ? panels.size() - PANELS + " more batch sizes" : "");
        page.put("anyLoss", losses.length > 0);
        page.put(
                "ramp",
                new Svg(150, 10, "colour scale").ramp(0, 0, 150, 10, false).end());
        page.put("lossLow", Numbers.fixed(low, 3));
        page.put("lossHigh", Numbers.fixed(high, 3) + (losses.length > 20 ? " and above" : ""));
        curves(picture, page);
        page.put("throughput", throughput(picture));
        page.put("fit", fit(picture));
        page.put("running", running(request));
        page.put("runningMore", Math.max(0, states.get(CellState.RUNNING) - RUNNING_ROWS));
        page.put("anyRunning", states.get(CellState.RUNNING) > 0);
        page.put("failures", failures(request));
        page.put("anyFailure", !picture.failures().isEmpty());
        return SWEEP.execute(page);
    }

    /** Width of a heat map: narrow where two pairs fit side by side. */
    private static double room(List<GridPanel> panels) {
        int columns =
                panels.stream().mapToInt(panel -> panel.tokens().length).max().orElse(1);
        return panels.size() > 1 && columns <= GridDrawing.FEW_COLUMNS ? GridDrawing.NARROW : GridDrawing.WIDE;
    }

    private static Map<String, Object> common(SweepTab.Request request) {
        SweepPicture picture = request.picture();
        Map<String, Object> page = new HashMap<>();
        page.put("style", STYLE);
        page.put("base", request.base());
        page.put("sweep", picture.opened().sweep());
        page.put("directory", picture.opened().directory());
        page.put("updated", CLOCK.format(Instant.ofEpochMilli(picture.updatedMillis())));
        page.put("live", picture.closed().isEmpty() ? "yes" : "no");
        page.put(
                "stopped",
                picture.closed()
                        .map(SweepEvent.Closed::reason)
                        .filter(reason -> !reason.isEmpty())
                        .orElse(""));
        return page;
    }

    private static List<Map<String, Object>> states(Map<CellState, Integer> states, int cells) {
        List<Map<String, Object>> items = new ArrayList<>();
        for (CellState state : List.of(
                CellState.FINISHED,
                CellState.RUNNING,
                CellState.PLANNED,
                CellState.INTERRUPTED,
                CellState.DIVERGED,
                CellState.FAILED)) {
            StateStyle style = StateStyle.of(state);
            items.add(Map.of(
                    "name", style.name(),
                    "key", state.name(),
                    "colour", style.colour(),
                    "ink", style.ink(),
                    "sign", style.sign(),
                    "count", String.format(Locale.ROOT, "%,d", states.get(state)),
                    "share", Numbers.percent((double) states.get(state) / Math.max(1, cells), 2)));
        }
        return items;
    }

    private static String bar(Map<CellState, Integer> states, int cells) {
        Svg svg = Svg.stretched(1000, 12, "cells by state");
        double x = 0;
        for (CellState state : List.of(
                CellState.FINISHED,
                CellState.DIVERGED,
                CellState.FAILED,
                CellState.RUNNING,
                CellState.INTERRUPTED,
                CellState.PLANNED)) {
            double width = 1000.0 * states.get(state) / Math.max(1, cells);
            if (width > 0) {
                StateStyle style = StateStyle.of(state);
                svg.group(style.name() + " " + states.get(state));
                svg.rect(x, 0, width - 1, 12, "fill=\"" + style.colour() + "\"");
                svg.endGroup();
                x += width;
            }
        }
        return svg.end();
    }

    private static List<Map<String, Object>> tiles(SweepPicture picture, Map<CellState, Integer> states) {
        List<Map<String, Object>> tiles = new ArrayList<>();
        int ended = states.get(CellState.FINISHED) + states.get(CellState.DIVERGED) + states.get(CellState.FAILED);
        tiles.add(tile(
                String.format(Locale.ROOT, "%,d of %,d", ended, picture.cells().size()),
                "cells ended",
                Numbers.percent((double) ended / Math.max(1, picture.cells().size()), 2)));
        Optional<Totals> totals = picture.totals();
        boolean open = picture.closed().isEmpty();
        if (open) {
            tiles.add(tile(
                    totals.map(now -> Numbers.duration(now.etaSeconds())).orElse("–"),
                    "to go",
                    ended == 0 ? "as predicted" : "by finished cells"));
        }
        tiles.add(tile(
                totals.map(now -> Numbers.duration(now.elapsedSeconds())).orElse("–"),
                "elapsed",
                open ? "in this run" : "the run has ended"));
        tiles.add(tile(
                totals.map(now -> Numbers.count(now.tokensPerSecond(), 3)).orElse("–"),
                "tokens/s",
                open ? "of all running cells" : "at the end"));
        tiles.add(tile(
                totals.map(now -> Numbers.count(now.tokens(), 3)).orElse("–"),
                "tokens trained",
                "by attempts that ended"));
        tiles.add(tile(states.get(CellState.RUNNING) + " / " + picture.slots(), "slots in use", "cells at once"));
        double best = picture.cells().stream()
                .mapToDouble(CellView::loss)
                .filter(Double::isFinite)
                .min()
                .orElse(Double.NaN);
        tiles.add(tile(Numbers.fixed(best, 4), "lowest loss", "nats/token, held out"));
        return tiles;
    }

    private static Map<String, Object> tile(String value, String label, String note) {
        return Map.of("value", value, "label", label, "note", note);
    }

    private static void curves(SweepPicture picture, Map<String, Object> page) {
        long[] sizes = picture.cells().stream()
                .mapToLong(cell -> cell.plan().parameters())
                .distinct()
                .sorted()
                .toArray();
        List<CellView> shown = shownCurves(picture);
        List<CurveDrawing.Line> lines = shown.stream()
                .map(cell -> new CurveDrawing.Line(
                        cell.curveTokens(),
                        cell.curveLoss(),
                        CurveDrawing.colour(cell.plan().parameters(), sizes),
                        cell.state() == CellState.RUNNING ? 2.2 : 1.1,
                        cell.plan().name() + " " + StateStyle.of(cell.state()).name()))
                .toList();
        page.put(
                "curves",
                new CurveDrawing(640, 330, CurveDrawing.Scale.LOG, CurveDrawing.Scale.LOG)
                        .losses(lines, "training loss over tokens"));
        page.put("curveCount", lines.size());
        List<Map<String, Object>> legend = new ArrayList<>();
        int every = Math.max(1, (sizes.length + 7) / 8);
        for (int i = 0; i < sizes.length; i += every) {
            legend.add(Map.of("colour", Palette.ordered(i, sizes.length), "text", Numbers.count(sizes[i])));
        }
        page.put("legend", legend);
    }

    /** Running cells, spread over model sizes where there are too many, then those that ended last; thin ones below. */
    static List<CellView> shownCurves(SweepPicture picture) {
        List<CellView> running = picture.cells().stream()
                .filter(cell -> cell.state() == CellState.RUNNING && cell.curveLoss().length > 1)
                .sorted(Comparator.comparingLong((CellView cell) -> cell.plan().parameters())
                        .thenComparingLong(cell -> cell.plan().tokens()))
                .toList();
        List<CellView> bold = new ArrayList<>();
        int most = Math.min(running.size(), CURVES);
        for (int i = 0; i < most; i++) {
            bold.add(running.get((int) ((long) i * running.size() / most)));
        }
        List<CellView> drawn = new ArrayList<>(picture.cells().stream()
                .filter(cell -> cell.state() != CellState.RUNNING && cell.curveLoss().length > 1)
                .sorted(Comparator.comparing(
                        (CellView cell) ->
                                cell.change().map(CellChange::atMillis).orElse(0L),
                        Comparator.reverseOrder()))
                .limit(CURVES - most)
                .toList());
        drawn.addAll(bold);
        return drawn;
    }

    private static String throughput(SweepPicture picture) {
        CurveDrawing.Line line = new CurveDrawing.Line(
                picture.throughputSeconds(), picture.throughputRates(), Palette.BLUE, 1.6, "tokens/s");
        List<CurveDrawing.Line> lines = line.x().length == 0 ? List.of() : List.of(line);
        return new CurveDrawing(520, 170, CurveDrawing.Scale.LINEAR, CurveDrawing.Scale.LINEAR)
                .drawn(lines, "throughput", "seconds since the run began", "tokens/s");
    }

    private static Map<String, Object> fit(SweepPicture picture) {
        if (picture.fitted().isEmpty()) {
            return Map.of("none", true, "cells", 0, "laws", List.of(), "at", "");
        }
        SweepEvent.Fitted fitted = picture.fitted().get();
        List<Map<String, Object>> laws = fitted.laws().stream()
                .map(law -> Map.<String, Object>of(
                        "name", law.name(),
                        "title", law.title(),
                        "formula", law.formula(),
                        "rows", law.rows(),
                        "refusal", law.refusal(),
                        "estimates",
                                law.estimates().stream()
                                        .map(estimate -> Map.of(
                                                "name", estimate.name(),
                                                "value", Numbers.significant(estimate.value(), 4),
                                                "unit", estimate.unit().equals("1") ? "" : estimate.unit()))
                                        .toList()))
                .toList();
        return Map.of(
                "none",
                false,
                "cells",
                fitted.cells(),
                "laws",
                laws,
                "at",
                CLOCK.format(Instant.ofEpochMilli(fitted.atMillis())));
    }

    private static List<Map<String, Object>> running(SweepTab.Request request) {
        return request.picture().running().stream()
                .limit(RUNNING_ROWS)
                .map(cell -> row(cell, request.picture()))
                .toList();
    }

    private static Map<String, Object> row(CellView cell, SweepPicture picture) {
        StateStyle style = StateStyle.of(cell.state());
        Map<String, Object> row = new HashMap<>();
        row.put("id", cell.plan().id());
        row.put("name", cell.plan().name());
        row.put("state", style.name());
        row.put("sign", style.sign());
        row.put("colour", style.colour());
        row.put("ink", style.ink());
        row.put("attempt", cell.attempt());
        row.put("step", String.format(Locale.ROOT, "%,d", cell.step()));
        row.put("steps", String.format(Locale.ROOT, "%,d", cell.plan().steps()));
        row.put("percent", String.format(Locale.ROOT, "%.0f", 100 * cell.progress()));
        row.put("loss", Numbers.fixed(cell.newestLoss(), 4));
        row.put("rate", Numbers.count(cell.tokensPerSecond(), 3));
        row.put("host", cell.host());
        row.put("n", Numbers.count(cell.plan().parameters()));
        row.put("d", Numbers.count(cell.plan().tokens()));
        row.put("b", Numbers.count(cell.plan().batchTokens(), 4));
        row.put("message", shortened(cell.change().map(CellChange::message).orElse("")));
        row.put("log", log(cell, picture));
        return row;
    }

    private static String log(CellView cell, SweepPicture picture) {
        return cell.change()
                .map(CellChange::log)
                .filter(log -> !log.isEmpty())
                .map(log -> picture.opened().directory() + "/" + log)
                .orElse("");
    }

    private static List<Map<String, Object>> failures(SweepTab.Request request) {
        SweepPicture picture = request.picture();
        List<Map<String, Object>> classes = new ArrayList<>();
        picture.failures().entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .forEach(entry -> {
                    List<CellChange> changes = picture.failed().getOrDefault(entry.getKey(), List.of());
                    classes.add(Map.of(
                            "name", entry.getKey(),
                            "count", entry.getValue(),
                            "attempts",
                                    changes.stream()
                                            .map(change -> failed(change, picture))
                                            .toList(),
                            "more",
                                    changes.size() < entry.getValue()
                                            ? "the newest " + changes.size() + " of " + entry.getValue()
                                            : ""));
                });
        return classes;
    }

    private static Map<String, Object> failed(CellChange change, SweepPicture picture) {
        Map<String, Object> attempt = new HashMap<>();
        attempt.put("id", picture.cells().get(change.cell()).plan().id());
        attempt.put("name", picture.cells().get(change.cell()).plan().name());
        attempt.put("attempt", change.attempt());
        attempt.put("message", shortened(change.message()));
        attempt.put("detail", change.detail());
        attempt.put("anyDetail", !change.detail().isEmpty());
        attempt.put("log", change.log().isEmpty() ? "" : picture.opened().directory() + "/" + change.log());
        attempt.put("host", change.host());
        attempt.put("at", CLOCK.format(Instant.ofEpochMilli(change.atMillis())));
        attempt.put("then", change.state().equals(CellState.FAILED.name()) ? "gave up" : "tried again");
        return attempt;
    }

    private static String shortened(String text) {
        return text.length() <= MESSAGE ? text : text.substring(0, MESSAGE) + "…";
    }

    static String cells(SweepTab.Request request) {
        Map<String, Object> page = common(request);
        List<CellView> chosen = chosen(request);
        int pages = Math.max(1, (chosen.size() + PAGE - 1) / PAGE);
        int at = Math.min(pages, Math.max(1, request.number("page", 1)));
        page.put(
                "states",
                states(request.picture().states(), request.picture().cells().size()));
        page.put("all", request.picture().cells().size());
        page.put(
                "cells",
                chosen.stream()
                        .skip((long) (at - 1) * PAGE)
                        .limit(PAGE)
                        .map(cell -> row(cell, request.picture()))
                        .toList());
        page.put("count", chosen.size());
        page.put("page", at);
        page.put("pages", pages);
        page.put("state", state(request).map(Enum::name).orElse(""));
        page.put("before", at > 1 ? at - 1 : 0);
        page.put("after", at < pages ? at + 1 : 0);
        return CELLS.execute(page);
    }

    /** The cells of the state that was asked for, or all. */
    static List<CellView> chosen(SweepTab.Request request) {
        Optional<CellState> state = state(request);
        return request.picture().cells().stream()
                .filter(cell -> state.isEmpty() || cell.state() == state.get())
                .toList();
    }

    private static Optional<CellState> state(SweepTab.Request request) {
        return request.parameter().apply("state").flatMap(text -> Arrays.stream(CellState.values())
                .filter(state -> state.name().equalsIgnoreCase(text))
                .findFirst());
    }

    /** The cell that was asked for by its identity or its name. */
    static Optional<CellView> named(SweepTab.Request request) {
        String id = request.parameter().apply("id").orElse("");
        return request.picture().cells().stream()
                .filter(cell ->
                        cell.plan().id().equals(id) || cell.plan().name().equals(id))
                .findFirst();
    }

    static String cell(SweepTab.Request request) {
        Optional<CellView> named = named(request);
        if (named.isEmpty()) {
            return "<p>The sweep has no such cell.</p>";
        }
        CellView cell = named.get();
        Map<String, Object> page = common(request);
        page.putAll(row(cell, request.picture()));
        SweepEvent.CellPlan plan = cell.plan();
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("identity", plan.id());
        facts.put("shape", plan.shape());
        facts.put("N", Numbers.count(plan.parameters(), 4) + " non-embedding parameters");
        facts.put("D", Numbers.count(plan.tokens(), 4) + " tokens");
        facts.put("B", Numbers.count(plan.batchTokens(), 4) + " tokens");
        facts.put("S", String.format(Locale.ROOT, "%,d steps", plan.steps()));
        facts.put("U", Numbers.count(plan.uniqueTokens(), 4) + " unique tokens");
        facts.put("learning rate", Numbers.significant(plan.learningRate(), 3));
        facts.put("replicate", Long.toString(plan.seed()));
        facts.put("attempts", Integer.toString(cell.attempt()));
        facts.put("steps stored or seen", String.format(Locale.ROOT, "%,d", cell.step()));
        facts.put("validation loss", Numbers.fixed(cell.loss(), 4) + " nats/token");
        facts.put("tokens/s", Numbers.count(cell.tokensPerSecond(), 3));
        facts.put("predicted", Numbers.duration(plan.predictedSeconds()));
        facts.put(
                "took",
                Numbers.duration(cell.change().map(CellChange::seconds).orElse(Double.NaN)) + " in the last attempt");
        facts.put("host", cell.host());
        facts.put("log", log(cell, request.picture()));
        page.put(
                "facts",
                facts.entrySet().stream()
                        .filter(fact -> !fact.getValue().isEmpty())
                        .map(fact -> Map.of("name", fact.getKey(), "value", fact.getValue()))
                        .toList());
        page.put("message", cell.change().map(CellChange::message).orElse(""));
        page.put("detail", cell.change().map(CellChange::detail).orElse(""));
        page.put("failure", cell.change().map(CellChange::failure).orElse(""));
        page.put(
                "curve",
                new CurveDrawing(640, 300, CurveDrawing.Scale.LOG, CurveDrawing.Scale.LOG)
                        .losses(
                                cell.curveLoss().length == 0
                                        ? List.of()
                                        : List.of(new CurveDrawing.Line(
                                                cell.curveTokens(), cell.curveLoss(), Palette.BLUE, 1.8, plan.name())),
                                "training loss over tokens"));
        return CELL.execute(page);
    }

    private static Template template(String name) {
        return Mustache.compiler()
                .escapeHTML(true)
                .emptyStringIsFalse(true)
                .zeroIsFalse(true)
                .compile(resource(name));
    }

    private static String resource(String name) {
        try (InputStream in = SweepHtml.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the packaged resource " + name + " is missing");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
