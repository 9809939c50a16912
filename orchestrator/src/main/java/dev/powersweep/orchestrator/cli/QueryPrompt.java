package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.Answer;
import dev.powersweep.orchestrator.tables.SqlEngine;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.orchestrator.text.Shown;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.EOFError;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;

/**
 * A prompt for SQL: a query ends with a semicolon and may take several lines; history is kept from one session to the
 * next; the tab key completes tables, columns and words; Ctrl-C cancels the question being answered; long answers are shown
 * by the page.
 */
final class QueryPrompt {
    private static final String HELP =
            """
            .tables           the tables, with how many rows each has
            .schema [TABLE]   columns, their types, units and meanings
            .format FORMAT    table, csv, json or markdown
            .quit             leave; so does Ctrl-D
            Anything else is one SELECT or WITH query that ends with a semicolon.
            """;
    private static final List<String> COMMANDS = List.of(".tables", ".schema", ".format", ".help", ".quit");
    private static final List<String> WORDS = List.of(
            "select",
            "from",
            "where",
            "group by",
            "order by",
            "having",
            "limit",
            "join",
            "left join",
            "on",
            "using",
            "with",
            "as",
            "and",
            "or",
            "not",
            "is null",
            "is not null",
            "in",
            "between",
            "like",
            "case",
            "when",
            "then",
            "else",
            "end",
            "desc",
            "distinct",
            "count(*)",
            "min(",
            "max(",
            "avg(",
            "sum(",
            "median(",
            "stddev(",
            "min_by(",
            "max_by(",
            "round(",
            "log10(",
            "over (",
            "partition by");

    private final SqlEngine engine;
    private final PrintWriter plain;
    private RowFormat format;

    /** @param plain where answers go that are not shown on a terminal */
    QueryPrompt(SqlEngine engine, RowFormat format, PrintWriter plain) {
        this.engine = engine;
        this.format = format;
        this.plain = plain;
    }

