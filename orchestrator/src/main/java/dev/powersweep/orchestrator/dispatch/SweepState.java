package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.ModelCounts;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A sweep as its ledger tells it so far. Not safe for use by several threads. */
public final class SweepState {
    private final Map<String, CellRecord> cells = new LinkedHashMap<>();
    private final Map<CellState, Integer> counts = new EnumMap<>(CellState.class);
    private final Map<FailureClass, Integer> failures = new EnumMap<>(FailureClass.class);
    private Optional<LedgerEvent.Submitted> submitted = Optional.empty();
    private Optional<LedgerEvent.DriverStarted> driver = Optional.empty();
    private Optional<String> stopped = Optional.empty();
    private final Map<String, String> excludedHosts = new LinkedHashMap<>();
    private final List<LedgerEvent.Merged> merges = new ArrayList<>();
    private final ReportedSizes sizes = new ReportedSizes();
    private final Map<String, LedgerEvent.CorpusRead> corpora = new LinkedHashMap<>();

    /**
     * Takes one more event in.
     *
     * @throws IllegalStateException when the event cannot follow what came before
     */
    public void apply(LedgerEvent event) {
        if (event instanceof LedgerEvent.DriverStarted started) {
            driver = Optional.of(started);
            excludedHosts.clear();
        } else if (event instanceof LedgerEvent.Submitted given) {
            submitted = Optional.of(given);
            stopped = Optional.empty();
        } else if (event instanceof LedgerEvent.CorpusRead read) {
            corpora.put(read.corpusHash(), read);
        } else if (event instanceof LedgerEvent.Planned planned) {
            String id = planned.cell().id();
            PlannedCell cell = new PlannedCell(
                    new GridCell(planned.name(), planned.cell()), planned.predictedSeconds(), planned.memoryBytes());
            CellRecord before = cells.get(id);
            put(id, before == null ? CellRecord.of(cell) : before.replanned(cell));
        } else if (event instanceof LedgerEvent.Running running) {
            CellRecord cell = moving(running.cell(), CellState.RUNNING);
            if (running.attempt() <= cell.attempts()) {
                throw new IllegalStateException("attempt " + running.attempt() + " of cell " + running.cell()
                        + " begins after attempt " + cell.attempts());
            }
            put(running.cell(), cell.running(running.attempt(), running.microBatchSequences()));
        } else if (event instanceof LedgerEvent.Ended ended) {
            AttemptReport report = ended.report();
            CellRecord cell = moving(report.cell(), report.state());
            if (report.attempt() != cell.attempts()) {
                throw new IllegalStateException("attempt " + report.attempt() + " of cell " + report.cell()
                        + " ends while attempt " + cell.attempts() + " runs");
            }
            put(report.cell(), cell.ended(report));
            report.size().ifPresent(size -> sizes.reported(cell.cell(), size));
        } else if (event instanceof LedgerEvent.Requested requested) {
            CellRecord cell = known(requested.cell());
            if (cell.state() != CellState.PLANNED) {
                moving(requested.cell(), CellState.PLANNED);
            }
            put(requested.cell(), cell.requested(requested.beginning()));
        } else if (event instanceof LedgerEvent.HostExcluded excluded) {
            excludedHosts.put(excluded.host(), excluded.reason());
        } else if (event instanceof LedgerEvent.Merged merged) {
            merges.add(merged);
        } else if (event instanceof LedgerEvent.SweepStopped end) {
            stopped = Optional.of(end.reason());
        }
    }

    private CellRecord moving(String id, CellState to) {
        CellRecord cell = known(id);
        if (!Transitions.allowed(cell.state(), to)) {
            throw new IllegalStateException("cell " + id + " cannot go from " + cell.state() + " to " + to);
        }
        return cell;
    }

    private CellRecord known(String id) {
        CellRecord cell = cells.get(id);
        if (cell == null) {
            throw new IllegalStateException("cell " + id + " was never planned");
        }
        return cell;
    }

    private void put(String id, CellRecord after) {
        CellRecord before = cells.put(id, after);
        if (before != null) {
            counts.merge(before.state(), -1, Integer::sum);
            before.failures().forEach((failure, count) -> count(failure, -count));
        }
        counts.merge(after.state(), 1, Integer::sum);
        after.failures().forEach(this::count);
    }

    /** Classes without a failure have no entry. */
    private void count(FailureClass failure, int more) {
        int sum = failures.getOrDefault(failure, 0) + more;
        if (sum == 0) {
            failures.remove(failure);
        } else {
            failures.put(failure, sum);
        }
    }

    /** In the order they were planned. */
    public Collection<CellRecord> cells() {
        return Collections.unmodifiableCollection(cells.values());
    }

    public Optional<CellRecord> cell(String id) {
        return Optional.ofNullable(cells.get(id));
    }

    /** How large a cell's model is, as far as the cell says or a program has reported. */
    public ModelCounts size(Cell cell) {
        return sizes.of(cell);
    }

    public int count(CellState state) {
        return counts.getOrDefault(state, 0);
    }

    /** Failed attempts of all cells by class, each since its cell was planned or asked for again. */
    public Map<FailureClass, Integer> failures() {
        return Collections.unmodifiableMap(failures);
    }

    /** What was submitted last; empty for a directory that holds no sweep. */
    public Optional<LedgerEvent.Submitted> submitted() {
        return submitted;
    }

    /** What a corpus was read from; empty where that was not told, as in ledgers of older versions. */
    public Optional<LedgerEvent.CorpusRead> corpusRead(String corpusHash) {
        return Optional.ofNullable(corpora.get(corpusHash));
    }

    /** The driver that wrote last. */
    public Optional<LedgerEvent.DriverStarted> driver() {
        return driver;
    }

    /** Hosts that get no more cells of the driver that wrote last, each with the reason. */
    public Map<String, String> excludedHosts() {
        return Collections.unmodifiableMap(excludedHosts);
    }

    /** Why the sweep was stopped before its end, if it was. */
    public Optional<String> stopped() {
        return stopped;
    }

    /** Merges of small files, in their order. */
    public List<LedgerEvent.Merged> merges() {
        return Collections.unmodifiableList(merges);
    }
}
