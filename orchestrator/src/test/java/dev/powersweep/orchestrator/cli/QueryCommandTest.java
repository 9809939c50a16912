package dev.powersweep.orchestrator.cli;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.driver.TrainedGrid;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.Answer;
import dev.powersweep.orchestrator.tables.EmbeddedSql;
import dev.powersweep.orchestrator.tables.LedgerCells;
import dev.powersweep.orchestrator.tables.SparkSql;
import dev.powersweep.orchestrator.tables.SqlEngine;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Both engines of query on stored sweeps: the same answers to what is documented, and nothing beyond the tables. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class QueryCommandTest {
    private static final Pattern COMMAND = Pattern.compile("powersweep query +(\\S+) +\"((?:[^\"\\\\]|\\\\.)*)\"");

    @TempDir
    static Path folder;

    private Path grid;
    private Path mixed;
    private EmbeddedSql embedded;
    private SparkSql spark;

    @BeforeAll
    void open() throws Exception {
        grid = folder.resolve("it's a [grid]");
        mixed = folder.resolve("mixed");
        TrainedGrid.write(grid);
        StoredSweep.write(mixed);
        Configuration configuration = new Configuration();
        SweepDirectory directory = SweepDirectory.at(grid.toString(), configuration);
        LedgerCells cells = LedgerCells.of(directory, configuration);
        embedded = EmbeddedSql.open(directory, cells, configuration, SqlEngine.Guard.ON);
        spark = new SparkSql(
                Sessions.forQuery("local[1]"), directory, cells.state(), configuration, SqlEngine.Guard.ON);
    }

    @AfterAll
    void close() {
        embedded.close();
        spark.close();
    }

    /** Every query that the documentation shows. */
    static List<String> documented() throws Exception {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.exists(root.resolve("docs/cookbook.md"))) {
            root = root.getParent();
        }
        List<Path> pages = new ArrayList<>(List.of(root.resolve("README.md")));
        try (Stream<Path> docs = Files.list(root.resolve("docs"))) {
            docs.filter(page -> page.toString().endsWith(".md")).sorted().forEach(pages::add);
        }
        List<String> queries = new ArrayList<>();
        for (Path page : pages) {
            Matcher command = COMMAND.matcher(Files.readString(page));
            while (command.find()) {
                queries.add(command.group(2).replaceAll("\\s+", " ").replace("\\\"", "\""));
            }
        }
        return queries;
    }

    @Test
    void theCookbookHasTwentyQuestions() throws Exception {
        assertThat(documented())
                .hasSizeGreaterThanOrEqualTo(25)
                .allMatch(query -> query.startsWith("select") || query.startsWith("with"));
    }

    @ParameterizedTest
    @MethodSource("documented")
    void bothEnginesAnswerWhatIsDocumentedAlike(String sql) {
        Answer here = embedded.ask(sql);
        Answer there = spark.ask(sql);

        assertThat(here.rows()).hasSameSizeAs(there.rows());
        List<List<Optional<Object>>> one = sorted(here);
        List<List<Optional<Object>>> other = sorted(there);
        for (int row = 0; row < one.size(); row++) {
            for (int column = 0; column < one.get(row).size(); column++) {
                same(one.get(row).get(column), other.get(row).get(column));
            }
        }
    }

    private static List<List<Optional<Object>>> sorted(Answer answer) {
        return answer.rows().stream()
                .sorted(Comparator.comparing(row -> row.stream()
                        .map(value -> value.map(known -> known instanceof Number number
                                        ? String.format(java.util.Locale.ROOT, "%.6e", number.doubleValue())
                                        : known.toString())
                                .orElse(""))
                        .toList()
                        .toString()))
                .toList();
    }

    private static void same(Optional<Object> one, Optional<Object> other) {
        if (one.isPresent() && one.get() instanceof Number number) {
            double expected = ((Number) other.orElseThrow()).doubleValue();
            assertThat(number.doubleValue()).isCloseTo(expected, within(1e-9 * Math.abs(expected) + 1e-12));
        } else {
            assertThat(one.map(Object::toString)).isEqualTo(other.map(Object::toString));
        }
    }

    /**
     * A task of a local master runs in this very process, which Spark left to itself ends with status 50 for such a
     * failure; a constant is worked out before any task.
     */
    @ParameterizedTest
    @ValueSource(strings = {"cell", "''"})
    void aQuestionThatOverflowsTheStackIsRefusedAndTheNextOneAnswered(String text) {
        String sql = "select count(*) as n from steps where concat(" + text + ", repeat('ab', 100000)) rlike '(a|b)*c'";

        assertThatThrownBy(() -> spark.ask(sql))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("the SQL was refused", "stack", "simplify it")
                .hasMessageMatching(".*");

        assertThat(spark.ask("select 1 as a").rows()).hasSize(1);
    }

    @Test
    void absentValuesAndTimesAreTheSameInBoth() {
        String sql = "select name, failure_class, started_at, `state` from cells order by failure_class, name";
        assertThat(embedded.ask(sql).rows().toString())
                .isEqualTo(spark.ask(sql).rows().toString());
        assertThat(embedded.ask(sql).rows().get(0).get(2)).hasValue(java.time.Instant.parse("2026-01-02T03:04:05Z"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create table stolen as select * from cells",
                "drop table cells",
                "insert into cells select * from cells",
                "delete from cells",
                "with a as (select 1 as n) insert into cells select * from a",
                "select 1; drop table cells",
                "set x = 1",
                "select * from read_csv('/etc/passwd')",
                "select * from csv.`/etc/passwd`",
                "select * from text.`/etc/passwd`",
                "select * from '/etc/passwd'",
                "select content from read_text('/etc/passwd')",
                "select * from (select read_text.content from read_text('/etc/*'))",
                "attach '/tmp/other.db'",
                "install httpfs",
                "copy cells to 'stolen.csv'",
                "export database 'stolen'",
                "select reflect('java.lang.System', 'getenv', 'HOME')",
                "select (select java_method('java.lang.System', 'getenv', 'HOME'))",
                "with a as (select try_reflect('java.lang.System', 'getenv', 'HOME') as h) select * from a",
                "select transform(name) using 'cat' as (x) from cells",
                "with a as (select transform(name) using 'cat' as (x) from cells) select * from a",
                "load data inpath '/etc/passwd' into table cells",
                "add jar '/tmp/x.jar'",
                "execute immediate 'create table stolen as select 1 as a'",
                "execute immediate 'select reflect(''java.lang.System'', ''getenv'', ''HOME'')'",
                "begin create table stolen as select 1 as a; end",
                "select identifier('reflect')('java.lang.System', 'getenv', 'HOME')",
                "select identifier('ref' || 'lect')('java.lang.System', 'getenv', 'HOME')",
                "select * from identifier('text' || '.`/etc/passwd`')",
                "create table identifier('stol' || 'en') as select 1 as a",
                "drop table identifier('cel' || 'ls')",
                "insert into identifier('cel' || 'ls') select * from cells",
                "create or replace temporary view identifier('cel' || 'ls') as select 1 as a",
                "cache table identifier('sto' || 'len') as select 1 as a",
                "drop view cells",
                "select * from cells |> select reflect('java.lang.System', 'getenv', 'HOME')",
                "cache table stolen as select * from cells",
                "declare x = 1",
                "call system.x()",
                "select REFLECT('java.lang.System', 'getenv', 'HOME')",
                "select load_file('/etc/passwd')",
                ""
            })
    void nothingButAQueryOverTheTablesIsAnswered(String sql) throws Exception {
        List<Path> before = below();

        assertThatThrownBy(() -> embedded.ask(sql)).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> spark.ask(sql)).isInstanceOf(UserError.class);

        assertThat(below()).isEqualTo(before);
        assertThat(embedded.ask("select count(*) as n from cells").rows().get(0).get(0))
                .hasValueSatisfying(n -> assertThat(((Number) n).intValue()).isEqualTo(TrainedGrid.cells()));
    }

    /** Everything that a statement could have left here or in the sweep. */
    private List<Path> below() throws Exception {
        List<Path> all = new ArrayList<>();
        try (Stream<Path> here = Files.list(Path.of(""));
                Stream<Path> sweep = Files.walk(grid)) {
            here.forEach(all::add);
            sweep.forEach(all::add);
        }
        return all.stream().sorted().toList();
    }

    @Test
    void refusalsAreOneSentenceWithTheRemedy() {
        var created = powersweep("query", mixed, "create table t as select 1 as a");
        assertThat(created.exitCode()).isEqualTo(1);
        assertThat(created.err()).hasLineCount(1).contains("one SELECT or WITH", "begins with 'create'", "--unsafe");
        var file = powersweep("query", mixed, "select * from read_csv('/etc/passwd')");
        assertThat(file.err()).hasLineCount(1).contains("alone (--unsafe lifts that)");
        assertThat(powersweep("query", mixed, "select 41 + 1 as n", "--unsafe").out())
                .contains("42");
    }

    @Test
    void answersAreWrittenInEveryFormat() throws Exception {
        String sql = "select name, state, steps_done as n from cells order by state";
        assertThat(powersweep("query", mixed, sql, "--format", "markdown").out())
                .startsWith("| name | state | n |\n|---|---|---:|\n|");
        Path csv = folder.resolve("out/answer.csv");
        assertThat(powersweep("query", mixed, sql, "--format", "csv", "--output", csv)
                        .out())
                .isEmpty();
        assertThat(Files.readString(csv)).startsWith("name,state,n\n").hasLineCount(4);
        Path parquet = folder.resolve("out/answer.parquet");
        assertThat(powersweep("query", mixed, sql + ";", "--format", "parquet", "--output", parquet)
                        .err())
                .isEmpty();
        assertThat(powersweep(
                                "query",
                                mixed,
                                "select sum(n) as n from '" + parquet + "'",
                                "--unsafe",
                                "--format",
                                "json")
                        .out())
                .contains("\"n\":2");
        try (Stream<Path> files = Files.list(parquet.getParent())) {
            assertThat(files).hasSize(2);
        }
        assertThat(powersweep("query", mixed, sql, "--format", "parquet").exitCode())
                .isEqualTo(2);
    }

    /** The cells table, as a file of runs, is fitted without a word about its columns. */
    @Test
    void theCellsThemselvesAreATableOfRuns() throws Exception {
        Path csv = folder.resolve("cells.csv");
        powersweep("query", grid, "select * from cells", "--format", "csv", "--output", csv);

        var fit = powersweep("fit", "--law", "chinchilla", "--bootstrap", "0", "--runs", csv);

        assertThat(fit.err()).isEmpty();
        assertThat(fit.out())
                .contains("n ← non_embedding_parameters, d ← tokens, loss ← validation_loss", "20 runs")
                .containsPattern("E +" + TrainedGrid.E);
    }

    @Test
    void whatATerminalOrASpreadsheetWouldCarryOutIsMadeHarmless() {
        String sql = "select '=1+2' as a, '@x' as b, '-3' as c, -3 as d, concat('x', chr(27), '[2J') as e";
        assertThat(powersweep("query", mixed, sql, "--format", "csv").out())
                .isEqualTo("a,b,c,d,e\n'=1+2,'@x,'-3,-3,x\uFFFD[2J\n");
        assertThat(powersweep("query", mixed, "select '+1' as \"=a\", chr(9) || '=1' as b", "--format", "csv")
                        .out())
                .isEqualTo("'=a,b\n'+1, =1\n");
        assertThat(powersweep("query", mixed, sql).out())
                .doesNotContain("\u001b")
                .contains("=1+2");
        assertThat(powersweep("query", mixed, sql, "--format", "json").out()).contains("\"x\\u001B[2J\"");
    }

    @Test
    void thePromptAnswersCompletesKeepsHistoryAndPages() throws Exception {
        Path history = folder.resolve("history");
        // Tab completes a unique name; a query goes on until its semicolon; q leaves a long answer.
        String typed = "select count(*) as n\nfrom eva\t;\nselect validation_standard_e\t from cells limit 1;\n"
                + "nonsense;\n.tables\n.format csv\nselect state, count(*) from cells group by state;\n"
                + "select cell, step from steps;\nq\n.quit\n";
        ByteArrayOutputStream shown = new ByteArrayOutputStream();
        StringWriter plain = new StringWriter();
        try (Terminal terminal = TerminalBuilder.builder()
                .system(false)
                .streams(new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)), shown)
                .type("ansi")
                .build()) {
            terminal.setSize(new Size(100, 12));
            new QueryPrompt(embedded, RowFormat.TABLE, new PrintWriter(plain)).run(terminal, true, history);
        }

        String screen = shown.toString(StandardCharsets.UTF_8);
        assertThat(plain.toString()).isEmpty();
        assertThat(screen).contains("powersweep> ", "\n20", "validation_standard_error", "the SQL was refused");
        assertThat(screen).contains("steps   20 rows", "FINISHED,20", "more lines: Enter shows them");
        assertThat(Files.readString(history)).contains("from cells");
    }

    /** Lines that a narrow terminal breaks count as the rows that they take. */
    @Test
    void aPageIsWhatTheTerminalHolds() throws Exception {
        int width = 60;
        int height = 12;
        ByteArrayOutputStream shown = new ByteArrayOutputStream();
        try (Terminal terminal = TerminalBuilder.builder()
                .system(false)
                .streams(new ByteArrayInputStream(".schema cells\nq\n.quit\n".getBytes(StandardCharsets.UTF_8)), shown)
                .type("ansi")
                .build()) {
            terminal.setSize(new Size(width, height));
            new QueryPrompt(embedded, RowFormat.TABLE, new PrintWriter(new StringWriter()))
                    .run(terminal, true, folder.resolve("none"));
        }

        String screen = shown.toString(StandardCharsets.UTF_8)
                .replaceAll("\u001b\\[[?0-9;]*[A-Za-z]", "")
                .replace("\r", "");
        assertThat(screen).contains("\ncells\n", "-- ");
        List<String> page = screen.substring(screen.indexOf("\ncells\n") + 1, screen.indexOf("-- "))
                .lines()
                .toList();
        int rows = page.stream()
                .mapToInt(line -> Math.max(1, (line.length() + width - 1) / width))
                .sum();
        assertThat(page.size()).isLessThan(rows);
        assertThat(rows).isBetween(height - 4, height - 1);
    }

    @Test
    void aPromptWithoutATerminalReadsStatements() throws Exception {
        StringWriter plain = new StringWriter();
        try (Terminal terminal = TerminalBuilder.builder()
                .system(false)
                .streams(
                        new ByteArrayInputStream("select 1 as a;\n.schema fits\n".getBytes(StandardCharsets.UTF_8)),
                        new ByteArrayOutputStream())
                .type(Terminal.TYPE_DUMB)
                .build()) {
            new QueryPrompt(embedded, RowFormat.CSV, new PrintWriter(plain))
                    .run(terminal, false, folder.resolve("none"));
        }
        assertThat(plain.toString()).startsWith("a\n1\nfits\n").contains("confidence");
    }

    @Test
    void aQuestionThatTakesTooLongIsCancelled() throws Exception {
        Thread impatient = new Thread(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                embedded.cancel();
            }
        });
        impatient.start();
        try {
            assertThatThrownBy(() -> embedded.ask("select count(*) from range(100000000) a, range(100000000) b"))
                    .isInstanceOf(UserError.class)
                    .hasMessage("the question was cancelled");
        } finally {
            impatient.interrupt();
            impatient.join();
        }
        assertThat(embedded.ask("select 1 as a").rows()).hasSize(1);
    }
}
