package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.LocalFile;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.EmbeddedSql;
import dev.powersweep.orchestrator.tables.LackingSteps;
import dev.powersweep.orchestrator.tables.LedgerCells;
import dev.powersweep.orchestrator.tables.SparkSql;
import dev.powersweep.orchestrator.tables.SqlEngine;
import dev.powersweep.orchestrator.tables.TableViews;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep query}: SQL over a sweep's tables. */
@Command(
        name = "query",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Answers SQL over a sweep's tables: cells, steps, evals, fits. docs/tables.md names every column,"
                    + " docs/cookbook.md has twenty questions.",
            "Without SQL a prompt opens: .tables, .schema TABLE, .help, .quit; the tab key completes names."
        })
public final class QueryCommand implements Callable<Integer> {
    private static final int WARNINGS = 3;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(index = "0", paramLabel = "DIR", description = "Directory of a sweep, on any Hadoop file system.")
    private String sweep = "";

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "SQL",
            description = "One query, e.g. \"select state, count(*) from cells group by state\".")
    private Optional<String> sql = Optional.empty();

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "table (default), csv, json (an array of objects), markdown, or parquet with --output.")
    private RowFormat format = RowFormat.TABLE;

    @Option(names = "--output", paramLabel = "FILE", description = "Write the answer here instead of printing it.")
    private Optional<Path> output = Optional.empty();

    @Option(
            names = "--master",
            paramLabel = "URL",
            description =
                    "Answer by Spark SQL on this master, for tables that one machine should not read; default: here,"
                            + " by an embedded engine.")
    private Optional<String> master = Optional.empty();

    @Option(
            names = "--unsafe",
            description = "Run any statement with your own rights: one that reads other files, writes, or changes.")
    private boolean unsafe;

    @Override
    public Integer call() {
        if (format == RowFormat.PARQUET && (output.isEmpty() || sql.isEmpty())) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "--format parquet writes a file: give SQL and --output FILE.parquet");
        }
        if (output.isPresent() && sql.isEmpty()) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "--output needs the SQL whose answer it takes");
        }
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory directory = SweepDirectory.at(sweep, configuration);
        LedgerCells cells = LedgerCells.of(directory, configuration);
        SqlEngine.Guard guard = unsafe ? SqlEngine.Guard.OFF : SqlEngine.Guard.ON;
        try (SqlEngine engine = engine(directory, cells, configuration, guard)) {
            warn(TableViews.lacking(directory, engine.ended(), configuration));
            if (sql.isPresent()) {
                answer(engine, sql.get());
            } else {
                new QueryPrompt(engine, format, command.commandLine().getOut()).run();
            }
        }
        return CommandLine.ExitCode.OK;
    }

    private SqlEngine engine(
            SweepDirectory directory, LedgerCells cells, Configuration configuration, SqlEngine.Guard guard) {
        if (master.isPresent()) {
            // A directory without a sweep is refused before Spark starts.
            SweepState state = cells.state();
            return new SparkSql(Sessions.forQuery(master.get()), directory, state, configuration, guard);
        }
        if (!EmbeddedSql.available()) {
            throw new UserError("the embedded engine's library (libduckdb_java.so_linux_…) does not lie beside the"
                    + " application jar; put it there, or ask Spark with --master 'local[*]'");
        }
        return EmbeddedSql.open(directory, cells, configuration, guard);
    }

    private void answer(SqlEngine engine, String question) {
        if (format == RowFormat.PARQUET) {
            engine.save(question, output.orElseThrow());
        } else if (output.isPresent()) {
            StringWriter text = new StringWriter();
            PrintWriter out = new PrintWriter(text);
            format.print(engine.ask(question), out);
            out.flush();
            LocalFile.replace(output.get(), text.toString());
        } else {
            PrintWriter out = command.commandLine().getOut();
            format.print(engine.ask(question), out);
            out.flush();
        }
    }

    private void warn(List<LackingSteps> lacking) {
        PrintWriter err = command.commandLine().getErr();
        lacking.stream().limit(WARNINGS).forEach(cell -> err.println("warning: " + cell.sentence()));
        if (lacking.size() > WARNINGS) {
            err.println("warning: " + (lacking.size() - WARNINGS) + " more cells lack files");
        }
        err.flush();
    }
}
