package dev.powersweep.orchestrator.tables;

import com.fasterxml.jackson.databind.JsonNode;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.duckdb.DuckDBAppender;
import org.duckdb.DuckDBConnection;
import org.duckdb.DuckDBDriver;

/**
 * SQL by DuckDB in this process: it answers in well under a second where Spark takes ten to start. {@code cells} is made from
 * the ledger, so that it is never behind it; the other tables are read from their files when a query names them, after
 * every page's checksum was compared, which DuckDB does not do.
 *
 * <p>Under guard the engine is locked before the first question: no file but those of the tables, no extension, no
 * setting. Timestamps are UTC without a zone.
 */
public final class EmbeddedSql implements SqlEngine {
    /** What lies elsewhere is copied here for one command; more than this is asked of Spark instead. */
    private static final long MOST_COPIED = 512L << 20;

    private static final int TRIES = 5;

    /** From so many rows on, a second processor is worth its start. */
    private static final int MANY_ROWS = 2_000;

    private static final String LIBRARY = "libduckdb_java.so_linux_";

    private final SweepDirectory directory;
    private final Configuration configuration;
    private final Guard guard;
    private final DuckDBConnection connection;
    private final Map<String, List<Path>> files = new LinkedHashMap<>();
    /** Tables of which nothing was copied yet. */
    private final Map<Table<?>, List<Storage.Entry>> elsewhere = new HashMap<>();

    private final Set<String> ready = new HashSet<>();
    private final Optional<Path> copies;
    private volatile Optional<Statement> running = Optional.empty();

    private EmbeddedSql(
            SweepDirectory directory,
            LedgerCells cells,
            Configuration configuration,
            Guard guard,
            Optional<Path> copies)
            throws SQLException {
        this.directory = directory;
        this.configuration = configuration;
        this.guard = guard;
        this.copies = copies;
        Properties settings = new Properties();
        settings.setProperty("autoinstall_known_extensions", "false");
        settings.setProperty("autoload_known_extensions", "false");
        this.connection = (DuckDBConnection) new DuckDBDriver().connect("jdbc:duckdb:", settings);
        // As Spark sorts: absent values first when ascending, last when descending.
        execute("set default_null_order = 'nulls_first_on_asc_last_on_desc'");
        execute("set TimeZone = 'UTC'");
        cells(cells);
    }

