package dev.powersweep.orchestrator.fits;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.powersweep.fitting.runs.Column;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads anybody's runs: a CSV file with a header, separated by commas, semicolons or tabs, UTF-8. */
public final class RunsCsv {
    private static final Set<Column> ESSENTIAL = EnumSet.of(Column.N, Column.D, Column.LOSS);

    private RunsCsv() {}

    /**
     * Reads a file.
     *
     * @param choice headers that the user named; the others are found by {@link Column}'s usual names
     * @param where rows to keep: header and the value its cell must have
     * @throws UserError naming file, row, column and value where the file cannot be used
     */
    public static RunTable read(Path file, ColumnChoice choice, Map<String, String> where) {
        return parse(file.toString(), text(file), choice, where);
    }

    static RunTable parse(String file, String text, ColumnChoice choice, Map<String, String> where) {
        String body = text.startsWith("\uFEFF") ? text.substring(1) : text;
        List<CsvRecord> records = new ArrayList<>();
        try (CsvReader<CsvRecord> reader = CsvReader.builder()
                .fieldSeparator(separator(body))
                .allowExtraFields(true)
                .allowMissingFields(true)
                .ofCsvRecord(new StringReader(body))) {
            reader.forEach(records::add);
        } catch (CsvParseException broken) {
            throw new UserError(file + ": not a CSV file: " + sentence(broken) + "; mend the quoting", broken);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        if (records.isEmpty()) {
            throw new UserError(file + ": the file is empty; it needs a header line and a row per run");
        }
        List<String> header =
                records.get(0).getFields().stream().map(String::strip).toList();
        List<CsvRecord> rows = kept(file, header, records.subList(1, records.size()), where);
        return table(file, header, choice, rows);
    }

    /**
     * A column that the user named, and N, D and the loss, must hold numbers; another that merely bears a usual name
     * may hold something else, which matters only to a law that needs it.
     */
    private static RunTable table(String file, List<String> header, ColumnChoice choice, List<CsvRecord> rows) {
        Map<Column, double[]> numbers = new EnumMap<>(Column.class);
        Map<Column, String> headers = new EnumMap<>(Column.class);
        Map<Column, UserError> unreadable = new EnumMap<>(Column.class);
        choice.numbers(header, file).forEach((column, place) -> {
            try {
                numbers.put(column, numbers(file, header, rows, column, place));
                headers.put(column, place.text(header));
            } catch (UserError notNumbers) {
                if (choice.sources().containsKey(column) || ESSENTIAL.contains(column)) {
                    throw notNumbers;
                }
                unreadable.put(column, notNumbers);
            }
        });
        Optional<List<String>> runs = choice.runs(header, file).map(place -> rows.stream()
                .map(row -> cell(file, header, row, place.index()).strip())
                .toList());
        return new RunTable(file, header, rows.size(), numbers, headers, unreadable, runs);
    }

    private static double[] numbers(
            String file, List<String> header, List<CsvRecord> rows, Column column, ColumnChoice.Place place) {
        double[] numbers = new double[rows.size()];
        for (int i = 0; i < numbers.length; i++) {
            double value = number(file, header, rows.get(i), column, place.index()) * place.factor();
            numbers[i] = place.times().isPresent()
                    ? value
                            * number(
                                    file,
                                    header,
                                    rows.get(i),
                                    column,
                                    place.times().getAsInt())
                    : value;
        }
        return numbers;
    }

    private static List<CsvRecord> kept(
            String file, List<String> header, List<CsvRecord> rows, Map<String, String> where) {
        if (rows.isEmpty()) {
            throw new UserError(file + ": the file has a header but no rows; a row per run is needed");
        }
        Map<Integer, String> wanted = new LinkedHashMap<>();
        where.forEach((name, value) -> {
            int index = header.indexOf(name);
            if (index < 0) {
                throw new UserError(file + ": --where names the column '" + name + "'; the header has "
                        + String.join(", ", header));
            }
            wanted.put(index, value);
        });
        List<CsvRecord> kept = rows.stream()
                .filter(row -> wanted.entrySet().stream()
                        .allMatch(entry -> row.getFieldCount() > entry.getKey()
                                && row.getField(entry.getKey()).strip().equals(entry.getValue())))
                .toList();
        if (kept.isEmpty()) {
            throw new UserError(file + ": none of the " + rows.size() + " rows has " + where
                    + "; check the values given to --where");
        }
        return kept;
    }

    private static double number(String file, List<String> header, CsvRecord row, Column column, int index) {
        String value = cell(file, header, row, index).strip();
        double number;
        try {
            number = Double.parseDouble(value);
        } catch (NumberFormatException notANumber) {
            number = Double.NaN;
        }
        if (!Double.isFinite(number)) {
            throw new UserError(at(file, row) + "column '" + header.get(index) + "' (" + column.unit() + ") holds "
                    + (value.isEmpty() ? "nothing" : "'" + value + "'")
                    + " instead of a finite number; mend the value, leave the row out, or name another column with"
                    + " --columns " + column.label() + "=…");
        }
        return number;
    }

    private static String cell(String file, List<String> header, CsvRecord row, int index) {
        if (index >= row.getFieldCount()) {
            throw new UserError(at(file, row) + "the row has " + row.getFieldCount() + " of the header's "
                    + header.size() + " cells, '" + header.get(index) + "' is missing; mend the row or leave it out");
        }
        return row.getField(index);
    }

    private static String at(String file, CsvRecord row) {
        return file + ", line " + row.getStartingLineNumber() + ": ";
    }

    private static char separator(String text) {
        int end = text.indexOf('\n');
        String first = end < 0 ? text : text.substring(0, end);
        char best = ',';
        for (char candidate : new char[] {';', '\t'}) {
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

    private static String text(Path file) {
        try {
            if (Files.isDirectory(file)) {
                throw new UserError(
                        file + ": this is a directory, --runs needs a CSV file; to fit a sweep's own results"
                                + " give the directory without --runs");
            }
            byte[] bytes = Files.readAllBytes(file);
            if (bytes.length >= 4 && Arrays.equals(bytes, 0, 4, "PAR1".getBytes(StandardCharsets.US_ASCII), 0, 4)) {
                throw new UserError(file + ": this is a Parquet file, --runs needs a CSV file");
            }
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException notText) {
            throw new UserError(file + ": the file is not UTF-8 text; save it as UTF-8", notText);
        } catch (NoSuchFileException missing) {
            throw new UserError(file + ": there is no such file; check the path given to --runs", missing);
        } catch (IOException unreadable) {
            throw new UserError(file + ": cannot be read (" + unreadable.getMessage() + ")", unreadable);
        }
    }
}
