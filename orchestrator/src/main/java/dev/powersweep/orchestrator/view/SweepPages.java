package dev.powersweep.orchestrator.view;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.Function;

/**
 * A sweep's pages. Texts go through templates that escape every value, numbers through drawings; nothing else makes HTML.
 * How much a page shows is bounded, whatever the sweep holds.
 */
public enum SweepPages {
    SWEEP("", "Sweep", SweepPage::html, SweepJson::sweep),
    CELLS("cells", "Cells", CellsPage::html, SweepJson::cells),
    CELL("cell", "Cell", CellPage::html, SweepJson::cell);

    private final String path;
    private final String title;
    private final Function<PageRequest, String> html;
    private final Function<PageRequest, JsonNode> json;

    SweepPages(String path, String title, Function<PageRequest, String> html, Function<PageRequest, JsonNode> json) {
        this.path = path;
        this.title = title;
        this.html = html;
        this.json = json;
    }

    /** Below the address of the sweep's pages. */
    public String path() {
        return path;
    }

    public String title() {
        return title;
    }

    /** The page's content, to be put into the frame of whoever serves it. */
    public String html(PageRequest request) {
        return html.apply(request);
    }

    public JsonNode json(PageRequest request) {
        return json.apply(request);
    }

    /** The few lines of script that bring a page up to date. */
    public static String script() {
        return Templates.resource("sweep.js");
    }

    static String nothing() {
        return "<p>No sweep has begun in this application.</p>";
    }
}
