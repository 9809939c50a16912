package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/**
 * What {@link SweepStatus} takes from the ledger alone.
 *
 * @param states every state with its cells, zeros included; running where no driver has told otherwise
 * @param failures failed attempts by class, those that were tried again included
 * @param troubled cells that have failed, or wait to be tried again
 * @param tokens trained and stored
 * @param meanTokensPerSecond of a slot, over finished cells; empty before the first
 * @param stopped why the last run ended before its end, if it did
 * @param excludedHosts that get no more cells of the last driver, each with the reason
 */
record LedgerSummary(
        String sweep,
        int cells,
        Map<CellState, Integer> states,
        Map<FailureClass, Integer> failures,
        List<SweepStatus.Trouble> troubled,
        long tokens,
        OptionalDouble meanTokensPerSecond,
        Optional<String> stopped,
        Map<String, String> excludedHosts) {

    /**
     * As the ledger lies now: made of it, or found where an earlier call for the same ledger left it.
     *
     * @throws dev.powersweep.orchestrator.storage.UserError when the directory holds no sweep
     */
    static LedgerSummary read(SweepDirectory directory, Configuration configuration, KeptProjection kept) {
        Optional<LedgerSummary> found = kept.find().flatMap(LedgerSummary::from);
        if (found.isPresent()) {
            return found.get();
        }
        LedgerSummary summary = of(LedgerReader.open(directory, configuration));
        kept.keep(file -> Files.write(file, LedgerJson.bytes(summary)));
        return summary;
    }

    private static Optional<LedgerSummary> from(Path file) {
        try {
            return Optional.of(LedgerJson.read(Files.readAllBytes(file), LedgerSummary.class));
        } catch (IOException e) {
            // Gone since it was found.
            return Optional.empty();
        }
    }

    static LedgerSummary of(SweepState state) {
        Map<CellState, Integer> states = new EnumMap<>(CellState.class);
        for (CellState each : CellState.values()) {
            states.put(each, state.count(each));
        }
        List<SweepStatus.Trouble> troubled = new ArrayList<>();
        long tokens = 0;
        double finishedTokens = 0;
        double finishedSeconds = 0;
        for (CellRecord cell : state.cells()) {
            if (cell.last().isEmpty()) {
                continue;
            }
            AttemptReport last = cell.last().get();
            tokens += cell.cell().tokensThrough(last.step());
            if (cell.state() == CellState.FINISHED) {
                finishedTokens += last.trainedTokens(cell.cell());
                finishedSeconds += last.seconds();
            } else if (last.failure().isPresent() && cell.state() != CellState.RUNNING) {
                troubled.add(new SweepStatus.Trouble(
                        cell.cell().id(),
                        cell.name(),
                        cell.state(),
                        last.failure().get().name(),
                        last.message(),
                        last.detail(),
                        last.log()));
            }
        }
        troubled.sort(Comparator.comparing(SweepStatus.Trouble::state).thenComparing(SweepStatus.Trouble::name));
        return new LedgerSummary(
                state.submitted().orElseThrow().sweep(),
                state.cells().size(),
                states,
                new TreeMap<>(state.failures()),
                troubled,
                tokens,
                finishedSeconds > 0 ? OptionalDouble.of(finishedTokens / finishedSeconds) : OptionalDouble.empty(),
                state.stopped(),
                state.excludedHosts());
    }
}
