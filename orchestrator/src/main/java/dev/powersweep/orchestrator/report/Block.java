package dev.powersweep.orchestrator.report;

import java.util.List;

/** A piece of a section. */
public sealed interface Block {

    /** A chart with a caption; two half-width figures stand side by side. */
    record Figure(String title, Chart chart, String caption, Width width) implements Block {}

    enum Width {
        HALF,
        FULL
    }

    /**
     * A table; a row has as many cells as there are columns.
     *
     * @param caption stands above the table; may be empty
     */
    record Table(String caption, List<Column> columns, List<List<Cell>> rows) implements Block {
        public Table {
            columns = List.copyOf(columns);
            rows = List.copyOf(rows);
        }
    }

    /** @param numeric whether its cells are aligned to the right */
    record Column(String title, boolean numeric) {}

    /** A cell of a table. */
    record Cell(String text, Tone tone) {
        public static Cell of(String text) {
            return new Cell(text, Tone.PLAIN);
        }
    }

    enum Tone {
        PLAIN,
        STRONG,
        GOOD,
        WARNING,
        BAD,
        QUIET
    }

    /**
     * The grid as a table of tiles coloured by loss.
     *
     * @param tiles a row per {@code rowLabels}, a tile per {@code columnLabels}
     */
    record HeatMap(
            String title,
            String rowTitle,
            String columnTitle,
            List<String> rowLabels,
            List<String> columnLabels,
            List<List<HeatTile>> tiles)
            implements Block {
        public HeatMap {
            rowLabels = List.copyOf(rowLabels);
            columnLabels = List.copyOf(columnLabels);
            tiles = List.copyOf(tiles);
        }
    }

    /**
     * A tile of a heat map.
     *
     * @param shade where the loss lies between the lowest (0) and the highest (1) of the map; NaN for no loss
     * @param detail shown when pointed at
     */
    record HeatTile(String text, double shade, Tone tone, String detail) {
        public static final HeatTile NONE = new HeatTile("", Double.NaN, Tone.QUIET, "not part of the grid");
    }

    /** Sentences, one bullet each. */
    record Notes(String title, List<String> sentences, Tone tone) implements Block {
        public Notes {
            sentences = List.copyOf(sentences);
        }
    }

    /** Text kept as it is, folded away until it is opened. */
    record Verbatim(String title, String text) implements Block {}

    /** A text that goes on with another one, with its line ends. */
    record Passage(String given, String written) implements Block {}

    /** Names and values, such as where results came from. */
    record Facts(String title, List<Fact> facts) implements Block {
        public Facts {
            facts = List.copyOf(facts);
        }
    }

    record Fact(String name, String value) {}
}
