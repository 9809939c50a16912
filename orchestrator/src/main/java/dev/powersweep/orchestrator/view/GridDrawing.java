package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.worker.cell.CellState;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A panel of the grid as a heat map: model size upwards, data size to the right. */
final class GridDrawing {
    /** Room for the axis' name beside labels as wide as 44.4M. */
    private static final int LEFT = 62;

    private static final int TOP = 6;
    private static final int BOTTOM = 36;
    private static final int WIDEST = 80;
    private static final int LABEL_WIDTH = 42;
    /** Widths of a map: two pairs, or one, on a page of 1280 pixels. */
    static final int NARROW = 298;

    static final int WIDE = 600;
    static final int FEW_COLUMNS = 6;
    private static final int MANY_TILES = 200;
    private static final int ROOM_HIGH = 330;
    private static final String SMALL = "font-size=\"11\" fill=\"#5a6472\"";
    /** Most urgent first: what a tile's sign shows where its cells differ. */
    private static final List<CellState> URGENCY = List.of(
            CellState.FAILED,
            CellState.RUNNING,
            CellState.INTERRUPTED,
            CellState.DIVERGED,
            CellState.PLANNED,
            CellState.FINISHED);

    private final GridPanel panel;
    private final double tileWidth;
    private final double tileHeight;

    /** @param room that the drawing may take, pixels */
    GridDrawing(GridPanel panel, double room) {
        this.panel = panel;
        this.tileWidth = Math.min(WIDEST, (room - LEFT - 4) / panel.tokens().length);
        this.tileHeight = Math.min(30, Math.max(5, (double) ROOM_HIGH / panel.parameters().length));
    }

    private interface Tile {
        void draw(Svg svg, double x, double y, List<CellView> cells);
    }

    /** Which cells have come how far. */
    String byState() {
        return drawn("Cells by state, batch of " + Numbers.count(panel.batchTokens()) + " tokens", this::stateTile);
    }

    /** What the cells have come to; colours run over {@code low} to {@code high}, nats/token. */
    String byLoss(double low, double high) {
        return drawn(
                "Cells by loss, batch of " + Numbers.count(panel.batchTokens()) + " tokens",
                (svg, x, y, cells) -> lossTile(svg, x, y, cells, low, high));
    }

    private String drawn(String label, Tile tile) {
        int rows = panel.parameters().length;
        int columns = panel.tokens().length;
        double width = LEFT + Math.max(columns * tileWidth, 130) + 4;
        double height = TOP + rows * tileHeight + BOTTOM;
        Svg svg = new Svg(width, height, label);
        int everyRow = (int) Math.ceil(13 / tileHeight);
        for (int row = 0; row < rows; row++) {
            double y = TOP + (rows - 1 - row) * tileHeight;
            if (row % everyRow == 0) {
                svg.text(
                        LEFT - 6,
                        y + tileHeight / 2 + 4,
                        "end",
                        SMALL,
                        SweepEvent.CellPlan.sizeText(panel.parameters()[row], 3));
            }
            for (int column = 0; column < columns; column++) {
                List<CellView> cells = panel.tiles().get(row).get(column);
                if (!cells.isEmpty()) {
                    svg.group(title(cells));
                    tile.draw(svg, LEFT + column * tileWidth, y, cells);
                    svg.endGroup();
                }
            }
        }
        int everyColumn = (int) Math.ceil(LABEL_WIDTH / tileWidth);
        for (int column = 0; column < columns; column += everyColumn) {
            svg.text(
                    LEFT + (column + 0.5) * tileWidth,
                    height - BOTTOM + 15,
                    "middle",
                    SMALL,
                    Numbers.count(panel.tokens()[column]));
        }
        svg.text(LEFT + columns * tileWidth / 2, height - 5, "middle", SMALL, "data size D, tokens");
        if (rows * tileHeight > 80) {
            svg.verticalText(11, TOP + rows * tileHeight / 2, SMALL, "model size N");
        } else {
            svg.text(2, TOP + rows * tileHeight / 2 + 4, "start", SMALL, "N");
        }
        return svg.end();
    }

    private double gap() {
        return tileWidth > 12 && tileHeight > 12 ? 2 : 0.5;
    }

