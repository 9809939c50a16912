package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Tables of runs whose law is known, and what {@code fit --runs} answers to them. */
abstract class PlantedRuns {
    static final String TABLES = "/dev/powersweep/orchestrator/runtable/";
    static final double E = 1.69;
    static final double ALPHA = 0.34;
    static final double BETA = 0.28;
    static final double[] SIZES = {5e7, 1.3e8, 3e8, 6e8, 1e9};
    static final double[] DATA = {6e9, 1.2e10, 3e10, 8e10, 2e11};

    @TempDir
    Path folder;

    record Answer(int status, String out, String err) {
        JsonNode json() throws Exception {
            return new ObjectMapper().readTree(out);
        }

        String notes() throws Exception {
            List<String> notes = new ArrayList<>();
            json().at("/notes").forEach(note -> notes.add(note.asText()));
            return String.join("\n", notes);
        }

        double parameter(String name) throws Exception {
            return json().at("/fits/0/parameters/" + name + "/value").asDouble();
        }
    }

    static Answer execute(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                PowerSweep.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return new Answer(line.execute(arguments), out.toString(), err.toString());
    }

    static Answer fit(Path file, String... further) {
        List<String> arguments = new ArrayList<>(
                List.of("fit", "--law", "chinchilla", "--bootstrap", "0", "--json", "--runs", file.toString()));
        arguments.addAll(List.of(further));
        return execute(arguments.toArray(String[]::new));
    }

    static Path resource(String name) throws Exception {
        return Path.of(PlantedRuns.class.getResource(TABLES + name).toURI());
    }

    static double loss(double n, double d) {
        return E + 406.4 * Math.pow(n, -ALPHA) + 410.7 * Math.pow(d, -BETA);
    }

    /** Cells of one planted run. */
    @FunctionalInterface
    interface Row {
        String of(int number, double n, double d, double loss);
    }

    static String grid(String header, Row row) {
        StringBuilder text = new StringBuilder(header).append('\n');
        int number = 0;
        for (double n : SIZES) {
            for (double d : DATA) {
                text.append(row.of(number++, n, d, loss(n, d))).append('\n');
            }
        }
        return text.toString();
    }

    static String f(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    Path file(String name, String text) throws Exception {
        return Files.writeString(folder.resolve(name), text);
    }

    static void assertPlanted(Answer answer) throws Exception {
        assertThat(answer.err()).isEmpty();
        assertThat(answer.status()).isZero();
        assertThat(answer.parameter("E")).isCloseTo(E, within(1e-3));
        assertThat(answer.parameter("alpha")).isCloseTo(ALPHA, within(1e-3));
        assertThat(answer.parameter("beta")).isCloseTo(BETA, within(1e-3));
    }
}
