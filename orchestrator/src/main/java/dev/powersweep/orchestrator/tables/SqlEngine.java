package dev.powersweep.orchestrator.tables;

import java.nio.file.Path;
import java.util.List;

/**
 * Answers SQL over the tables of one sweep. Statements other than one query are refused, and a query reads nothing but
 * the four tables, unless the engine was opened without guard.
 */
public interface SqlEngine extends AutoCloseable {
    /** Whether statements are held to one query over the four tables. */
    enum Guard {
        ON,
        OFF
    }

    /**
     * Answers a query.
     *
     * @throws dev.powersweep.orchestrator.storage.UserError where it is refused, or a file of a table is damaged
     */
    Answer ask(String sql);

    /** Cells with a result, in the order they were planned. */
    List<EndedCell> ended();

    /** Writes the answer as a Parquet file on the local disk, in one step. */
    void save(String sql, Path file);

    /** Stops the question being answered, from another thread; none is no error. */
    void cancel();

    @Override
    void close();
}
