package dev.powersweep.orchestrator.grid;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Model;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ProgramModel;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

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
                counts, cell -> counts.apply(cell) + shape(cell.model()), cell -> counts.apply(cell) + "-" + cell.id());
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
        OptionalLong n = cell.model().counts().nonEmbedding();
        return (n.isPresent() ? "n" + shortened(n.getAsLong()) : arguments(cell.model())) + "-d"
                + shortened(cell.tokens()) + "-b" + cell.batchTokens() + repeated + label + "-s" + cell.seed();
    }

    private static String shape(Model model) {
        return model instanceof ModelShape shape ? "-l" + shape.layers() + "w" + shape.width() : "-" + arguments(model);
    }

    /** {@code depth6-heads4}: what tells a program which of its models is meant. */
    private static String arguments(Model model) {
        return model instanceof ProgramModel ofProgram
                ? ofProgram.arguments().entrySet().stream()
                        .map(argument -> argument.getKey() + plainWord(argument.getValue()))
                        .collect(Collectors.joining("-"))
                : "";
    }

    /** What of a value may stand in a name. */
    static String plainWord(String text) {
        return text.replaceAll("[^A-Za-z0-9.]+", "");
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
