package dev.powersweep.orchestrator.tables;

import static scala.jdk.javaapi.CollectionConverters.asJava;

import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.ExpressionWithUnresolvedIdentifier;
import org.apache.spark.sql.catalyst.analysis.PlanWithUnresolvedIdentifier;
import org.apache.spark.sql.catalyst.analysis.UnresolvedExecuteImmediate;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.plans.QueryPlan;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.ExecutableDuringAnalysis;
import org.apache.spark.sql.catalyst.plans.logical.InsertIntoStatement;
import org.apache.spark.sql.catalyst.plans.logical.ScriptTransformation;

/** SQL by Spark, for tables that one machine should not read: as many executors as the master has. */
public final class SparkSql implements SqlEngine {
    private static final Pattern UNREADABLE = Pattern.compile("while reading file (\\S+\\.parquet)");
    /** Functions that call any Java method, or read what is not a table. */
    private static final Set<String> CALLS = Set.of("reflect", "try_reflect", "java_method", "load_file", "xpath");

    private final SparkSession session;
    private final SweepDirectory directory;
    private final Configuration configuration;
    private final Guard guard;
    private final List<EndedCell> ended;

    /** Takes over the session, and registers the tables in it. */
    public SparkSql(
            SparkSession session,
            SweepDirectory directory,
            SweepState state,
            Configuration configuration,
            Guard guard) {
        this.session = session;
        this.directory = directory;
        this.configuration = configuration;
        this.guard = guard;
        this.ended = EndedCell.of(state);
        // What Spark logs of a failing query is said in one sentence.
        session.sparkContext().setLogLevel("OFF");
        session.conf().set("spark.sql.ansi.doubleQuotedIdentifiers", "true");
        if (guard == Guard.ON) {
            session.conf().set("spark.sql.runSQLOnFiles", "false");
        }
        TableViews.register(session, directory, state, configuration);
    }

    @Override
    public Answer ask(String sql) {
        try {
            Dataset<Row> answer = dataset(sql);
            List<List<Optional<Object>>> rows = new ArrayList<>();
            for (Row row : answer.collectAsList()) {
                List<Optional<Object>> values = new ArrayList<>(row.size());
                for (int i = 0; i < row.size(); i++) {
                    values.add(Optional.ofNullable(row.get(i)));
                }
                rows.add(values);
            }
            return new Answer(List.of(answer.columns()), rows);
        } catch (UserError e) {
            throw e;
        } catch (Exception | VirtualMachineError e) {
            // Spark throws checked exceptions that it does not declare to Java.
            throw refused(e);
        }
    }

    private Dataset<Row> dataset(String sql) throws Exception {
        String text = SqlText.standard(sql);
        if (guard == Guard.ON) {
            requireQuery(session.sessionState().sqlParser().parsePlan(text), text);
        }
        return session.sql(text);
    }

    private static void requireQuery(QueryPlan<?> plan, String sql) {
        if (plan instanceof Command
                || plan instanceof InsertIntoStatement
                || plan instanceof ScriptTransformation
                || plan instanceof UnresolvedExecuteImmediate
                || plan instanceof ExecutableDuringAnalysis) {
            throw new UserError(SqlText.onlyQueries(sql));
        }
        if (plan instanceof PlanWithUnresolvedIdentifier) {
            throw computedName();
        }
        asJava(plan.expressions()).forEach(expression -> requireQuery(expression, sql));
        asJava(plan.children()).forEach(child -> requireQuery((QueryPlan<?>) child, sql));
        asJava(plan.innerChildren()).forEach(child -> requireQuery((QueryPlan<?>) child, sql));
    }

    /** What it is becomes known only while Spark works on it: a statement of any kind, or any function. */
    private static UserError computedName() {
        return new UserError(
                "the SQL was refused: IDENTIFIER works out a name that could be any; write the name itself, or say"
                        + " --unsafe to run it nevertheless");
    }

