package dev.powersweep.orchestrator.ledger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.io.IOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.hadoop.conf.Configuration;

/**
 * Where a sweep stands, from its ledger and its driver's last heartbeat.
 *
 * @param states every state with its cells, zeros included
 * @param failures failed attempts by class, those that were tried again included
 * @param troubled cells that have failed, or wait to be tried again
 * @param driver who wrote last
 * @param live what the living driver sees; empty without one
 * @param tokens trained and stored
 * @param meanTokensPerSecond of a slot, over finished cells; empty before the first
 * @param stopped why the last run ended before its end, if it did
 * @param excludedHosts that get no more cells of the last driver, each with the reason
 */
public record SweepStatus(
        String sweep,
        String directory,
        int cells,
        Map<CellState, Integer> states,
        Map<FailureClass, Integer> failures,
        List<Trouble> troubled,
        String driver,
        boolean driverAlive,
        Optional<LiveNumbers> live,
        long tokens,
        OptionalDouble meanTokensPerSecond,
        Optional<String> stopped,
        Map<String, String> excludedHosts) {

    /**
     * A cell in trouble.
     *
     * @param lastLines what its trainer or program wrote last, or a stack; empty when there is nothing
     * @param log below DIR; empty when none was kept
     */
    public record Trouble(
            String cell, String name, CellState state, String failure, String message, String lastLines, String log) {}

    /** Throws {@link UserError} when the directory holds no sweep. */
    public static SweepStatus read(SweepDirectory directory, Configuration configuration) {
        return read(directory, configuration, KeptProjection.ofUser(directory, configuration, "status"));
    }

    /** @param kept where what is made of the ledger is kept */
    static SweepStatus read(SweepDirectory directory, Configuration configuration, KeptProjection kept) {
        LedgerSummary ledger = LedgerSummary.read(directory, configuration, kept);
        Optional<Lease.Sighting> sighting;
        try {
            sighting = Lease.look(directory.storage(configuration), directory);
        } catch (IOException e) {
            throw new UserError("cannot read the lease of " + directory.root() + ": " + e.getMessage(), e);
        }
        boolean alive =
                sighting.map(seen -> seen.seemsAlive(Lease.Timing.DEFAULT)).orElse(false);
        Map<CellState, Integer> states = new EnumMap<>(ledger.states());
        if (!alive) {
            // Nobody is left to tell how they ended; the next driver finds them so.
            states.merge(CellState.INTERRUPTED, states.put(CellState.RUNNING, 0), Integer::sum);
        }
        return new SweepStatus(
                ledger.sweep(),
                directory.root().toString(),
                ledger.cells(),
                states,
                ledger.failures(),
                ledger.troubled(),
                sighting.map(seen -> seen.holder().text()).orElse(""),
                alive,
                alive ? sighting.flatMap(Lease.Sighting::heartbeat).flatMap(Lease.Heartbeat::live) : Optional.empty(),
                ledger.tokens(),
                ledger.meanTokensPerSecond(),
                ledger.stopped(),
                ledger.excludedHosts());
    }

    /** Cells that have no result yet and did not fail for good. */
    public int unfinished() {
        return states.get(CellState.PLANNED) + states.get(CellState.RUNNING) + states.get(CellState.INTERRUPTED);
    }

    /** The whole of it, one object; a number that is not finite, as of a cell before its first step, is null. */
    public String json() {
        ObjectNode json = LedgerJson.mapper().valueToTree(this);
        double live = this.live.map(LiveNumbers::tokensPerSecond).orElse(0.0);
        json.put("tokensPerSecond", live);
        OptionalDouble eta = this.live.map(LiveNumbers::etaSeconds).orElse(OptionalDouble.empty());
        if (eta.isPresent()) {
            json.put("etaSeconds", eta.getAsDouble());
        } else {
            json.putNull("etaSeconds");
        }
        onlyFinite(json);
        return LedgerJson.line(json);
    }

    /** JSON has no NaN; Jackson would write a text in its place. */
    private static void onlyFinite(JsonNode node) {
        if (node instanceof ObjectNode object) {
            object.properties().stream()
                    .filter(property -> property.getValue().isFloatingPointNumber()
                            && !Double.isFinite(property.getValue().doubleValue()))
                    .forEach(property -> property.setValue(NullNode.getInstance()));
        }
        node.forEach(SweepStatus::onlyFinite);
    }
}
