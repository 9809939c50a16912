package dev.powersweep.orchestrator.runtable;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Headers of several lines, as pandas writes a MultiIndex and people write units: each column's words from above to below
 * become one path, as in {@code val_loss/mean}.
 */
final class HeaderRows {
    private static final int MOST = 4;
    private static final Pattern NAMELESS = Pattern.compile("Unnamed: \\d+(_level_\\d+)?");
    private static final Pattern UNIT = Pattern.compile("[(\\[].*[)\\]]");
    private static final String DIGITS = "0123456789";

    private HeaderRows() {}

    /** The table of rows whose first, and whichever words alone follow it, are the header. */
    static RawTable join(String file, List<RawRow> rows, boolean decimalCommas) {
        int lines = lines(rows);
        List<String> header = new ArrayList<>();
        int width = rows.stream()
                .limit(lines)
                .mapToInt(row -> row.cells().size())
                .max()
                .orElse(0);
        String above = "";
        for (int column = 0; column < width; column++) {
            String top = name(rows.get(0).textAt(column));
            boolean below = false;
            for (int line = 1; line < lines; line++) {
                below |= !name(rows.get(line).textAt(column)).isEmpty();
            }
            // Spreadsheets write the name over merged cells once.
            boolean continued = lines > 1 && top.isEmpty() && below && !above.isEmpty();
            StringBuilder joined = new StringBuilder(continued ? above : top);
            for (int line = 1; line < lines; line++) {
                String word = name(rows.get(line).textAt(column));
                if (!word.isEmpty() && !word.contentEquals(joined)) {
                    boolean unit = UNIT.matcher(word).matches();
                    joined.append(joined.isEmpty() ? "" : unit ? " " : "/").append(word);
                }
            }
            above = lines > 1 && below ? (continued ? above : top) : "";
            header.add(joined.toString());
        }
        List<String> remarks = lines == 1
                ? List.of()
                : List.of("The header has " + lines + " lines, read as " + String.join(", ", header) + ".");
        return new RawTable(file, header, rows.subList(lines, rows.size()), RawTable.LINE, decimalCommas, remarks);
    }

    /**
     * How many lines the header has: further ones hold words alone, and at least one blank, doubled or nameless cell shows
     * that the first line does not say it all.
     */
    private static int lines(List<RawRow> rows) {
        List<String> first = rows.get(0).cells().stream().map(String::strip).toList();
        boolean whole = first.stream().distinct().count() == first.size()
                && first.stream().noneMatch(cell -> name(cell).isEmpty());
        int lines = 1;
        while (lines < Math.min(MOST, rows.size() - 1)
                && words(rows.get(lines))
                && (!whole || units(rows.get(lines)))) {
            lines++;
        }
        return lines;
    }

    private static boolean words(RawRow row) {
        return row.cells().stream().map(String::strip).noneMatch(HeaderRows::beginsAsNumber);
    }

    private static boolean beginsAsNumber(String cell) {
        String digits = cell.startsWith("-") || cell.startsWith("+") || cell.startsWith(".") ? cell.substring(1) : cell;
        return cell.equalsIgnoreCase("nan") || !digits.isEmpty() && DIGITS.indexOf(digits.charAt(0)) >= 0;
    }

    /** A line of units in brackets below names. */
    private static boolean units(RawRow row) {
        return row.cells().stream()
                .map(String::strip)
                .allMatch(cell -> cell.isEmpty() || UNIT.matcher(cell).matches());
    }

    private static String name(String cell) {
        String text = cell.strip();
        return NAMELESS.matcher(text).matches() ? "" : text;
    }
}
