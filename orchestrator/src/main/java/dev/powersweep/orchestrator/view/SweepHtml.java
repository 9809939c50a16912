package dev.powersweep.orchestrator.view;

/**
 * The tab's pages. Texts go through templates that escape every value, numbers through drawings; nothing else makes
 * HTML. How much a page shows is bounded, whatever the sweep holds.
 */
final class SweepHtml {
    private SweepHtml() {}

    static String nothing() {
        return "<p>No sweep has begun in this application.</p>";
    }

    static String script() {
        return Templates.resource("sweep.js");
    }

    static String sweep(SweepTab.Request request) {
        return SweepPage.html(request);
    }

    static String cells(SweepTab.Request request) {
        return CellsPage.html(request);
    }

    static String cell(SweepTab.Request request) {
        return CellPage.html(request);
    }
}
