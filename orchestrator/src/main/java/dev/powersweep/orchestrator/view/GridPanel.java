package dev.powersweep.orchestrator.view;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToLongFunction;

/**
 * The cells of one batch size over model size and data size. Cells that differ otherwise (seed, learning rate, unique
 * tokens) share a tile, and so do neighbours where there are more sizes than a page can show.
 *
 * @param parameters the smallest N of each row
 * @param tokens the smallest D of each column
 * @param tiles row by row
 */
record GridPanel(long batchTokens, long[] parameters, long[] tokens, List<List<List<CellView>>> tiles) {
    /** Rows, and columns, at most. */
    static final int MOST = 48;
    /** Data sizes are rounded to whole batches; sizes this close are one size. */
    private static final double NEAR = 1.02;

    /** One panel a batch size, smallest first. */
    static List<GridPanel> of(List<CellView> cells) {
        TreeMap<Long, List<CellView>> byBatch = new TreeMap<>();
        cells.forEach(cell -> byBatch.computeIfAbsent(cell.plan().batchTokens(), batch -> new ArrayList<>())
                .add(cell));
        List<GridPanel> panels = new ArrayList<>();
        byBatch.forEach((batch, of) -> panels.add(of(batch, of)));
        return panels;
    }

    private static GridPanel of(long batchTokens, List<CellView> cells) {
        long[] parameters = sizes(cells, cell -> cell.plan().parameters());
        long[] tokens = sizes(cells, cell -> cell.plan().tokens());
        List<List<List<CellView>>> tiles = new ArrayList<>();
        for (int row = 0; row < parameters.length; row++) {
            List<List<CellView>> line = new ArrayList<>();
            for (int column = 0; column < tokens.length; column++) {
                line.add(new ArrayList<>());
            }
            tiles.add(line);
        }
        for (CellView cell : cells) {
            tiles.get(place(parameters, cell.plan().parameters()))
                    .get(place(tokens, cell.plan().tokens()))
                    .add(cell);
        }
        return new GridPanel(batchTokens, parameters, tokens, tiles);
    }

    /** Where each row, or column, begins. */
    private static long[] sizes(List<CellView> cells, ToLongFunction<CellView> size) {
        TreeSet<Long> distinct = new TreeSet<>();
        cells.forEach(cell -> distinct.add(size.applyAsLong(cell)));
        List<Long> begins = new ArrayList<>();
        for (long value : distinct) {
            if (begins.isEmpty() || value > NEAR * begins.get(begins.size() - 1)) {
                begins.add(value);
            }
        }
        int joined = (begins.size() + MOST - 1) / MOST;
        long[] sizes = new long[(begins.size() + joined - 1) / joined];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = begins.get(i * joined);
        }
        return sizes;
    }

    private static int place(long[] sizes, long value) {
        int found = java.util.Arrays.binarySearch(sizes, value);
        return found >= 0 ? found : -found - 2;
    }
}