    private void stateTile(Svg svg, double x, double y, List<CellView> cells) {
        Map<CellState, Integer> counts = new EnumMap<>(CellState.class);
        cells.forEach(cell -> counts.merge(cell.state(), 1, Integer::sum));
        double width = tileWidth - gap();
        double height = tileHeight - gap();
        double from = x;
        CellState middle = CellState.PLANNED;
        for (CellState state : URGENCY) {
            if (!counts.containsKey(state)) {
                continue;
            }
            double share = width * counts.get(state) / cells.size();
            String colour = StateStyle.of(state).colour();
            if (state == CellState.RUNNING) {
                double done = cells.stream()
                        .filter(cell -> cell.state() == CellState.RUNNING)
                        .mapToDouble(CellView::progress)
                        .average()
                        .orElse(0);
                svg.rect(from, y, share, height, "fill=\"" + colour + "\" fill-opacity=\"0.35\"");
                svg.rect(from, y, share * done, height, "fill=\"" + colour + "\"");
            } else {
                svg.rect(from, y, share, height, "fill=\"" + colour + "\"");
            }
            if (from <= x + width / 2) {
                middle = state;
            }
            from += share;
        }
        if (tileWidth >= 16 && tileHeight >= 13) {
            CellState shown =
                    URGENCY.stream().filter(counts::containsKey).findFirst().orElseThrow();
            int same = counts.get(shown);
            String sign = StateStyle.of(shown).sign();
            String text = same == cells.size() && cells.size() == 1
                    ? sign
                    : tileWidth >= 40 ? sign + " " + same + "/" + cells.size() : sign;
            svg.text(
                    x + width / 2,
                    y + height / 2 + 4,
                    "middle",
                    "font-size=\"12\" pointer-events=\"none\" fill=\""
                            + StateStyle.of(middle).ink() + "\"",
                    text);
        }
    }

    private void lossTile(Svg svg, double x, double y, List<CellView> cells, double low, double high) {
        double width = tileWidth - gap();
        double height = tileHeight - gap();
        double loss = cells.stream()
                .mapToDouble(CellView::loss)
                .filter(Double::isFinite)
                .min()
                .orElse(Double.NaN);
        if (Double.isNaN(loss)) {
            boolean diverged = cells.stream().anyMatch(cell -> cell.state() == CellState.DIVERGED);
            svg.rect(x, y, width, height, "fill=\"#f1f3f5\" stroke=\"#d9dee5\"");
            if (diverged && tileWidth >= 12 && tileHeight >= 13) {
                svg.text(x + width / 2, y + height / 2 + 4, "middle", SMALL + " pointer-events=\"none\"", "∞");
            }
            return;
        }
        // Dark is low: what a sweep looks for stands out.
        double place = high > low ? (loss - low) / (high - low) : 0;
        svg.rect(x, y, width, height, "fill=\"" + Palette.viridis(place) + "\"");
        if (tileWidth >= 32 && tileHeight >= 13) {
            svg.text(
                    x + width / 2,
                    y + height / 2 + 4,
                    "middle",
                    "font-size=\"11.5\" pointer-events=\"none\" fill=\"" + Palette.inkOn(place) + "\"",
                    Numbers.fixed(loss, loss >= 10 ? 1 : tileWidth >= 38 ? 3 : 2));
        }
    }

    /** A few of the tile's cells in words: the fewer, the more tiles there are. */
    private String title(List<CellView> cells) {
        StringBuilder text = new StringBuilder();
        int few = panel.parameters().length * panel.tokens().length > MANY_TILES ? 1 : 4;
        cells.stream().limit(few).forEach(cell -> {
            text.append(text.length() == 0 ? "" : "\n")
                    .append(cell.plan().name())
                    .append(": ")
                    .append(StateStyle.of(cell.state()).name());
            if (cell.state() == CellState.RUNNING) {
                text.append(String.format(Locale.ROOT, " %.0f %%", 100 * cell.progress()));
            }
            if (Double.isFinite(cell.newestLoss())) {
                text.append(", loss ").append(Numbers.fixed(cell.newestLoss(), 3));
            }
        });
        if (cells.size() > few) {
            text.append("\nand ").append(cells.size() - few).append(" more");
        }
        return text.toString();
    }
}