    /** Answers until its reader has enough. */
    void run() {
        try (Terminal terminal =
                TerminalBuilder.builder().name("powersweep").dumb(true).build()) {
            run(terminal, System.console() != null && !terminal.getType().startsWith(Terminal.TYPE_DUMB), history());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** @param person whether a person reads the answers; then a prompt is shown and long answers are paged */
    void run(Terminal terminal, boolean person, Path history) {
        LineReader reader = LineReaderBuilder.builder()
                .terminal(terminal)
                .appName("powersweep")
                .parser(parser())
                .completer(completer())
                .variable(LineReader.HISTORY_FILE, history)
                .variable(LineReader.SECONDARY_PROMPT_PATTERN, "      ...> ")
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .build();
        if (person) {
            terminal.writer().println("cells, steps, evals, fits; .help says more, .quit leaves");
        }
        boolean more = true;
        while (more) {
            more = next(reader, terminal, person);
        }
    }

    private boolean next(LineReader reader, Terminal terminal, boolean person) {
        try {
            String line = reader.readLine(person ? "powersweep> " : "").strip();
            if (line.isEmpty()) {
                return true;
            }
            if (line.equals(".quit") || line.equals(".exit")) {
                return false;
            }
            Terminal.SignalHandler before = terminal.handle(Terminal.Signal.INT, signal -> engine.cancel());
            try {
                show(answer(line), terminal, reader, person);
            } catch (UserError refused) {
                show(Shown.line(refused.getMessage()) + "\n", terminal, reader, person);
            } finally {
                terminal.handle(Terminal.Signal.INT, before);
            }
            return true;
        } catch (UserInterruptException cleared) {
            return true;
        } catch (EndOfFileException left) {
            return false;
        }
    }

    private String answer(String line) {
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text);
        String[] words = line.split("\\s+");
        switch (words[0]) {
            case ".help" -> out.print(HELP);
            case ".tables" -> {
                for (Table<?> table : Table.ALL) {
                    Answer rows = engine.ask("select count(*) as n from " + table.name());
                    out.printf(
                            Locale.ROOT,
                            "%-8s%s rows%n",
                            table.name(),
                            rows.rows().get(0).get(0).orElse(0));
                }
            }
            case ".schema" ->
                Table.ALL.stream()
                        .filter(table -> words.length < 2 || table.name().equals(words[1]))
                        .forEach(table -> schema(table, out));
            case ".format" -> format(words.length > 1 ? words[1] : "", out);
            default -> {
                if (line.startsWith(".")) {
                    out.println("there is no " + Shown.line(words[0]) + "; .help lists what there is");
                } else {
                    format.print(engine.ask(line), out);
                }
            }
        }
        out.flush();
        return text.toString();
    }

    private static void schema(Table<?> table, PrintWriter out) {
        out.println(table.name());
        table.columns()
                .forEach(column -> out.printf(
                        Locale.ROOT,
                        "  %-28s%-10s%-14s%s%n",
                        column.name(),
                        column.type(),
                        column.unit(),
                        column.meaning()));
    }

    private void format(String name, PrintWriter out) {
        Optional<RowFormat> known = List.of(RowFormat.values()).stream()
                .filter(value -> value != RowFormat.PARQUET && value.name().equalsIgnoreCase(name))
                .findFirst();
        known.ifPresent(value -> format = value);
        if (known.isEmpty()) {
            out.println("the formats are table, csv, json and markdown");
        }
    }

    /** By the page where a person reads; a page is what the terminal holds, lines that it breaks counted as its rows. */
    private void show(String text, Terminal terminal, LineReader reader, boolean person) {
        if (!person) {
            plain.print(text);
            plain.flush();
            return;
        }
        int height = Math.max(5, terminal.getHeight()) - 1;
        int width = terminal.getWidth() > 0 ? terminal.getWidth() : Integer.MAX_VALUE;
        List<String> lines = text.lines().toList();
        int used = 0;
        for (int i = 0; i < lines.size(); i++) {
            int rows = 1 + Math.max(0, new AttributedString(lines.get(i)).columnLength() - 1) / width;
            if (used > 0 && used + rows > height) {
                terminal.flush();
                String wish = reader.readLine(
                        "-- " + (lines.size() - i) + " more lines: Enter shows them, q stops -- ", '\0');
                if (wish.strip().startsWith("q")) {
                    break;
                }
                used = 0;
            }
            terminal.writer().println(lines.get(i));
            used += rows;
        }
        terminal.flush();
    }

    /** A line goes on until a semicolon, unless it is a command. */
    private static Parser parser() {
        DefaultParser words =
                new DefaultParser().quoteChars(new char[] {'\'', '"'}).escapeChars(new char[0]);
        return (line, cursor, context) -> {
            String text = line.strip();
            boolean whole = text.isEmpty() || text.startsWith(".") || text.endsWith(";") || text.equals("q");
            if (context == Parser.ParseContext.ACCEPT_LINE && !whole) {
                throw new EOFError(-1, -1, "a query ends with a semicolon", ";");
            }
            return words.parse(line, cursor, Parser.ParseContext.COMPLETE);
        };
    }

    /** Tables and columns by the part of the word behind its last sign, then SQL's words. */
    private static Completer completer() {
        TreeSet<String> names = new TreeSet<>();
        Table.ALL.forEach(table -> {
            names.add(table.name());
            table.columns().forEach(column -> names.add(column.name()));
        });
        return (LineReader reader, ParsedLine line, List<Candidate> candidates) -> {
            String word = line.word().substring(0, line.wordCursor());
            int sign = Math.max(Math.max(word.lastIndexOf('('), word.lastIndexOf(',')), word.lastIndexOf('.'));
            String before = word.substring(0, Math.max(0, sign + 1));
            if (word.startsWith(".")) {
                COMMANDS.forEach(name -> candidates.add(new Candidate(name)));
                return;
            }
            List<String> all = new ArrayList<>(names);
            if (before.isEmpty()) {
                all.addAll(WORDS);
            }
            all.stream()
                    .sorted(Comparator.naturalOrder())
                    .forEach(name -> candidates.add(
                            new Candidate(before + name, name, null, null, null, null, !name.endsWith("("))));
        };
    }

    /** A file of the user's own. */
    private static Path history() throws IOException {
        String state = System.getenv("XDG_STATE_HOME");
        Path folder = state == null || state.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".local", "state", "powersweep")
                : Path.of(state, "powersweep");
        try {
            Files.createDirectories(folder);
            return folder.resolve("query_history");
        } catch (IOException nowhere) {
            // Without a home a session has a history of its own.
            return Files.createTempFile("powersweep", "history");
        }
    }
}
