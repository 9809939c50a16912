package dev.powersweep.orchestrator.report;

import java.util.List;

/**
 * All that a report says, in reading order. Texts are plain; {@link ReportPage} escapes them.
 *
 * @param title of the sweep
 * @param subtitle where its results lie and when the page was written
 * @param reading what the fits mean, in sentences; the first is the most important
 * @param tiles the sweep in a few numbers
 * @param contentsNote a sentence about what is missing, or empty text
 */
public record ReportModel(
        String title,
        String subtitle,
        List<Reading> reading,
        List<Tile> tiles,
        String contentsNote,
        List<Section> sections) {
    public ReportModel {
        reading = List.copyOf(reading);
        tiles = List.copyOf(tiles);
        sections = List.copyOf(sections);
    }

    /** A sentence of the plain-language reading, and the laws and data it rests on. */
    public record Reading(String sentence, String basis) {}

    /** A number that is shown at the top. */
    public record Tile(String value, String label, String detail) {}

    /**
     * A part of the report.
     *
     * @param id a word for links, unique in the report
     * @param lead what is seen here, in a sentence or two
     */
    public record Section(String id, String title, String lead, List<Block> blocks) {
        public Section {
            blocks = List.copyOf(blocks);
        }
    }
}
