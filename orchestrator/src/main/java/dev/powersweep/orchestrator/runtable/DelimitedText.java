package dev.powersweep.orchestrator.runtable;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Text with a row a line: commas, semicolons, tabs or bars between cells, perhaps lines of comment that begin with #
 * first, perhaps the line {@code sep=;} by which spreadsheets are told the separator.
 */
final class DelimitedText {
    private static final Pattern SEPARATOR_LINE = Pattern.compile("\"?sep=(.)\"?\\r?\\n", Pattern.CASE_INSENSITIVE);

    private DelimitedText() {}

    static RawTable parse(String file, String text) {
        String body = text;
        Matcher said = SEPARATOR_LINE.matcher(body);
        boolean told = said.lookingAt();
        if (told) {
            body = body.substring(said.end());
        }
        body = withoutComments(body);
        long before = text.substring(0, text.length() - body.length())
                .chars()
                .filter(c -> c == '\n')
                .count();
        char separator = told ? said.group(1).charAt(0) : separator(body);
        List<RawRow> rows = new ArrayList<>();
        try (CsvReader<CsvRecord> reader = CsvReader.builder()
                .fieldSeparator(separator)
                .allowExtraFields(true)
                .allowMissingFields(true)
                .ofCsvRecord(new StringReader(body))) {
            reader.forEach(row -> rows.add(new RawRow(before + row.getStartingLineNumber(), row.getFields())));
        } catch (CsvParseException broken) {
            throw new UserError(file + ": not a CSV file: " + sentence(broken) + "; mend the quoting", broken);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        // Spreadsheets leave rows of separators behind the last run.
        rows.removeIf(RawRow::blank);
        if (rows.isEmpty()) {
            throw new UserError(file + ": the file is empty; it needs a header line and a row per run");
        }
        if (rows.get(0).cells().size() == 1) {
            NoTable.refuseOneCell(file, rows.get(0).textAt(0));
        }
        return HeaderRows.join(file, rows, separator != ',');
    }

    /** Leading lines that begin with #; one that looks like a header is the header. */
    private static String withoutComments(String text) {
        String rest = text;
        while (rest.startsWith("#")) {
            int end = rest.indexOf('\n');
            String line = end < 0 ? rest : rest.substring(0, end);
            String after = end < 0 ? "" : rest.substring(end + 1);
            if (count(line, separator(line)) > 0 && !after.startsWith("#")) {
                String next = after.lines().findFirst().orElse("");
                boolean header = count(next, separator(line)) == count(line, separator(line))
                        && next.chars().anyMatch(Character::isDigit);
                return header ? rest.substring(1).stripLeading() : after;
            }
            rest = after;
        }
        return rest;
    }

    private static char separator(String text) {
        int end = text.indexOf('\n');
        String first = end < 0 ? text : text.substring(0, end);
        char best = ',';
        for (char candidate : new char[] {';', '\t', '|'}) {
            if (count(first, candidate) > count(first, best)) {
                best = candidate;
            }
        }
        return best;
    }

    private static long count(String text, char wanted) {
        return text.chars().filter(c -> c == wanted).count();
    }

    private static String sentence(CsvParseException broken) {
        Throwable cause = broken.getCause() == null ? broken : broken.getCause();
        String message = cause.getMessage();
        return message == null ? cause.toString() : message;
    }
}
