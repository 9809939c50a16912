package dev.powersweep.orchestrator.tables;

import java.util.List;
import java.util.Optional;

/**
 * Rows that answer a question.
 *
 * @param columns names in order
 * @param rows a value for each column; empty where SQL says null. Numbers, booleans, text, and instants for timestamps
 */
public record Answer(List<String> columns, List<List<Optional<Object>>> rows) {
    public Answer {
        columns = List.copyOf(columns);
        rows = List.copyOf(rows);
    }
}
