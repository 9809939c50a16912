package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * A sweep's tables as plain rows, without Spark. Damaged files are a {@link UserError} that names the file; a table that
 * has no file yet is empty.
 */
public final class ResultTables {
    private static final String FITS_FILE = "fits" + TableFile.SUFFIX;
    private static final int TRIES = 20;

    private final SweepDirectory directory;
    private final Storage storage;

    public ResultTables(SweepDirectory directory, Configuration configuration) {
        this.directory = directory;
        try {
            this.storage = directory.storage(configuration);
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
        List<StepRow> rows = read(Table.STEPS, cell);
        rows.removeIf(row -> !row.cell().equals(cell));
        return sorted(rows, Comparator.comparingLong(StepRow::step));
    }

    /** Every published evaluation, by cell, set and step. */
    public List<EvalRow> evals() {
        return sorted(
                read(Table.EVALS, ""),
                Comparator.comparing(EvalRow::cell).thenComparing(EvalRow::set).thenComparingLong(EvalRow::step));
    }

    /** The published evaluations of one cell, by set and step. */
    public List<EvalRow> evals(String cell) {
        List<EvalRow> rows = read(Table.EVALS, cell);
        rows.removeIf(row -> !row.cell().equals(cell));
        return sorted(rows, Comparator.comparing(EvalRow::set).thenComparingLong(EvalRow::step));
    }

    /**
     * Some columns of a published file, row by row in the file's order.
     *
     * @param file of {@link #listing}
     * @param row is given the values in the order of {@code columns}, null for absent ones; the array is used again
     */
    public void scan(Storage.Entry file, Table<?> table, List<String> columns, Consumer<Object[]> row) {
        TableFile.requireSize(file);
        TableFile.scan(storage, file.path(), table, columns, new RowBudget(() -> most(table)), row);
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

    private <R extends Record> List<R> read(Table<R> table, String cell) {
        for (int i = 1; ; i++) {
            List<R> rows = new ArrayList<>();
            try {
                RowBudget budget = new RowBudget(() -> most(table));
                for (Storage.Entry file : files(table, cell)) {
                    rows.addAll(TableFile.read(storage, file.path(), table, budget));
                }
                return rows;
            } catch (UserError e) {
                if (!missing(e) || i == TRIES) {
                    throw e;
                }
                // A living driver merged a file away between our listing and our reading.
            }
        }
    }

    /** Rows that a table can have by the ledger; a directory without a ledger is read as far as memory goes. */
    private long most(Table<?> table) {
        try {
            return RowBudget.most(LedgerReader.read(storage, directory), table);
        } catch (IOException e) {
            throw new UserError("cannot read the ledger of " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    private static boolean missing(Throwable failure) {
        return failure instanceof FileNotFoundException
                || failure instanceof NoSuchFileException
                || (failure.getCause() != null && missing(failure.getCause()));
    }

    /**
     * The published files of a table that count, by name.
     *
     * @param cell whose rows they hold, among others; empty for all
     */
    public List<Storage.Entry> files(Table<?> table, String cell) {
        TableFiles.Listing listing = listing(table);
        if (cell.isEmpty()) {
            return listing.entries();
        }
        Set<String> merged = listing.merges().stream()
                .filter(merge -> merge.holds(cell))
                .map(Merge::file)
                .collect(Collectors.toSet());
        return listing.entries().stream()
                .filter(entry -> entry.name().startsWith(cell) || merged.contains(entry.name()))
                .toList();
    }

    /** The files of a table that count, and whether they are all that lies in its directory. */
    public TableFiles.Listing listing(Table<?> table) {
        try {
            return TableFiles.list(storage, directory, table);
        } catch (IOException e) {
            throw new UserError("cannot list " + directory.table(table.name()) + ": " + e.getMessage(), e);
        }
    }

    private static <R> List<R> sorted(List<R> rows, Comparator<R> order) {
        rows.sort(order);
        return rows;
    }
}
