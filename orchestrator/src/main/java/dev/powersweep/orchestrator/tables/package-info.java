/**
 * The result tables: one record a row, from which Parquet schemas, writers, readers and the documentation follow.
 *
 * <p>Absent values are null in the files and empty {@code Optional}s in rows; tables are flat directories of files that
 * are never changed after they got their name, but for {@code cells} and {@code fits}, whose one file is replaced.
 */
package dev.powersweep.orchestrator.tables;
