package dev.powersweep.orchestrator.cellstore;

import dev.powersweep.orchestrator.cellstore.CellManifest.Chunk;
import dev.powersweep.orchestrator.cellstore.CellManifest.StoredCheckpoint;
import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SharedSteps;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.RowBudget;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.orchestrator.tables.TableFile;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.StoredName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The newest state that another cell of the same trunk has kept, with all rows up to it. Whatever is missing or damaged
 * of it, the cell can do without: it then trains those steps itself, to the same numbers.
 */
public final class ParentRun {
    private static final Logger LOG = LogManager.getLogger(ParentRun.class);

    /**
     * A state on local disk.
     *
     * @param steps rows under the receiving cell's name
     */
    public record Inherited(
            CellStore.LocalCheckpoint checkpoint, List<StepRow> steps, List<EvalRow> evals, SharedSteps shared) {}

    private record Beginning(String trunk, long step) {}

    private record Offer(CellManifest parent, StoredCheckpoint state) {}

    private final Storage storage;
    private final SweepDirectory directory;
    private final AttemptOrder order;
    private final Cell cell;

    public ParentRun(Storage storage, SweepDirectory directory, AttemptOrder order) {
        this.storage = storage;
        this.directory = directory;
        this.order = order;
        this.cell = order.gridCell().cell();
    }

    /** @param local directory for the state */
    public Optional<Inherited> find(Path local) {
        List<Offer> offers = new ArrayList<>();
        for (String parent : order.parents()) {
            try {
                CellStore.newest(storage, directory, parent).ifPresent(manifest -> manifest.trunk().states().stream()
                        .filter(state -> state.step() <= cell.trunkSteps())
                        .forEach(state -> offers.add(new Offer(manifest, state))));
            } catch (IOException e) {
                LOG.warn("cell {} cannot go on from cell {}: {}", cell.id(), parent, e.toString());
            }
        }
        offers.sort(Comparator.comparingLong((Offer offer) -> offer.state().step())
                .reversed()
                .thenComparing(offer -> offer.parent().cell()));
        for (Offer offer : offers) {
            try {
                return Optional.of(accept(offer, local));
            } catch (IOException | UserError e) {
                LOG.info(
                        "cell {} does not go on from step {} of cell {}: {}",
                        cell.id(),
                        offer.state().step(),
                        offer.parent().cell(),
                        e.toString());
            }
        }
        return Optional.empty();
    }

    private Inherited accept(Offer offer, Path local) throws IOException {
        org.apache.hadoop.fs.Path home = directory.checkpoints(offer.parent().cell());
        StoredCheckpoint state = offer.state();
        long sets = cell.evaluation().sets().size();
        RowBudget budget = new RowBudget(() -> (state.step() + 1) * (1 + sets));
        List<StepRow> steps = new ArrayList<>();
        List<EvalRow> evals = new ArrayList<>();
        for (Chunk chunk : offer.parent().trunk().upTo(state.step()).chunks()) {
            org.apache.hadoop.fs.Path file = Storage.child(home, chunk.pending());
            if (chunk.table().equals(Table.STEPS.name())) {
                TableFile.read(storage, file, Table.STEPS, budget).forEach(row -> steps.add(mine(row)));
            } else {
                TableFile.read(storage, file, Table.EVALS, budget).forEach(row -> evals.add(mine(row)));
            }
        }
        Set<Long> distinct = new HashSet<>();
        steps.forEach(row -> distinct.add(row.step()));
        if (steps.size() != state.step() || distinct.size() != steps.size()) {
            throw new IOException("its rows are not all there");
        }
        Path file = local.resolve("trunk-" + StoredName.file(state.file()));
        storage.download(Storage.child(home, state.file()), file);
        if (!Digests.sha256(file).equals(state.sha256())) {
            throw new IOException("its state is damaged");
        }
        return new Inherited(
                new CellStore.LocalCheckpoint(file, state.bytes(), state.sha256()),
                steps,
                evals,
                new SharedSteps(offer.parent().cell(), state.step()));
    }

    private StepRow mine(StepRow row) {
        return new StepRow(
                cell.id(),
                order.attempt(),
                row.step(),
                row.tokens(),
                row.loss(),
                row.learningRate(),
                row.gradientNorm(),
                row.gradientSquareSmall(),
                row.gradientSquareBig(),
                row.seconds());
    }

    private EvalRow mine(EvalRow row) {
        return new EvalRow(
                cell.id(),
                order.attempt(),
                row.step(),
                row.tokens(),
                row.set(),
                row.loss(),
                row.standardError(),
                row.bitsPerByte(),
                row.tokensScored(),
                row.seconds());
    }

    /**
     * Deletes the state that a cell began from, once the cell has ended. Kept are the state at which the parent's own
     * cooldown begins, since a cell of larger D may go on from it later, and states that the parent may resume from.
     */
    public static void release(Storage storage, SweepDirectory directory, SharedSteps shared) {
        release(storage, directory, shared.cell(), Set.of(shared.steps()));
    }

    /**
     * Deletes what {@link #release} had to leave because the parent might have had to go on from it. To be called when no
     * attempt runs.
     *
     * @param ran cells of the run that has ended
     */
    public static void releaseAll(Storage storage, SweepDirectory directory, SweepState state, Set<String> ran) {
        // States that cells which are still to end may begin from.
        Set<Beginning> needed = state.cells().stream()
                .filter(cell -> !cell.state().terminal() && cell.cell().trunkSteps() > 0)
                .map(cell -> new Beginning(cell.cell().trunk(), cell.cell().trunkSteps()))
                .collect(Collectors.toSet());
        Map<String, Set<Long>> begun = new HashMap<>();
        for (CellRecord cell : state.cells()) {
            cell.last()
                    .flatMap(AttemptReport::shared)
                    .filter(shared -> cell.state().terminal()
                            && !needed.contains(new Beginning(cell.cell().trunk(), shared.steps()))
                            && (ran.contains(cell.cell().id()) || ran.contains(shared.cell()))
                            && state.cell(shared.cell())
                                    .filter(parent -> parent.state().terminal())
                                    .isPresent())
                    .ifPresent(shared -> begun.computeIfAbsent(shared.cell(), parent -> new HashSet<>())
                            .add(shared.steps()));
        }
        // On an object store each is a few requests.
        begun.entrySet().parallelStream().forEach(each -> release(storage, directory, each.getKey(), each.getValue()));
    }

    private static void release(Storage storage, SweepDirectory directory, String cell, Set<Long> steps) {
        try {
            Optional<CellManifest> parent = CellStore.newest(storage, directory, cell);
            if (parent.isEmpty()) {
                return;
            }
            List<StoredCheckpoint> states = parent.get().trunk().states();
            Set<String> inUse = new HashSet<>();
            parent.get().checkpoints().forEach(each -> inUse.add(each.file()));
            for (StoredCheckpoint state : states.subList(0, Math.max(0, states.size() - 1))) {
                if (steps.contains(state.step()) && !inUse.contains(state.file())) {
                    storage.delete(Storage.child(directory.checkpoints(cell), state.file()));
                }
            }
        } catch (IOException e) {
            LOG.info("a state of cell {} that nobody needs any more stays: {}", cell, e.toString());
        }
    }
}
