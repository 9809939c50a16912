package dev.powersweep.orchestrator.fits;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs as columns of equal length, finite numbers throughout.
 *
 * @param source what the runs came from, for messages
 * @param numbers a column per quantity found, in this package's units
 * @param headers the header each quantity was read from
 * @param runs the run of each row; empty where the table has no such column
 */
public record RunTable(
        String source,
        int rows,
        Map<RunColumn, double[]> numbers,
        Map<RunColumn, String> headers,
        Optional<List<String>> runs) {

    public boolean has(RunColumn column) {
        return column.text() ? runs.isPresent() : numbers.containsKey(column);
    }

    public Optional<double[]> column(RunColumn column) {
        return Optional.ofNullable(numbers.get(column));
    }
}
