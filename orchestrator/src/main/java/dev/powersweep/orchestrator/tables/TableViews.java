package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.PathOption;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** The tables of a sweep as Spark's views {@code cells}, {@code steps}, {@code evals} and {@code fits}. */
public final class TableViews {
    private static final Pattern CHUNK = Pattern.compile("([0-9a-f]{16})-(\\d{9,15})-(\\d{9,15})-\\d+\\.parquet");

    private TableViews() {}

    /**
     * Registers the views. {@code cells} is made from the ledger, so that it is never behind it.
     *
     * @throws dev.powersweep.orchestrator.storage.UserError when the file of the cells table is damaged
     */
    public static void register(
            SparkSession session, SweepDirectory directory, SweepState state, Configuration configuration) {
        ResultTables tables = new ResultTables(directory, configuration);
        // The file is read first, so that damage to it is reported even though the rows come from the ledger.
        tables.cells();
        List<Row> cells = CellsTable.rows(state).stream()
                .map(Table.CELLS::values)
                .map(RowFactory::create)
                .toList();
        session.createDataFrame(cells, schema(Table.CELLS)).createOrReplaceTempView(Table.CELLS.name());
        for (Table<?> table : List.of(Table.STEPS, Table.EVALS, Table.FITS)) {
            TableFiles.Listing listing = tables.listing(table);
            listing.entries().forEach(TableFile::requireSize);
            String[] files = listing.plain()
                    ? new String[] {directory.table(table.name()).toString()}
                    : listing.entries().stream()
                            .map(Storage.Entry::path)
                            .map(Object::toString)
                            .toArray(String[]::new);
            Dataset<Row> rows = listing.entries().isEmpty()
                    ? session.createDataFrame(List.of(), schema(table))
                    : session.read()
                            .schema(schema(table))
                            .option(PathOption.AS_PATTERNS, "false")
                            .parquet(files);
            rows.createOrReplaceTempView(table.name());
        }
    }

    /** Those of the cells whose steps are no longer all in the table's files, in the same order. */
    public static List<LackingSteps> lacking(
            SweepDirectory directory, List<EndedCell> ended, Configuration configuration) {
        TableFiles.Listing listing = new ResultTables(directory, configuration).listing(Table.STEPS);
        Set<String> merged = listing.merges().stream()
                .flatMap(merge -> merge.cells().stream())
                .map(Merge.Member::cell)
                .collect(Collectors.toSet());
        Map<String, Long> steps = new HashMap<>();
        for (Storage.Entry file : listing.entries()) {
            Matcher chunk = CHUNK.matcher(file.name());
            if (chunk.matches()) {
                long rows = Long.parseLong(chunk.group(3)) - Long.parseLong(chunk.group(2)) + 1;
                steps.merge(chunk.group(1), rows, Long::sum);
            }
        }
        return ended.stream()
                .filter(cell -> !merged.contains(cell.id()))
                .map(cell -> new LackingSteps(directory, cell, steps.getOrDefault(cell.id(), 0L)))
                .filter(lacking -> lacking.found() < lacking.cell().steps())
                .toList();
    }

    /** Throws {@link dev.powersweep.orchestrator.storage.UserError} naming the first damaged file, if there is one. */
    public static void requireWhole(SweepDirectory directory, Storage storage, Configuration configuration) {
        ResultTables tables = new ResultTables(directory, configuration);
        for (Table<?> table : Table.ALL) {
            for (Storage.Entry file : tables.files(table, "")) {
                TableFile.notes(storage, file);
            }
        }
    }

    static StructType schema(Table<?> table) {
        return new StructType(table.columns().stream()
                .map(column -> DataTypes.createStructField(column.name(), type(column.type()), column.optional()))
                .toArray(StructField[]::new));
    }

    private static DataType type(String name) {
        return switch (name) {
            case "string" -> DataTypes.StringType;
            case "int" -> DataTypes.IntegerType;
            case "long" -> DataTypes.LongType;
            case "double" -> DataTypes.DoubleType;
            case "boolean" -> DataTypes.BooleanType;
            case "timestamp" -> DataTypes.TimestampType;
            default -> throw new IllegalArgumentException("no Spark type for " + name);
        };
    }
}