    /** Whether the engine's native library is there: not where the application jar alone was copied. */
    public static boolean available() {
        String machine = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
        try {
            Path jar = Path.of(DuckDBDriver.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            return DuckDBDriver.class.getResource("/" + LIBRARY + machine) != null
                    || Files.exists(jar.resolveSibling(LIBRARY + machine));
        } catch (java.net.URISyntaxException | RuntimeException | LinkageError unknown) {
            return false;
        }
    }

    /**
     * Opens the tables.
     *
     * @throws UserError where there is no sweep, a file cannot be read, or what would have to be copied is too large
     */
    public static EmbeddedSql open(
            SweepDirectory directory, LedgerCells cells, Configuration configuration, Guard guard) {
        if (cells.kept().isEmpty()) {
            // What is wrong with the ledger is said first.
            cells.state();
        }
        ResultTables tables = new ResultTables(directory, configuration);
        String scheme = directory.root().toUri().getScheme();
        boolean here = scheme == null || scheme.equals("file");
        // Nobody should learn of a damaged file from other readers of the directory first.
        for (Storage.Entry entry : tables.listing(Table.CELLS).entries()) {
            TableFile.requireSize(entry);
            if (here) {
                TableFile.requireEnds(Path.of(entry.path().toUri().getPath()));
            }
        }
        Map<Table<?>, List<Storage.Entry>> entries = new LinkedHashMap<>();
        for (Table<?> table : List.of(Table.STEPS, Table.EVALS, Table.FITS)) {
            entries.put(table, tables.listing(table).entries());
            entries.get(table).forEach(TableFile::requireSize);
        }
        try {
            Optional<Path> copies =
                    here ? Optional.empty() : Optional.of(Files.createTempDirectory("powersweep-query"));
            EmbeddedSql engine = new EmbeddedSql(directory, cells, configuration, guard, copies);
            if (here) {
                entries.forEach((table, list) -> engine.files.put(
                        table.name(),
                        list.stream()
                                .map(entry -> Path.of(entry.path().toUri().getPath()))
                                .toList()));
            } else {
                engine.elsewhere(entries);
            }
            if (guard == Guard.ON) {
                engine.lock();
            }
            return engine;
        } catch (IOException | SQLException e) {
            throw new UserError("cannot read the tables of " + directory.root() + ": " + first(e), e);
        }
    }

    private void elsewhere(Map<Table<?>, List<Storage.Entry>> entries) {
        requireCopiable(entries.values().stream().flatMap(List::stream).toList());
        entries.forEach((table, list) -> {
            files.put(table.name(), List.of());
            elsewhere.put(table, list);
        });
    }

    private void requireCopiable(List<Storage.Entry> entries) {
        long bytes = entries.stream().mapToLong(Storage.Entry::bytes).sum();
        if (bytes > MOST_COPIED) {
            close();
            throw new UserError("the tables of " + directory.root() + " have " + (bytes >> 20)
                    + " MiB, too much to be copied for a question; ask Spark with --master URL");
        }
    }

    /** Copies the files of a table here; those of a living driver's merge that came since it was listed, too. */
    private List<Path> copied(Table<?> table) {
        List<Storage.Entry> entries = elsewhere.get(table);
        for (int i = 1; ; i++) {
            try {
                Path folder = Files.createDirectories(copies.orElseThrow().resolve(table.name() + "-" + i));
                Storage storage = directory.storage(configuration);
                List<Storage.Entry> wanted = entries;
                return IntStream.range(0, wanted.size())
                        .parallel()
                        .mapToObj(k -> copied(storage, wanted.get(k), folder.resolve(k + TableFile.SUFFIX)))
                        .toList();
            } catch (UncheckedIOException | IOException e) {
                IOException reason = e instanceof UncheckedIOException wrapped ? wrapped.getCause() : (IOException) e;
                boolean gone = reason instanceof FileNotFoundException || reason instanceof NoSuchFileException;
                if (!gone || i == TRIES) {
                    throw new UserError("cannot read the tables of " + directory.root() + ": " + first(reason), reason);
                }
                entries = new ResultTables(directory, configuration)
                        .listing(table)
                        .entries();
                requireCopiable(entries);
            }
        }
    }

    private static Path copied(Storage storage, Storage.Entry entry, Path local) {
        TableFile.requireSize(entry);
        try {
            storage.download(entry.path(), local);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return local;
    }

    private void cells(LedgerCells cells) throws SQLException {
        execute("create table cells ("
                + Table.CELLS.columns().stream()
                        .map(column -> quoted(column.name()) + " " + type(column.type()))
                        .collect(Collectors.joining(", "))
                + ")");
        if (cells.kept().filter(this::loaded).isPresent()) {
            return;
        }
        append(cells.state());
        cells.keep(file -> {
            try {
                execute("copy cells to " + literal(file) + " (format parquet)");
            } catch (SQLException e) {
                throw new IOException(e);
            }
        });
    }

    /** Whether the rows could be taken from there; none were otherwise. */
    private boolean loaded(Path kept) {
        try {
            execute("insert into cells select * from read_parquet(" + literal(kept) + ")");
            return true;
        } catch (SQLException e) {
            // Gone since it was found, as where somebody empties the temporary directory.
            return false;
        }
    }

    private void append(SweepState state) throws SQLException {
        try (DuckDBAppender appender = connection.createAppender("main", "cells")) {
            List<CellRow> rows = CellsTable.rows(state);
            Stream<CellRow> taken = rows.size() < MANY_ROWS ? rows.stream() : rows.parallelStream();
            for (Object[] row : taken.map(Table.CELLS::values).toList()) {
                appender.beginRow();
                for (Object value : row) {
                    append(appender, value);
                }
                appender.endRow();
            }
        }
    }

    @Override
    public List<EndedCell> ended() {
        String states =
                EndedCell.STATES.stream().map(state -> "'" + state + "'").collect(Collectors.joining(", "));
        List<EndedCell> ended = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "select cell, name, steps_done from cells where state in (" + states + ")")) {
            while (rows.next()) {
                ended.add(new EndedCell(rows.getString(1), rows.getString(2), rows.getLong(3)));
            }
        } catch (SQLException e) {
            throw new IllegalStateException("the engine cannot read its own table", e);
        }
        return ended;
    }

    private static void append(DuckDBAppender appender, Object value) throws SQLException {
        if (value == null) {
            appender.appendNull();
        } else if (value instanceof Instant time) {
            appender.append(LocalDateTime.ofInstant(time, ZoneOffset.UTC));
        } else if (value instanceof Integer number) {
            appender.append(number.intValue());
        } else if (value instanceof Long number) {
            appender.append(number.longValue());
        } else if (value instanceof Double number) {
            appender.append(number.doubleValue());
        } else if (value instanceof Boolean truth) {
            appender.append(truth.booleanValue());
        } else {
            appender.append(value.toString());
        }
    }

    private void lock() throws SQLException {
        String allowed = files.values().stream()
                .flatMap(List::stream)
                .map(EmbeddedSql::literal)
                .collect(Collectors.joining(", "));
        execute("set allowed_paths = [" + allowed + "]");
        if (copies.isPresent()) {
            execute("set allowed_directories = [" + literal(copies.get()) + "]");
        }
        execute("set enable_external_access = false");
        execute("set lock_configuration = true");
    }

