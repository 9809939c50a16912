package dev.powersweep.orchestrator.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.tables.Answer;
import dev.powersweep.orchestrator.text.Shown;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How rows of an answer are printed. What a terminal or a spreadsheet would carry out in names and messages is made
 * harmless; JSON keeps it, escaped.
 */
enum RowFormat {
    /** Columns in line, numbers to the right; absent values are empty. */
    TABLE {
        @Override
        void print(Answer answer, PrintWriter out) {
            List<List<String>> cells = cells(answer, Shown::line);
            int[] widths = new int[answer.columns().size()];
            cells.forEach(line -> {
                for (int i = 0; i < widths.length; i++) {
                    widths[i] = Math.max(widths[i], line.get(i).length());
                }
            });
            for (List<String> line : cells) {
                StringBuilder text = new StringBuilder();
                for (int i = 0; i < widths.length; i++) {
                    String padding = " ".repeat(widths[i] - line.get(i).length());
                    text.append(i == 0 ? "" : "  ")
                            .append(numeric(answer, i) ? padding + line.get(i) : line.get(i) + padding);
                }
                out.println(text.toString().stripTrailing());
            }
        }
    },
    /** RFC 4180 with a header and line feeds alone; text that a spreadsheet would take for a formula has ' before it. */
    CSV {
        @Override
        void print(Answer answer, PrintWriter out) {
            CsvWriter csv = CsvWriter.builder().lineDelimiter(LineDelimiter.LF).build(out);
            csv.writeRecord(answer.columns().stream()
                    .map(name -> guarded(Shown.line(name)))
                    .toList());
            answer.rows()
                    .forEach(row -> csv.writeRecord(row.stream()
                            .map(value -> value.filter(Number.class::isInstance).isPresent()
                                    ? text(value)
                                    : guarded(Shown.line(text(value))))
                            .toList()));
            try {
                csv.flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private String guarded(String text) {
            return !text.isEmpty() && FORMULA.indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
        }
    },
    /** An array with one object a row. */
    JSON {
        @Override
        void print(Answer answer, PrintWriter out) {
            ArrayNode array = LedgerJson.mapper().createArrayNode();
            for (List<Optional<Object>> row : answer.rows()) {
                ObjectNode object = array.addObject();
                for (int i = 0; i < answer.columns().size(); i++) {
                    object.set(
                            answer.columns().get(i),
                            LedgerJson.mapper()
                                    .valueToTree(
                                            row.get(i).map(RowFormat::plain).orElse(null)));
                }
            }
            out.println(Shown.json(LedgerJson.line(array)));
        }
    },
    /** A table for a document. */
    MARKDOWN {
        @Override
        void print(Answer answer, PrintWriter out) {
            List<List<String>> cells = cells(answer, text -> Shown.line(text).replace("|", "\\|"));
            out.println("| " + String.join(" | ", cells.get(0)) + " |");
            StringBuilder rule = new StringBuilder("|");
            for (int i = 0; i < answer.columns().size(); i++) {
                rule.append(numeric(answer, i) ? "---:|" : "---|");
            }
            out.println(rule);
            cells.stream().skip(1).forEach(line -> out.println("| " + String.join(" | ", line) + " |"));
        }
    },
    /** A file for --output; it is written by the engine, with its types. */
    PARQUET {
        @Override
        void print(Answer answer, PrintWriter out) {
            throw new IllegalStateException("Parquet is written by the engine");
        }
    };

    /** What spreadsheets take for the beginning of a formula. */
    private static final String FORMULA = "=+-@\t\r";

    abstract void print(Answer answer, PrintWriter out);

    private static List<List<String>> cells(Answer answer, java.util.function.UnaryOperator<String> shown) {
        List<List<String>> cells = new ArrayList<>();
        cells.add(answer.columns().stream().map(shown).toList());
        answer.rows()
                .forEach(row -> cells.add(
                        row.stream().map(value -> shown.apply(text(value))).toList()));
        return cells;
    }

    private static boolean numeric(Answer answer, int column) {
        return answer.rows().stream()
                .map(row -> row.get(column))
                .filter(Optional::isPresent)
                .findFirst()
                .filter(value -> value.get() instanceof Number)
                .isPresent();
    }

    private static String text(Optional<Object> value) {
        return value.map(String::valueOf).orElse("");
    }

    private static Object plain(Object value) {
        return value instanceof Number || value instanceof Boolean ? value : value.toString();
    }
}