    private static void requireQuery(Expression expression, String sql) {
        if (expression instanceof ExpressionWithUnresolvedIdentifier) {
            throw computedName();
        }
        if (expression instanceof UnresolvedFunction function) {
            List<String> name = asJava(function.nameParts());
            if (CALLS.contains(name.get(name.size() - 1).toLowerCase(Locale.ROOT))) {
                throw new UserError("the SQL was refused: " + name.get(name.size() - 1)
                        + " reaches beyond the tables; --unsafe runs it nevertheless");
            }
        }
        if (expression instanceof PlanExpression<?> inner) {
            requireQuery((QueryPlan<?>) inner.plan(), sql);
        }
        asJava(expression.children()).forEach(child -> requireQuery(child, sql));
    }

    @Override
    public List<EndedCell> ended() {
        return ended;
    }

    @Override
    public void save(String sql, Path file) {
        Path absolute = file.toAbsolutePath();
        try {
            Path folder = Files.createTempDirectory(absolute.getParent(), "_query");
            try {
                dataset(sql)
                        .coalesce(1)
                        .write()
                        .mode("overwrite")
                        .option("compression", "zstd")
                        .parquet(folder.toUri().toString());
                try (Stream<Path> written = Files.list(folder)) {
                    Path part = written.filter(name -> name.toString().endsWith(TableFile.SUFFIX))
                            .findFirst()
                            .orElseThrow(() -> new IOException("Spark wrote no file"));
                    Files.move(part, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                }
            } finally {
                try (Stream<Path> below = Files.walk(folder)) {
                    for (Path left : below.sorted(Comparator.reverseOrder()).toList()) {
                        Files.deleteIfExists(left);
                    }
                }
            }
        } catch (UserError e) {
            throw e;
        } catch (IOException e) {
            throw new UserError(file + ": cannot be written (" + e + "); choose another file with --output", e);
        } catch (Exception | VirtualMachineError e) {
            throw refused(e);
        }
    }

    private UserError refused(Throwable failure) {
        Optional<VirtualMachineError> machine = ofMachine(failure);
        if (machine.isPresent()) {
            return gaveOut(machine.get(), failure);
        }
        String message = sentence(failure);
        boolean sqlItself = failure instanceof SparkThrowable spark
                && (spark.getSqlState() != null && spark.getSqlState().startsWith("42"));
        if (!sqlItself) {
            try {
                TableViews.requireWhole(directory, directory.storage(configuration), configuration);
            } catch (IOException e) {
                throw new UserError("cannot read " + directory.root() + ": " + e.getMessage(), e);
            }
            Matcher unreadable = UNREADABLE.matcher(message);
            if (unreadable.find()) {
                return TableFile.damaged(new org.apache.hadoop.fs.Path(unreadable.group(1)), failure);
            }
        }
        String hint =
                message.contains("TABLE_OR_VIEW_NOT_FOUND") ? "; the tables are cells, steps, evals and fits" : "";
        return new UserError("the SQL was refused: " + message + hint, failure);
    }

    /** What the JVM could not do, here or in a task. */
    private static Optional<VirtualMachineError> ofMachine(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof VirtualMachineError error) {
                return Optional.of(error);
            }
        }
        return Optional.empty();
    }

    private static UserError gaveOut(VirtualMachineError error, Throwable failure) {
        if (error instanceof OutOfMemoryError memory) {
            // The command line has the remedy.
            throw memory;
        }
        return new UserError(
                error instanceof StackOverflowError
                        ? "the SQL was refused: it goes deeper than a thread's stack, as a pattern like (a|b)* does in a"
                                + " long text; simplify it"
                        : "the question was not answered, because Java gave out (" + error + "); ask again",
                failure);
    }

    /** The first line that says something of Spark's message. */
    private static String sentence(Throwable failure) {
        String message = failure.getMessage();
        return message == null
                ? failure.toString()
                : message.lines()
                        .filter(line -> !line.isBlank())
                        .findFirst()
                        .orElse("")
                        .strip();
    }

    @Override
    public void cancel() {
        session.sparkContext().cancelAllJobs();
    }

    @Override
    public void close() {
        session.stop();
    }
}
