package dev.powersweep.fitting.testdata;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** A small CSV file of the test resources, without quotes; a missing file fails the test. */
public record CsvResource(List<String> header, List<List<String>> rows) {

    /** Reads a file by its path under the test resources. */
    public static CsvResource read(String path) {
        try (InputStream stream = CsvResource.class.getResourceAsStream("/" + path)) {
            if (stream == null) {
                throw new IllegalStateException("test resource " + path + " is missing");
            }
            List<List<String>> lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))
                    .lines()
                    .map(line -> Arrays.asList(line.split(",", -1)))
                    .toList();
            return new CsvResource(lines.get(0), lines.subList(1, lines.size()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The rows whose column has a value. */
    public CsvResource where(String column, Predicate<String> keep) {
        int index = index(column);
        return new CsvResource(
                header, rows.stream().filter(row -> keep.test(row.get(index))).toList());
    }

    /** A column of numbers. */
    public double[] numbers(String column) {
        int index = index(column);
        return rows.stream()
                .mapToDouble(row -> Double.parseDouble(row.get(index)))
                .toArray();
    }

    /** The different texts of a column, in order of appearance. */
    public Set<String> distinct(String column) {
        int index = index(column);
        Set<String> values = new LinkedHashSet<>();
        rows.forEach(row -> values.add(row.get(index)));
        return values;
    }

    /** One text. */
    public String text(int row, String column) {
        return rows.get(row).get(index(column));
    }

    private int index(String column) {
        int index = header.indexOf(column);
        if (index < 0) {
            throw new IllegalStateException("no column " + column + " in " + header);
        }
        return index;
    }
}
