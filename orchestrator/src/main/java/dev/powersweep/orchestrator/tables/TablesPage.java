package dev.powersweep.orchestrator.tables;

import java.util.Map;

/** The page {@code docs/tables.md}, made from the tables' definitions. */
final class TablesPage {
    private static final Map<String, String> INTRODUCTIONS = Map.of(
            "cells",
            "One row a cell, a snapshot of the ledger that is replaced as a whole every few seconds while a sweep runs"
                    + " and at its end. A killed driver leaves it behind the times; the next submit, fit or report"
                    + " brings it up to the ledger, from which query and status answer at once.",
            "steps",
            "One row an optimiser step. Files are published with the checkpoint that stands for them, so each (cell,"
                    + " step) appears once whatever was killed.",
            "evals",
            "One row an evaluation of a cell on a held-out set; each (cell, step, set) appears once.",
            "fits",
            "One row a parameter of a fitted law; replaced as a whole by each fit.");

    private TablesPage() {}

    static String text() {
        StringBuilder page = new StringBuilder(
                """
                # Tables

                The results of a sweep are Parquet files (ZSTD) in `DIR/tables/{cells,steps,evals,fits}`, readable by anything
                that reads Parquet. The directories are flat, names that begin with `_` or `.` are unfinished files, and a
                reader at any moment sees whole rows or none.

                While a sweep of many cells runs, its driver merges small files of cells that have a result into files named
                `merged-*.parquet`. No reader ever sees a row twice. One that takes whatever lies in the directory may, for the moment
                of a merge, miss the rows that are being merged; `powersweep query`, `fit` and `report` see them at every moment, because
                they heed the records in `DIR/merges`.

                ```
                powersweep query DIR "select state, count(*) from cells group by state"
                duckdb -c "select * from 'DIR/tables/steps/*.parquet' limit 5"
                spark.read.parquet("DIR/tables/steps")
                ```

                ## SQL

                `powersweep query` answers one `SELECT` or `WITH` over `cells`, `steps`, `evals` and `fits`, by an embedded engine (DuckDB) on
                the machine that asks, or by Spark SQL with `--master URL`. What both accept, and what the [cookbook](cookbook.md) keeps to:

                * names without quotes, or in `"double quotes"` (backticks are taken for them); text in `'single quotes'`;
                * joins, `with`, subqueries, `group by 1`, `having`, `case`, window functions;
                * `count`, `min`, `max`, `sum`, `avg`, `median`, `stddev_samp`, `min_by`, `max_by`; `round`, `ln`, `log2`, `log10`, `power`,
                  `sqrt`, `abs`, `coalesce`, `concat`, `like`;
                * absent values come first in ascending order and last in descending; division is that of real numbers; timestamps are UTC.

                Anything else is refused: statements that create, change or attach, other files, extensions, settings, functions that
                call programs. `--unsafe` lifts that, with your own rights. `cells` is made from the ledger, and [kept on this
                host](operations.md#the-hosts-cache) until the ledger changes; checksums of the pages of every file that a query reads
                are compared. A table on HDFS or S3 is copied for the command when a query names it, where all have at most 512 MiB;
                larger ones are Spark's. Control characters in names and messages are replaced when printed and kept, escaped, in JSON;
                CSV writes `'` before text that a spreadsheet would take for a formula.

                `fits` join nothing; `cells.cell = steps.cell = evals.cell`. A column that may be absent is null where it is.
                Losses are cross-entropy in nats per token; all counts follow the conventions that their columns name.
                """);
        for (Table<?> table : Table.ALL) {
            page.append("\n## ").append(table.name()).append("\n\n");
            page.append(INTRODUCTIONS.get(table.name())).append("\n\n");
            page.append("| column | type | unit | since | meaning |\n|---|---|---|---|---|\n");
            for (Table.ColumnInfo column : table.columns()) {
                page.append("| `")
                        .append(column.name())
                        .append("` | ")
                        .append(column.type())
                        .append(column.optional() ? ", may be absent" : "")
                        .append(" | ")
                        .append(column.unit().replace("|", "\\|"))
                        .append(" | ")
                        .append(column.since())
                        .append(" | ")
                        .append(column.meaning().replace("|", "\\|"))
                        .append(" |\n");
            }
        }
        return page.toString();
    }
}
