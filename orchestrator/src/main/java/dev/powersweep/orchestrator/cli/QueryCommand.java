package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.TableFile;
import dev.powersweep.orchestrator.tables.TableViews;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep query}: SQL over a sweep's tables. */
@Command(
        name = "query",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Answers SQL over a sweep's tables: cells, steps, evals, fits. docs/tables.md names every column.")
public final class QueryCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(index = "0", paramLabel = "DIR", description = "Directory of a sweep, on any Hadoop file system.")
    private String sweep = "";

    @Parameters(
            index = "1",
            paramLabel = "SQL",
            description = "E.g. \"select state, count(*) from cells group by state\".")
    private String sql = "";

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "table (default), csv or json: an array of objects.")
    private RowFormat format = RowFormat.TABLE;

    private static final int WARNINGS = 3;
    private static final Pattern UNREADABLE = Pattern.compile("while reading file (\\S+\\.parquet)");

    @Override
    public Integer call() {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory directory = SweepDirectory.at(sweep, configuration);
        SweepState state = LedgerReader.open(directory, configuration);
        try (SparkSession session = Sessions.forQuery()) {
            // What Spark logs of a failing query is said in one sentence below.
            session.sparkContext().setLogLevel("OFF");
            TableViews.register(session, directory, state, configuration);
            warn(TableViews.lacking(directory, state, configuration));
            Dataset<Row> answer = session.sql(sql);
            List<Row> rows = answer.collectAsList();
            PrintWriter out = command.commandLine().getOut();
            format.print(List.of(answer.columns()), rows, out);
            out.flush();
            return CommandLine.ExitCode.OK;
        } catch (UserError e) {
            throw e;
        } catch (Exception e) {
            // Spark throws checked exceptions that it does not declare to Java.
            throw refused(e, directory, configuration);
        }
    }

    private void warn(List<String> lacking) {
        PrintWriter err = command.commandLine().getErr();
        lacking.stream().limit(WARNINGS).forEach(sentence -> err.println("warning: " + sentence));
        if (lacking.size() > WARNINGS) {
            err.println("warning: " + (lacking.size() - WARNINGS) + " more cells lack files");
        }
        err.flush();
    }

    private static UserError refused(Exception failure, SweepDirectory directory, Configuration configuration) {
        String message = sentence(failure);
        boolean sqlItself = failure instanceof SparkThrowable spark
                && (spark.getSqlState() != null && spark.getSqlState().startsWith("42"));
        if (!sqlItself) {
            try {
                TableViews.requireWhole(directory, Storage.of(directory.root(), configuration), configuration);
            } catch (IOException e) {
                throw new UserError("cannot read " + directory.root() + ": " + e.getMessage(), e);
            }
            Matcher unreadable = UNREADABLE.matcher(message);
            if (unreadable.find()) {
                return TableFile.damaged(new Path(unreadable.group(1)), failure);
            }
        }
        String hint =
                message.contains("TABLE_OR_VIEW_NOT_FOUND") ? "; the tables are cells, steps, evals and fits" : "";
        return new UserError("the SQL was refused: " + message + hint, failure);
    }

    /** The first line that says something of Spark's message. */
    private static String sentence(Exception failure) {
        String message = failure.getMessage();
        return message == null
                ? failure.toString()
                : message.lines()
                        .filter(line -> !line.isBlank())
                        .findFirst()
                        .orElse("")
                        .strip();
    }
}
