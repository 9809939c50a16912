package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * A sweep's tables as plain rows, without Spark. Damaged files are a {@link UserError} that names the file; a table that
 * has no file yet is empty.
 */
public final class ResultTables {
    private static final String FITS_FILE = "fits" + TableFile.SUFFIX;

    private final SweepDirectory directory;
    private final Storage storage;

    public ResultTables(SweepDirectory directory, Configuration configuration) {
        this.directory = directory;
        try {
            this.storage = Storage.of(directory.root(), configuration);
        } catch (IOException e) {
            throw new UserError("cannot reach " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    /** Every cell of the sweep as the snapshot has it, by name. */
    public List<CellRow> cells() {
        return sorted(read(Table.CELLS, ""), Comparator.comparing(row -> row.standing()
                .name()));
    }

    /** Every published step, by cell and step. */
    public List<StepRow> steps() {
        return sorted(read(Table.STEPS, ""), Comparator.comparing(StepRow::cell).thenComparingLong(StepRow::step));
    }

    /** The published steps of one cell, in order. */
    public List<StepRow> steps(String cell) {
        return sorted(read(Table.STEPS, cell), Comparator.comparingLong(StepRow::step));
    }

    /** Every published evaluation, by cell, set and step. */
    public List<EvalRow> evals() {
        return sorted(
                read(Table.EVALS, ""),
                Comparator.comparing(EvalRow::cell).thenComparing(EvalRow::set).thenComparingLong(EvalRow::step));
    }

    /** The published evaluations of one cell, by set and step. */
    public List<EvalRow> evals(String cell) {
        return sorted(
                read(Table.EVALS, cell), Comparator.comparing(EvalRow::set).thenComparingLong(EvalRow::step));
    }

    public List<FitRow> fits() {
        return read(Table.FITS, "");
    }

    /** Replaces the {@code fits} table in one step. */
    public void writeFits(List<FitRow> rows) {
        Path file = new Path(directory.table(Table.FITS.name()), FITS_FILE);
        Path unfinished = Storage.unfinished(file);
        try {
            TableFile.write(storage, unfinished, Table.FITS, rows, Map.of());
            storage.publishOver(unfinished, file);
        } catch (IOException e) {
            throw new UserError("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    private <R extends Record> List<R> read(Table<R> table, String prefix) {
        List<R> rows = new ArrayList<>();
        for (Storage.Entry file : files(table, prefix)) {
            rows.addAll(TableFile.read(storage, file.path(), table));
        }
        return rows;
    }

    /** The published files of a table whose names begin with {@code prefix}, by name. */
    public List<Storage.Entry> files(Table<?> table, String prefix) {
        Path path = directory.table(table.name());
        try {
            return storage.list(path).stream()
                    .filter(entry -> entry.kind() == Storage.Kind.FILE
                            && !Storage.unfinished(entry.name())
                            && entry.name().startsWith(prefix)
                            && entry.name().endsWith(TableFile.SUFFIX))
                    .sorted(Comparator.comparing(Storage.Entry::name))
                    .toList();
        } catch (IOException e) {
            throw new UserError("cannot list " + path + ": " + e.getMessage(), e);
        }
    }

    private static <R> List<R> sorted(List<R> rows, Comparator<R> order) {
        rows.sort(order);
        return rows;
    }
}
