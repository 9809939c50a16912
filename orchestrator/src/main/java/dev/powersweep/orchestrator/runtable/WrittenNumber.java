package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Numbers as people and spreadsheets write them: {@code 1.4e9}, {@code 1,400,000,000}, {@code 1_400_000}, {@code 1.4B},
 * {@code 300M tokens}, and in tables that separate by semicolons or tabs {@code 3,25}.
 *
 * <p>What may have two readings is none: {@code 1,234} alone is refused. A number with a letter behind it that Java would
 * take, as {@code 7d} or {@code 0x1p3}, is none either.
 */
enum WrittenNumber {
    /** A comma parts thousands, where it can part nothing else. */
    POINT,
    /** A comma stands before the decimals, a point parts thousands. */
    COMMA;

    private static final Pattern PLAIN = Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?");

    /** Commas that can only part thousands; with a single one, 1,234 may also be 1.234. */
    private static final Pattern THOUSANDS = Pattern.compile("\\d{1,3}(,\\d{3}){2,}(\\.\\d+)?");

    private static final Pattern ONE_COMMA = Pattern.compile("[+-]?\\d+,\\d+");
    /** A comma before decimals for certain: what follows is no group of three digits, or what stands before is no start of one. */
    private static final Pattern DECIMAL_COMMA =
            Pattern.compile("[+-]?(\\d+,(\\d{1,2}|\\d{4,})|0\\d*,\\d+|\\d{4,},\\d+)([eE][+-]?\\d+)?");

    private static final Pattern DECIMAL_POINT = Pattern.compile("[+-]?\\d*\\.\\d+([eE][+-]?\\d+)?");
    private static final Pattern GROUPED_BY_POINTS = Pattern.compile("\\d{1,3}(\\.\\d{3}){2,}(,\\d+)?");

    /** Groups of digits parted by underscores or by blanks of any width. */
    private static final Pattern GROUPS = Pattern.compile("(?<=\\d)[_ \\u00A0\\u2009\\u202F](?=\\d{3}(\\D|$))");

    private static final Pattern SUFFIXED =
            Pattern.compile("(.*[\\d.])\\s*([a-zA-Z]+)(\\s+(tokens|params|parameters|steps))?");
    private static final Map<String, Double> SUFFIXES = Map.ofEntries(
            Map.entry("k", 1e3),
            Map.entry("thousand", 1e3),
            Map.entry("m", 1e6),
            Map.entry("mn", 1e6),
            Map.entry("million", 1e6),
            Map.entry("b", 1e9),
            Map.entry("g", 1e9),
            Map.entry("bn", 1e9),
            Map.entry("billion", 1e9),
            Map.entry("t", 1e12),
            Map.entry("tn", 1e12),
            Map.entry("trillion", 1e12),
            Map.entry("tokens", 1.0),
            Map.entry("params", 1.0),
            Map.entry("parameters", 1.0),
            Map.entry("steps", 1.0));
    /** What people count in thousands, millions or billions; not batches, where 64k is as often 65,536. */
    private static final Set<Quantity> COUNTED =
            EnumSet.of(Quantity.N, Quantity.D, Quantity.U, Quantity.S, Quantity.STEP);

    /**
     * How a table writes decimals: with commas only where it separates by decimalCommas and some number allows no other
     * reading.
     */
    static WrittenNumber of(boolean decimalCommas, Stream<String> cells) {
        if (!decimalCommas) {
            return POINT;
        }
        boolean comma = false;
        for (String cell : (Iterable<String>) cells::iterator) {
            String text = cell.strip();
            if (DECIMAL_POINT.matcher(text).matches()) {
                return POINT;
            }
            comma |= DECIMAL_COMMA.matcher(text).matches();
        }
        return comma ? COMMA : POINT;
    }

    /** The number, NaN where the text is none. */
    double read(String text, Quantity column) {
        if (PLAIN.matcher(text).matches() && !(this == COMMA && text.indexOf('.') >= 0)) {
            return Double.parseDouble(text);
        }
        String digits = GROUPS.matcher(text).replaceAll("");
        double unit = 1;
        Matcher suffixed = SUFFIXED.matcher(digits);
        if (COUNTED.contains(column) && suffixed.matches()) {
            unit = SUFFIXES.getOrDefault(suffixed.group(2).toLowerCase(Locale.ROOT), Double.NaN);
            digits = suffixed.group(1);
        }
        if (this == COMMA) {
            boolean grouped = GROUPED_BY_POINTS.matcher(digits).matches();
            digits = digits.indexOf('.') >= 0 && !grouped
                    ? ""
                    : digits.replace(".", "").replace(',', '.');
        } else if (THOUSANDS.matcher(digits).matches()) {
            digits = digits.replace(",", "");
        }
        return PLAIN.matcher(digits).matches() ? Double.parseDouble(digits) * unit : Double.NaN;
    }

    /** What the unit behind a number stands for, as 1e6 in 85M; 1 where there is none. */
    static double unit(String text, Quantity column) {
        Matcher suffixed = SUFFIXED.matcher(text);
        return COUNTED.contains(column) && suffixed.matches()
                ? SUFFIXES.getOrDefault(suffixed.group(2).toLowerCase(Locale.ROOT), 1.0)
                : 1;
    }

    /** What to say of a text that is no number because it may be two; empty otherwise. */
    static String doubt(String text) {
        return ONE_COMMA.matcher(text).matches()
                ? " (a comma may part thousands or decimals: write 1234 or 1.234)"
                : "";
    }
}