    @Override
    public Answer ask(String sql) {
        String text = guarded(sql);
        // Prepared, since only then the engine reports errors of the statement.
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            running = Optional.of(statement);
            if (!statement.execute()) {
                return new Answer(List.of(), List.of());
            }
            try (ResultSet answer = statement.getResultSet()) {
                return answer(answer);
            }
        } catch (SQLException e) {
            throw refused(e);
        } finally {
            running = Optional.empty();
        }
    }

    private static Answer answer(ResultSet result) throws SQLException {
        ResultSetMetaData meta = result.getMetaData();
        List<String> columns = new ArrayList<>();
        for (int i = 1; i <= meta.getColumnCount(); i++) {
            columns.add(meta.getColumnLabel(i));
        }
        List<List<Optional<Object>>> rows = new ArrayList<>();
        while (result.next()) {
            List<Optional<Object>> row = new ArrayList<>(columns.size());
            for (int i = 1; i <= columns.size(); i++) {
                row.add(value(result, meta.getColumnType(i), i));
            }
            rows.add(row);
        }
        return new Answer(columns, rows);
    }

    private static Optional<Object> value(ResultSet result, int type, int index) throws SQLException {
        if (type == Types.TIMESTAMP) {
            return Optional.ofNullable(result.getObject(index, LocalDateTime.class))
                    .map(time -> time.toInstant(ZoneOffset.UTC));
        }
        Object value = result.getObject(index);
        return Optional.ofNullable(
                value == null || value instanceof Number || value instanceof Boolean ? value : value.toString());
    }

    @Override
    public void save(String sql, Path file) {
        String text = guarded(sql);
        Path absolute = file.toAbsolutePath();
        Path unfinished = absolute.resolveSibling(
                "_" + absolute.getFileName() + "." + ProcessHandle.current().pid());
        // A database of its own may write: the guarded one may not, and what it may not it keeps.
        try (Statement statement = connection.createStatement()) {
            Files.createDirectories(absolute.getParent());
            running = Optional.of(statement);
            List<String> columns = new ArrayList<>();
            try (ResultSet described = statement.executeQuery("describe " + text)) {
                while (described.next()) {
                    columns.add(described.getString(1) + "\0" + described.getString(2));
                }
            }
            try (ResultSet answer = statement.executeQuery(text)) {
                write(columns, answer, unfinished);
            }
            Files.move(unfinished, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (SQLException e) {
            throw refused(e);
        } catch (IOException e) {
            throw new UserError(file + ": cannot be written (" + e + "); choose another file with --output", e);
        } finally {
            running = Optional.empty();
            try {
                Files.deleteIfExists(unfinished);
            } catch (IOException left) {
                throw new UserError(unfinished + ": cannot be deleted (" + left + ")", left);
            }
        }
    }

    private static void write(List<String> columns, ResultSet answer, Path file) throws SQLException {
        Properties none = new Properties();
        try (DuckDBConnection writer = (DuckDBConnection) new DuckDBDriver().connect("jdbc:duckdb:", none);
                Statement statement = writer.createStatement()) {
            statement.execute("create table answer ("
                    + columns.stream()
                            .map(column -> quoted(column.split("\0")[0]) + " " + column.split("\0")[1])
                            .collect(Collectors.joining(", "))
                    + ")");
            try (PreparedStatement insert = writer.prepareStatement("insert into answer values ("
                    + String.join(", ", java.util.Collections.nCopies(columns.size(), "?")) + ")")) {
                while (answer.next()) {
                    for (int i = 1; i <= columns.size(); i++) {
                        insert.setObject(i, answer.getObject(i));
                    }
                    insert.addBatch();
                }
                insert.executeBatch();
            }
            statement.execute("copy answer to " + literal(file) + " (format parquet, compression zstd)");
        }
    }

    /** The statement, which is one query, and the tables it names made ready. */
    private String guarded(String sql) {
        String text = SqlText.standard(sql);
        JsonNode tree = tree(text);
        boolean query =
                !tree.path("error").asBoolean() && tree.path("statements").size() == 1;
        if (guard == Guard.ON && !query) {
            String kind = tree.path("error_type").asText();
            throw new UserError(
                    kind.equals("parser") || kind.equals("syntax")
                            ? "the SQL was refused: "
                                    + line(tree.path("error_message").asText())
                            : SqlText.onlyQueries(text));
        }
        Set<String> named = new TreeSet<>();
        tables(tree, named);
        for (Map.Entry<String, List<Path>> table : files.entrySet()) {
            if (!ready.contains(table.getKey()) && (!query || named.contains(table.getKey()))) {
                view(table.getKey(), table.getValue());
            }
        }
        return text;
    }

    private JsonNode tree(String text) {
        try (PreparedStatement parse = connection.prepareStatement("select json_serialize_sql(?::varchar)")) {
            parse.setString(1, text);
            try (ResultSet parsed = parse.executeQuery()) {
                parsed.next();
                return LedgerJson.mapper().readTree(parsed.getString(1));
            }
        } catch (SQLException | com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new UserError("the SQL was refused: " + first(e), e);
        }
    }

    private static void tables(JsonNode node, Set<String> names) {
        if (node.path("type").asText().equals("BASE_TABLE")) {
            names.add(node.path("table_name").asText().toLowerCase(Locale.ROOT));
        }
        node.forEach(child -> tables(child, names));
    }

    /** The view of a table, with columns that its files do not have yet as absent values. */
    private void view(String name, List<Path> here) {
        Table<?> table = Table.ALL.stream()
                .filter(known -> known.name().equals(name))
                .findFirst()
                .orElseThrow();
        List<Path> paths = copies.isPresent() ? copied(table) : here;
        paths.parallelStream().forEach(TableFile::requireChecksums);
        String source = "read_parquet(["
                + paths.stream().map(EmbeddedSql::literal).collect(Collectors.joining(", "))
                + "], union_by_name = true)";
        try {
            Set<String> stored = new HashSet<>();
            if (!paths.isEmpty()) {
                try (Statement statement = connection.createStatement();
                        ResultSet columns = statement.executeQuery("describe select * from " + source)) {
                    while (columns.next()) {
                        stored.add(columns.getString(1));
                    }
                }
            }
            String columns = table.columns().stream()
                    .map(column -> column(column, stored.contains(column.name())) + " as " + quoted(column.name()))
                    .collect(Collectors.joining(", "));
            execute("create view " + name + " as select " + columns
                    + (paths.isEmpty() ? " where false" : " from " + source));
            ready.add(name);
        } catch (SQLException e) {
            throw refused(e);
        }
    }

    private static String column(Table.ColumnInfo column, boolean stored) {
        if (!stored) {
            return "null::" + type(column.type());
        }
        return column.type().equals("timestamp")
                ? "make_timestamp(epoch_us(" + quoted(column.name()) + "))"
                : quoted(column.name()) + "::" + type(column.type());
    }

    private static String type(String name) {
        return switch (name) {
            case "string" -> "varchar";
            case "int" -> "integer";
            case "long" -> "bigint";
            case "double", "boolean", "timestamp" -> name;
            default -> throw new IllegalArgumentException("no SQL type for " + name);
        };
    }

    private static String literal(Path file) {
        return "'" + file.toString().replace("'", "''") + "'";
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private UserError refused(SQLException failure) {
        String message = first(failure);
        if (message.contains("INTERRUPT")) {
            return new UserError("the question was cancelled", failure);
        }
        boolean sqlItself = Stream.of(
                        "Parser Error", "Binder Error", "Catalog Error", "Permission Error", "Conversion Error")
                .anyMatch(message::startsWith);
        if (!sqlItself) {
            try {
                TableViews.requireWhole(directory, directory.storage(configuration), configuration);
            } catch (IOException e) {
                throw new UserError("cannot read " + directory.root() + ": " + e.getMessage(), e);
            }
        }
        String hint = message.startsWith("Permission Error") || message.contains("file system operations are disabled")
                ? "; a query reads cells, steps, evals and fits alone (--unsafe lifts that)"
                : message.startsWith("Catalog Error") && message.contains("Table")
                        ? "; the tables are cells, steps, evals and fits"
                        : "";
        return new UserError("the SQL was refused: " + message + hint, failure);
    }

    /** The first line of a message that says something. */
    private static String first(Exception failure) {
        String message = failure.getMessage();
        return message == null ? failure.toString() : line(message);
    }

    private static String line(String message) {
        return message.lines()
                .filter(line -> !line.isBlank())
                .findFirst()
                .orElse("")
                .strip();
    }

    @Override
    public void cancel() {
        running.ifPresent(statement -> {
            try {
                statement.cancel();
            } catch (SQLException ended) {
                // It has its answer already, and nothing is left to stop.
            }
        });
    }

    @Override
    public void close() {
        try {
            connection.close();
            if (copies.isPresent()) {
                try (Stream<Path> below = Files.walk(copies.get())) {
                    for (Path file : below.sorted(Comparator.reverseOrder()).toList()) {
                        Files.deleteIfExists(file);
                    }
                }
            }
        } catch (SQLException | IOException e) {
            throw new UserError("the tables of " + directory.root() + " could not be closed: " + first(e), e);
        }
    }
}
