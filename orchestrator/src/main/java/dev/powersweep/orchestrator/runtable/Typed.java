package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import java.util.regex.Pattern;

/** Options as a user would type them: in quotes where a shell would read them otherwise. */
final class Typed {
    private static final Pattern PLAIN_WORD = Pattern.compile("[\\w./*=:+%@-]+");
    private static final String COLUMNS = "--columns ";

    private Typed() {}

    /** {@code --columns} for a quantity. */
    static String columns(Quantity column, String text) {
        return COLUMNS + assignment(column, text);
    }

    /** {@code --columns} for what tells runs apart. */
    static String runs(String header) {
        return COLUMNS + word("run=" + header);
    }

    /** {@code --where} for rows of one kind. */
    static String where(String header, String value) {
        return "--where " + word(header + "=" + value);
    }

    /** What stands behind {@code --columns}. */
    static String assignment(Quantity column, String text) {
        return word(column.label() + "=" + text);
    }

    static String word(String text) {
        return PLAIN_WORD.matcher(text).matches() ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}
