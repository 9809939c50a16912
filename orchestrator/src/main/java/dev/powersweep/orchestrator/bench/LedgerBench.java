package dev.powersweep.orchestrator.bench;

import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.simulation.Hazards;
import dev.powersweep.orchestrator.simulation.SimulatedSweep;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.orchestrator.tables.CellsTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;

/** Writes the ledger of a simulated sweep and times the reads that drivers and users make of it. */
public final class LedgerBench {
    /**
     * @param planning from specification to plan
     * @param writing the whole ledger, the simulation that makes its events counted
     * @param replaying the ledger, as a driver does that takes the sweep over
     * @param status as the command does
     * @param table the cells table, made and written
     * @param files of the ledger
     * @param bytes of the ledger
     */
    public record Report(
            SimulatedSweep.Result sweep,
            DriverLoad planning,
            DriverLoad writing,
            DriverLoad replaying,
            DriverLoad status,
            DriverLoad table,
            int files,
            long bytes) {}

    private LedgerBench() {}

    /** @throws UserError where the directory holds a sweep already, or cannot be written */
    public static Report run(SweepDirectory directory, Configuration configuration, int cells, int slots, long seed)
            throws InterruptedException {
        try {
            Storage storage = directory.storage(configuration);
            if (!storage.list(directory.ledger()).isEmpty()) {
                throw new UserError(directory.root() + " holds a ledger already: name a directory that does not exist");
            }
            DriverLoad.Measured<Forecast> planned =
                    DriverLoad.of(() -> LargeGrid.forecast(LargeGrid.specification(cells), slots));
            DriverLoad.Measured<SimulatedSweep.Result> written =
                    DriverLoad.of(() -> write(storage, directory, planned.result(), slots, seed));
            DriverLoad.Measured<SweepState> replayed = DriverLoad.of(() -> LedgerReader.open(directory, configuration));
            DriverLoad.Measured<SweepStatus> status = DriverLoad.of(() -> SweepStatus.read(directory, configuration));
            DriverLoad.Measured<List<CellRow>> table =
                    DriverLoad.of(() -> table(storage, directory, replayed.result()));
            List<Storage.Entry> files = storage.list(directory.ledger());
            return new Report(
                    written.result(),
                    planned.load(),
                    written.load(),
                    replayed.load(),
                    status.load(),
                    table.load(),
                    files.size(),
                    files.stream().mapToLong(Storage.Entry::bytes).sum());
        } catch (IOException e) {
            throw new UserError("cannot use " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    private static SimulatedSweep.Result write(
            Storage storage, SweepDirectory directory, Forecast forecast, int slots, long seed) {
        AtomicReference<CompletableFuture<Void>> last = new AtomicReference<>(CompletableFuture.completedFuture(null));
        try (Ledger ledger =
                Ledger.open(storage, directory, "simulated", "simulated", Lease.Timing.DEFAULT, Optional::empty)) {
            SimulatedSweep.Result result = new SimulatedSweep(
                            forecast.plan(), slots, Hazards.USUAL, seed, events -> last.set(ledger.append(events)))
                    .run();
            last.get().join();
            return result;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static List<CellRow> table(Storage storage, SweepDirectory directory, SweepState state) {
        try {
            List<CellRow> rows = CellsTable.rows(state);
            CellsTable.write(storage, directory, rows);
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
