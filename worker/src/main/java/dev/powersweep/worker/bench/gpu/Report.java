package dev.powersweep.worker.bench.gpu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.worker.cell.Precision;
import java.io.PrintStream;
import java.util.Locale;

/** Rows of JSON, each printed at once: what follows may never come. */
final class Report {

    private final ObjectMapper json = new ObjectMapper();
    private final PrintStream out;

    Report(PrintStream out) {
        this.out = out;
    }

    /** Fills a row's numbers. */
    interface Measurement {
        void into(ObjectNode row) throws Exception;
    }

    /** Measures and prints; a measurement that fails prints why, and the next may go on. */
    void row(String part, String model, Precision precision, Measurement measurement) {
        ObjectNode row = json.createObjectNode()
                .put("part", part)
                .put("model", model)
                .put("precision", precision.name().toLowerCase(Locale.ROOT));
        try {
            measurement.into(row);
        } catch (Exception | AssertionError e) {
            row.put("failed", e.toString());
            e.printStackTrace();
        }
        print(row);
    }

    void print(ObjectNode row) {
        try {
            out.println(json.writeValueAsString(row));
            out.flush();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    ObjectNode object() {
        return json.createObjectNode();
    }
}
