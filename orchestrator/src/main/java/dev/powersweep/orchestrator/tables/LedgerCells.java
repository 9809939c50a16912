package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.executor.host.KeptFiles;
import dev.powersweep.orchestrator.ledger.KeptProjection;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * Where a question finds the rows of {@code cells}: in the ledger, which takes seconds to read where it tells of ten
 * thousand cells; or in a Parquet file that an earlier question made of the same ledger.
 */
public final class LedgerCells {
    private final SweepDirectory directory;
    private final Configuration configuration;
    private final KeptProjection projection;
    private final Optional<Path> kept;
    private Optional<SweepState> state = Optional.empty();

    /** @param projection where the rows are kept */
    LedgerCells(SweepDirectory directory, Configuration configuration, KeptProjection projection) {
        this.directory = directory;
        this.configuration = configuration;
        this.projection = projection;
        this.kept = projection.find();
    }

    /** Of a sweep as its ledger lies now. */
    public static LedgerCells of(SweepDirectory directory, Configuration configuration) {
        return new LedgerCells(
                directory, configuration, KeptProjection.ofUser(directory, configuration, Table.CELLS.name()));
    }

    /** A Parquet file with the rows, in the order that cells were planned. */
    Optional<Path> kept() {
        return kept;
    }

    /**
     * The sweep as its ledger tells it, read once.
     *
     * @throws dev.powersweep.orchestrator.storage.UserError when the directory holds no sweep, or its ledger is damaged
     */
    public SweepState state() {
        if (state.isEmpty()) {
            state = Optional.of(LedgerReader.open(directory, configuration));
        }
        return state.get();
    }

    /** Keeps the rows that were made of {@link #state}. */
    void keep(KeptFiles.Maker maker) {
        projection.keep(maker);
    }
}
