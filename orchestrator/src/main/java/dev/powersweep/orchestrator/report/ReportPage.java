package dev.powersweep.orchestrator.report;

import com.samskivert.mustache.Escapers;
import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import dev.powersweep.orchestrator.text.Shown;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes a {@link ReportModel} as one HTML page that loads nothing from anywhere. */
public final class ReportPage {
    private static final String ECHARTS = "/META-INF/resources/webjars/echarts/5.3.1/dist/echarts.min.js";

    /** Columns of a map that the page's 1,144 pixels hold at the usual width, and with labels that lie. */
    private static final int WIDE_TILES = 14;

    private static final int NARROW_TILES = 22;

    private ReportPage() {}

    /** The page's text, UTF-8 when written. */
    public static String html(ReportModel model) {
        List<Chart> charts = new ArrayList<>();
        Map<String, Object> page = new LinkedHashMap<>();
        page.put("title", model.title());
        page.put("subtitle", model.subtitle());
        page.put("contentsNote", model.contentsNote());
        page.put("tiles", model.tiles());
        page.put("anyReading", !model.reading().isEmpty());
        page.put("reading", model.reading());
        page.put(
                "sections",
                model.sections().stream()
                        .map(section -> section(section, charts))
                        .toList());
        page.put("style", resource("report.css"));
        page.put("charts", ChartJson.write(charts));
        page.put("echarts", insideScript(resource(ECHARTS)));
        page.put("script", insideScript(resource("report.js")));
        Template template = Mustache.compiler()
                .withEscaper(text -> Escapers.HTML.escape(Shown.page(text)))
                .emptyStringIsFalse(true)
                .compile(resource("report.html"));
        return template.execute(page);
    }

    private static Map<String, Object> section(ReportModel.Section section, List<Chart> charts) {
        List<Map<String, Object>> blocks = new ArrayList<>();
        List<Map<String, Object>> figures = new ArrayList<>();
        for (Block block : section.blocks()) {
            if (block instanceof Block.Figure figure) {
                figures.add(figure(figure, charts));
            } else {
                flush(figures, blocks);
                blocks.add(block(block));
            }
        }
        flush(figures, blocks);
        return Map.of("id", section.id(), "title", section.title(), "lead", section.lead(), "blocks", blocks);
    }

    /** Figures in a row share one grid, so that two halves stand side by side. */
    private static void flush(List<Map<String, Object>> figures, List<Map<String, Object>> blocks) {
        if (!figures.isEmpty()) {
            blocks.add(kind("figures", Map.of("figure", List.copyOf(figures))));
            figures.clear();
        }
    }

    private static Map<String, Object> figure(Block.Figure figure, List<Chart> charts) {
        charts.add(figure.chart());
        return Map.of(
                "title", figure.title(),
                "caption", figure.caption(),
                "chart", charts.size() - 1,
                "height", figure.chart().height(),
                "width", figure.width().name().toLowerCase(Locale.ROOT));
    }

    private static Map<String, Object> block(Block block) {
        if (block instanceof Block.Table table) {
            return kind("table", Map.of("caption", table.caption(), "columns", table.columns(), "rows", rows(table)));
        }
        if (block instanceof Block.HeatMap map) {
            return kind(
                    "heat",
                    Map.of(
                            "title", map.title(),
                            "density", density(map.columnLabels().size()),
                            "corner", map.rowTitle() + " \\ " + map.columnTitle(),
                            "columns", map.columnLabels(),
                            "rows", rows(map)));
        }
        if (block instanceof Block.Notes notes) {
            return kind(
                    "notes",
                    Map.of("title", notes.title(), "sentences", notes.sentences(), "tone", tone(notes.tone())));
        }
        if (block instanceof Block.Verbatim verbatim) {
            return kind("verbatim", Map.of("title", verbatim.title(), "text", verbatim.text()));
        }
        if (block instanceof Block.Passage passage) {
            return kind("passage", Map.of("given", passage.given(), "written", passage.written()));
        }
        Block.Facts facts = (Block.Facts) block;
        return kind("facts", Map.of("title", facts.title(), "facts", facts.facts()));
    }

    /** The class of a map's style: tiles are narrower where there are so many that the page would not hold them. */
    private static String density(int columns) {
        return columns <= WIDE_TILES ? "" : columns <= NARROW_TILES ? " dense" : " dense upright";
    }

    private static List<Map<String, Object>> rows(Block.Table table) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (List<Block.Cell> row : table.rows()) {
            List<Map<String, Object>> cells = new ArrayList<>();
            for (int i = 0; i < row.size(); i++) {
                String number = table.columns().get(i).numeric() ? "number " : "";
                cells.add(Map.of(
                        "text",
                        row.get(i).text(),
                        "classes",
                        number + tone(row.get(i).tone())));
            }
            rows.add(Map.of("cells", cells));
        }
        return rows;
    }

    private static List<Map<String, Object>> rows(Block.HeatMap map) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (int i = 0; i < map.rowLabels().size(); i++) {
            List<Map<String, Object>> tiles = new ArrayList<>();
            for (Block.HeatTile tile : map.tiles().get(i)) {
                String style = Double.isNaN(tile.shade())
                        ? ""
                        : "background:" + Palette.viridis(tile.shade()) + ";color:" + Palette.inkOn(tile.shade());
                tiles.add(Map.of(
                        "text", tile.text(), "tone", tone(tile.tone()), "detail", tile.detail(), "style", style));
            }
            rows.add(Map.of("label", map.rowLabels().get(i), "tiles", tiles));
        }
        return rows;
    }

    private static Map<String, Object> kind(String kind, Map<String, Object> content) {
        Map<String, Object> block = new LinkedHashMap<>();
        for (String every : List.of("figures", "table", "heat", "notes", "verbatim", "passage", "facts")) {
            block.put(every, every.equals(kind) ? content : false);
        }
        return block;
    }

    private static String tone(Block.Tone tone) {
        return tone.name().toLowerCase(Locale.ROOT);
    }

    private static String insideScript(String script) {
        return script.replace("</script", "<\\/script");
    }

    private static String resource(String name) {
        try (InputStream in = ReportPage.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the packaged resource " + name + " is missing");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
