package dev.powersweep.orchestrator.tables;

import java.util.Locale;

/** SQL as both engines take it. */
final class SqlText {
    private SqlText() {}

    /** Without the semicolon that ends it; backticks about names as the standard's double quotes. */
    static String standard(String sql) {
        String text = sql.strip();
        while (text.endsWith(";")) {
            text = text.substring(0, text.length() - 1).strip();
        }
        StringBuilder standard = new StringBuilder(text.length());
        char within = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (within == 0 && (c == '\'' || c == '"' || c == '`')) {
                within = c;
            } else if (c == within) {
                within = 0;
            }
            standard.append(c == '`' && (within == '`' || within == 0) ? '"' : c);
        }
        return standard.toString();
    }

    /** The first word in lower case, behind brackets and comments. */
    static String firstWord(String sql) {
        String text = sql.replaceAll("(?s)/\\*.*?\\*/", " ")
                .replaceAll("--[^\\n]*", " ")
                .replaceFirst("^[\\s(]+", "");
        return text.split("[^\\p{Alpha}]", 2)[0].toLowerCase(Locale.ROOT);
    }

    /** Why a statement that is no query is refused. */
    static String onlyQueries(String sql) {
        String word = firstWord(sql);
        return "query answers one SELECT or WITH over cells, steps, evals and fits, and this begins with '" + word
                + "' or changes something; write results with --output FILE, or say --unsafe to run it nevertheless";
    }
}
