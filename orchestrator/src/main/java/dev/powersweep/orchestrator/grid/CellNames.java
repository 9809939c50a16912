package dev.powersweep.orchestrator.grid;

import dev.powersweep.worker.cell.Cell;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Readable names, unique within a sweep. */
final class CellNames {
    private static final String[] SUFFIXES = {"", "k", "M", "G", "T", "P", "E"};

    private CellNames() {}

    /**
     * In the cells' order; the shape, then the id, is added only where names would meet.
     *
     * @param labels what a name tells beside the counts, by the cell's id
     */
    static List<GridCell> name(List<Cell> cells, Map<String, String> labels) {
        Function<Cell, String> counts = cell -> counts(cell, labels.getOrDefault(cell.id(), ""));
        List<Function<Cell, String>> forms = List.of(
                counts,
                cell -> counts.apply(cell) + "-l" + cell.model().layers() + "w"
                        + cell.model().width(),
                cell -> counts.apply(cell) + "-" + cell.id());
        Map<Cell, String> names = new HashMap<>();
        List<Cell> open = cells;
        for (Function<Cell, String> form : forms) {
            Map<String, Integer> uses = new HashMap<>();
            open.forEach(cell -> uses.merge(form.apply(cell), 1, Integer::sum));
            Set<String> taken = new HashSet<>(names.values());
            List<Cell> clashing = new ArrayList<>();
            for (Cell cell : open) {
                String name = form.apply(cell);
                if (uses.get(name) == 1 && !taken.contains(name)) {
                    names.put(cell, name);
                } else {
                    clashing.add(cell);
                }
            }
            open = clashing;
        }
        return cells.stream().map(cell -> new GridCell(names.get(cell), cell)).toList();
    }

    private static String counts(Cell cell, String label) {
        String repeated = cell.data().uniqueTokens() < cell.tokens()
                ? "-u" + shortened(cell.data().uniqueTokens())
                : "";
        return "n" + shortened(cell.model().nonEmbeddingParameters()) + "-d" + shortened(cell.tokens()) + "-b"
                + cell.batchTokens() + repeated + label + "-s" + cell.seed();
    }

    /** Three significant digits: 24.6k, 1.2M. */
    static String shortened(long count) {
        BigDecimal rounded = BigDecimal.valueOf(count).round(new MathContext(3));
        int thousands = Math.min(SUFFIXES.length - 1, (rounded.precision() - rounded.scale() - 1) / 3);
        return rounded.scaleByPowerOfTen(-3 * thousands).stripTrailingZeros().toPlainString() + SUFFIXES[thousands];
    }

    /** Three significant digits, without trailing zeros or exponent. */
    static String significant(double value) {
        return BigDecimal.valueOf(value)
                .round(new MathContext(3))
                .stripTrailingZeros()
                .toPlainString();
    }

    /** Without trailing zeros or exponent. */
    static String plain(double value) {
        return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
    }
}
