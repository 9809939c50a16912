package dev.powersweep.orchestrator.fits;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
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
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/**
 * Reads anybody's runs: a CSV file with a header, separated by commas, semicolons, tabs or bars, UTF-8, perhaps compressed by
 * gzip, perhaps with lines of comment that begin with #.
 */
public final class RunsCsv {
    private static final Set<Quantity> ESSENTIAL = EnumSet.of(Quantity.N, Quantity.D, Quantity.LOSS);

    private RunsCsv() {}

    /**
     * Reads a file.
     *
     * @param choice headers that the user named; the others are found by {@link Quantity}'s usual names
     * @param where rows to keep: header and the value its cell must have
     * @throws UserError naming file, row, column and value where the file cannot be used
     */
    public static RunTable read(Path file, ColumnChoice choice, Map<String, String> where) {
        return parse(file.toString(), text(file), choice, where);
    }

    static RunTable parse(String file, String text, ColumnChoice choice, Map<String, String> where) {
        String body = withoutComments(text.startsWith("\uFEFF") ? text.substring(1) : text);
        char separator = separator(body);
        List<CsvRecord> records = new ArrayList<>();
        try (CsvReader<CsvRecord> reader = CsvReader.builder()
                .fieldSeparator(separator)
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
        // Spreadsheets leave rows of separators behind the last run.
        List<CsvRecord> filled = records.subList(1, records.size()).stream()
                .filter(row -> row.getFields().stream().anyMatch(field -> !field.isBlank()))
                .toList();
        List<CsvRecord> rows = kept(file, header, filled, where);
        WrittenNumber style = WrittenNumber.of(separator, rows.stream().flatMap(row -> row.getFields().stream()));
        return table(file, header, choice, rows, style);
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

    /**
     * A column that the user named, and N, D and the loss, must hold numbers; another that merely bears a usual name
     * may hold something else, which matters only to a law that needs it.
     */
    private static RunTable table(
            String file, List<String> header, ColumnChoice choice, List<CsvRecord> all, WrittenNumber style) {
        Map<Quantity, ColumnChoice.Place> places = choice.numbers(header, file);
        List<String> remarks = new ArrayList<>();
        List<CsvRecord> rows = measured(places, all);
        if (rows.size() < all.size()) {
            remarks.add((all.size() - rows.size()) + " rows along the runs hold no loss and are left out.");
        }
        Map<Quantity, double[]> numbers = new EnumMap<>(Quantity.class);
        Map<Quantity, String> headers = new EnumMap<>(Quantity.class);
        Map<Quantity, UserError> unreadable = new EnumMap<>(Quantity.class);
        places.forEach((column, place) -> {
            try {
                numbers.put(column, numbers(file, header, rows, column, place, style));
                headers.put(column, place.text(header));
            } catch (UserError notNumbers) {
                if (choice.sources().containsKey(column) || ESSENTIAL.contains(column)) {
                    throw notNumbers;
                }
                unreadable.put(column, notNumbers);
            }
        });
        Optional<ColumnChoice.Place> runColumn = choice.runs(header, file);
        Optional<List<String>> runs = runColumn.map(place -> rows.stream()
                .map(row -> cell(file, header, row, place.index()).strip())
                .toList());
        if (runs.isPresent()) {
            String name = header.get(runColumn.get().index());
            if (!choice.surelyRuns(name) && !oneSizeEach(runs.get(), numbers.get(Quantity.N))) {
                remarks.add("Every row is a run of its own: rows of one '" + name
                        + "' have different n. Name the column that tells runs apart with --columns run=….");
                runs = Optional.empty();
            }
        }
        Set<Integer> read = new HashSet<>();
        places.values().forEach(place -> {
            read.add(place.index());
            place.times().ifPresent(read::add);
        });
        runColumn.ifPresent(place -> read.add(place.index()));
        return new RunTable(
                file,
                header,
                rows.size(),
                numbers,
                headers,
                unreadable,
                kinds(header, rows, read, numbers.getOrDefault(Quantity.N, new double[0])),
                runs,
                remarks);
    }

    /**
     * The rows that measured a loss. Along training curves others are usual: exports of run trackers have a line whenever
     * anything was logged. Elsewhere a row without a loss is a mistake, which is told when its number is read.
     */
    private static List<CsvRecord> measured(Map<Quantity, ColumnChoice.Place> places, List<CsvRecord> rows) {
        if (!places.containsKey(Quantity.STEP) || !places.containsKey(Quantity.LOSS)) {
            return rows;
        }
        int loss = places.get(Quantity.LOSS).index();
        List<CsvRecord> measured = rows.stream()
                .filter(row -> loss < row.getFieldCount() && !row.getField(loss).isBlank())
                .toList();
        return measured.isEmpty() ? rows : measured;
    }

    /** Whether rows of one run have one model size, as those of one training run do. */
    private static boolean oneSizeEach(List<String> runs, double[] sizes) {
        Map<String, Double> first = new HashMap<>();
        for (int i = 0; sizes != null && i < sizes.length; i++) {
            Double before = first.putIfAbsent(runs.get(i), sizes[i]);
            if (before != null && before != sizes[i]) {
                return false;
            }
        }
        return true;
    }

    /**
     * Columns of words that part the rows into a few kinds. A column with a word of its own for every model size names the
     * sizes and is none.
     */
    private static Map<String, String> kinds(
            List<String> header, List<CsvRecord> rows, Set<Integer> read, double[] sizes) {
        Map<String, String> kinds = new LinkedHashMap<>();
        for (int column = 0; column < header.size(); column++) {
            int index = column;
            List<String> words = rows.stream()
                    .map(row ->
                            index < row.getFieldCount() ? row.getField(index).strip() : "")
                    .toList();
            Set<String> different = new HashSet<>(words);
            boolean few = different.size() > 1 && different.size() <= rows.size() / 3;
            if (read.contains(index) || !few || different.stream().anyMatch(RunsCsv::isNumber)) {
                continue;
            }
            Set<List<Object>> pairs = new HashSet<>();
            Set<Double> sizesSeen = new HashSet<>();
            for (int i = 0; i < sizes.length; i++) {
                pairs.add(List.of(words.get(i), sizes[i]));
                sizesSeen.add(sizes[i]);
            }
            boolean namesSizes = pairs.size() == sizesSeen.size() && pairs.size() == different.size();
            if (!namesSizes) {
                kinds.put(header.get(index), words.get(0));
            }
        }
        return kinds;
    }

    private static boolean isNumber(String text) {
        try {
            Double.parseDouble(text);
            return true;
        } catch (NumberFormatException word) {
            return text.isEmpty();
        }
    }

    private static double[] numbers(
            String file,
            List<String> header,
            List<CsvRecord> rows,
            Quantity column,
            ColumnChoice.Place place,
            WrittenNumber style) {
        double[] numbers = new double[rows.size()];
        for (int i = 0; i < numbers.length; i++) {
            CsvRecord row = rows.get(i);
            double value = number(file, header, row, column, place.index(), style) * place.factor();
            if (place.times().isPresent()) {
                value *= number(file, header, row, column, place.times().getAsInt(), style);
            }
            numbers[i] = value;
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

    private static double number(
            String file, List<String> header, CsvRecord row, Quantity column, int index, WrittenNumber style) {
        String value = cell(file, header, row, index).strip();
        double number = style.read(value, column);
        if (!Double.isFinite(number)) {
            throw new UserError(at(file, row) + "column '" + header.get(index) + "' (" + column.unit() + ") holds "
                    + (value.isEmpty() ? "nothing" : "'" + value + "'")
                    + " instead of a finite number"
                    + WrittenNumber.doubt(value)
                    + "; mend the value, leave the row out, or name another column with"
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

    /** What gzip compressed, which is told by its first two bytes; anything else as it is. */
    private static byte[] unpacked(byte[] bytes) throws IOException {
        if (bytes.length < 2 || bytes[0] != (byte) 0x1f || bytes[1] != (byte) 0x8b) {
            return bytes;
        }
        try (InputStream packed = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            return packed.readAllBytes();
        }
    }

    private static String text(Path file) {
        try {
            if (Files.isDirectory(file)) {
                throw new UserError(
                        file + ": this is a directory, --runs needs a CSV file; to fit a sweep's own results"
                                + " give the directory without --runs");
            }
            byte[] bytes = unpacked(Files.readAllBytes(file));
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
