package dev.powersweep.orchestrator.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.text.Shown;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;

/** How rows of an answer are printed. */
enum RowFormat {
    /** Columns in line, numbers to the right; absent values are empty. */
    TABLE {
        @Override
        void print(List<String> columns, List<Row> rows, PrintWriter out) {
            List<List<String>> cells = new ArrayList<>();
            cells.add(columns.stream().map(Shown::line).toList());
            rows.forEach(row -> cells.add(texts(row).stream().map(Shown::line).toList()));
            int[] widths = new int[columns.size()];
            cells.forEach(line -> {
                for (int i = 0; i < widths.length; i++) {
                    widths[i] = Math.max(widths[i], line.get(i).length());
                }
            });
            for (List<String> line : cells) {
                StringBuilder text = new StringBuilder();
                for (int i = 0; i < widths.length; i++) {
                    String padding = " ".repeat(widths[i] - line.get(i).length());
                    boolean right = !rows.isEmpty() && rows.get(0).get(i) instanceof Number;
                    text.append(i == 0 ? "" : "  ").append(right ? padding + line.get(i) : line.get(i) + padding);
                }
                out.println(text.toString().stripTrailing());
            }
        }
    },
    /** RFC 4180 with a header and line feeds alone. */
    CSV {
        @Override
        void print(List<String> columns, List<Row> rows, PrintWriter out) {
            CsvWriter csv = CsvWriter.builder().lineDelimiter(LineDelimiter.LF).build(out);
            csv.writeRecord(columns);
            rows.forEach(row -> csv.writeRecord(texts(row)));
            try {
                csv.flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    },
    /** An array with one object a row. */
    JSON {
        @Override
        void print(List<String> columns, List<Row> rows, PrintWriter out) {
            ArrayNode array = LedgerJson.mapper().createArrayNode();
            for (Row row : rows) {
                ObjectNode object = array.addObject();
                for (int i = 0; i < columns.size(); i++) {
                    object.set(
                            columns.get(i),
                            LedgerJson.mapper().valueToTree(row.isNullAt(i) ? null : plain(row.get(i))));
                }
            }
            out.println(Shown.json(LedgerJson.line(array)));
        }
    };

    abstract void print(List<String> columns, List<Row> rows, PrintWriter out);

    private static List<String> texts(Row row) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < row.size(); i++) {
            texts.add(row.isNullAt(i) ? "" : String.valueOf(row.get(i)));
        }
        return texts;
    }

    private static Object plain(Object value) {
        return value instanceof Number || value instanceof Boolean ? value : value.toString();
    }
}
