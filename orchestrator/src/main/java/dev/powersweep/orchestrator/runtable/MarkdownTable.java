package dev.powersweep.orchestrator.runtable;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The one table of a Markdown text: a header, a line of dashes, a row a line, bars between cells. */
final class MarkdownTable {
    private static final Pattern RULE =
            Pattern.compile("\\s*\\|?\\s*:?-+:?\\s*(\\|\\s*:?-+:?\\s*)+\\|?\\s*|\\s*\\|\\s*:?-+:?\\s*\\|\\s*");
    private static final Pattern BAR = Pattern.compile("(?<!\\\\)\\|");
    private static final Pattern EMPHASIS = Pattern.compile("^[*_`~]+|[*`~]+$|(?<=[*`~\\d])_+$");

    private MarkdownTable() {}

    /** Whether there is such a table in the text. */
    static boolean in(String text) {
        List<String> lines = text.lines().toList();
        return lines.stream().skip(1).anyMatch(line -> RULE.matcher(line).matches());
    }

    static RawTable parse(String file, String text) {
        List<String> lines = text.lines().toList();
        List<Integer> rules = new ArrayList<>();
        for (int i = 1; i < lines.size(); i++) {
            if (RULE.matcher(lines.get(i)).matches() && lines.get(i - 1).indexOf('|') >= 0) {
                rules.add(i);
            }
        }
        if (rules.size() != 1) {
            throw new UserError(file + ": the text holds " + rules.size()
                    + " tables, and which of them lists the runs cannot be known; keep one in the file");
        }
        int rule = rules.get(0);
        List<RawRow> rows = new ArrayList<>();
        for (int i = rule + 1; i < lines.size() && lines.get(i).indexOf('|') >= 0; i++) {
            rows.add(new RawRow(i + 1L, cells(lines.get(i))));
        }
        rows.removeIf(RawRow::blank);
        return RawTable.of(file, cells(lines.get(rule - 1)), rows);
    }

    private static List<String> cells(String line) {
        String inner = line.strip();
        inner = inner.startsWith("|") ? inner.substring(1) : inner;
        inner = inner.endsWith("|") && !inner.endsWith("\\|") ? inner.substring(0, inner.length() - 1) : inner;
        return BAR.splitAsStream(inner + " ")
                .map(cell -> EMPHASIS.matcher(cell.strip())
                        .replaceAll("")
                        .replace("\\", "")
                        .strip())
                .toList();
    }
}
