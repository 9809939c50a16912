package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What becomes of rows that repeat each other in every column that is fitted. */
public enum Duplicates {
    /** They are refused: the same run may have been counted twice. */
    REFUSE,
    /** Of rows that are equal in everything, the loss too, the first is kept. */
    DROP,
    /** Rows that are equal in everything but the loss become one, of their mean loss. */
    MEAN;

    /** The name scripts use. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * @throws UserError naming the choices there are
     */
    public static Duplicates byName(String name) {
        return Arrays.stream(values())
                .filter(known -> known.label().equals(name.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new UserError("--duplicates " + name + ": choose one of "
                        + Arrays.stream(values()).map(Duplicates::label).collect(Collectors.joining(", "))));
    }

    /**
     * The table without them.
     *
     * @param places of the columns that are fitted
     * @param runs columns that may name the run of a row
     * @param remarks told what was done
     */
    RawTable settled(
            RawTable table,
            Map<Quantity, ColumnChoice.Place> places,
            Set<Integer> runs,
            WrittenNumber style,
            List<String> remarks) {
        if (this == REFUSE || !places.containsKey(Quantity.LOSS)) {
            return table;
        }
        Set<Integer> compared = new TreeSet<>();
        places.forEach((quantity, place) -> {
            if (this == DROP || quantity != Quantity.LOSS) {
                compared.add(place.index());
                place.times().ifPresent(compared::add);
            }
        });
        if (this == DROP || places.containsKey(Quantity.STEP)) {
            compared.addAll(runs);
        }
        Map<List<Object>, List<RawRow>> groups = new LinkedHashMap<>();
        for (RawRow row : table.rows()) {
            List<Object> key = new ArrayList<>();
            for (int column : compared) {
                key.add(value(row.textAt(column), style));
            }
            groups.computeIfAbsent(key, all -> new ArrayList<>()).add(row);
        }
        if (groups.size() == table.rows().size()) {
            return table;
        }
        int gone = table.rows().size() - groups.size();
        remarks.add(
                this == DROP
                        ? gone + " rows repeat another one in every column and are left out (--duplicates drop)."
                        : table.rows().size() + " rows became " + groups.size()
                                + ": those that differ in nothing but the loss count once, with its mean (--duplicates mean).");
        return table.with(groups.values().stream()
                .map(rows -> this == DROP || rows.size() == 1 || rows.stream().allMatch(RawRow::diverged)
                        ? rows.get(0)
                        : mean(table, rows, places.get(Quantity.LOSS), style))
                .toList());
    }

    private static Object value(String text, WrittenNumber style) {
        double number = style.read(text, Quantity.LOSS);
        return Double.isFinite(number) ? (Object) number : text;
    }

    private static RawRow mean(RawTable table, Collection<RawRow> rows, ColumnChoice.Place place, WrittenNumber style) {
        int loss = place.index();
        RawRow first = rows.iterator().next();
        double sum = 0;
        for (RawRow row : rows) {
            double value = style.read(row.textAt(loss), Quantity.LOSS);
            if (!Double.isFinite(value)) {
                throw new UserError(table.at(row) + "column '" + table.header().get(loss) + "' holds '"
                        + row.textAt(loss) + "' instead of a finite number, and --duplicates mean needs one; mend the"
                        + " value or leave the row out");
            }
            sum += place.logarithm() ? Math.log(value) : value;
        }
        List<String> cells = new ArrayList<>(first.cells());
        double middle = sum / rows.size();
        // The mean loss, in the cell's own terms: of perplexities their geometric mean.
        String mean = Double.toString(place.logarithm() ? Math.exp(middle) : middle);
        cells.set(loss, style == WrittenNumber.COMMA ? mean.replace('.', ',') : mean);
        return new RawRow(first.place(), cells);
    }
}
