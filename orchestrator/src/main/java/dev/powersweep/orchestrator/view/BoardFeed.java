package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * From the ledger's events to the cells of a board. The Sweep tab and its event log, by which the History Server makes the
 * same board anew, and the pages of a directory without Spark are all fed by it.
 */
public final class BoardFeed {
    private final SweepState state;
    private final Function<String, Points> curves;
    private final Map<String, CellPlan> plans = new ConcurrentHashMap<>();
    /** Cells whose N nobody knows yet. */
    private final Set<String> unsized = new LinkedHashSet<>();

    /**
     * A cell's training curve as far as it is known here.
     *
     * @param tokens seen
     * @param loss nats/token
     */
    public record Points(double[] tokens, double[] loss) {
        public static final Points NONE = new Points(new double[0], new double[0]);
    }

    /** What a board is to be told. */
    public record News(List<CellPlan> plans, List<CellChange> changes) {}

    /**
     * @param state that events have been applied to before they come here
     * @param curves by identity of the cell; asked for when an attempt has ended
     */
    public BoardFeed(SweepState state, Function<String, Points> curves) {
        this.state = state;
        this.curves = curves;
    }

    /**
     * All cells that the state holds when a run begins, which no event tells of any more.
     *
     * @param now for cells that were begun and of which no end is known
     */
    public News known(Instant now) {
        News news = new News(new ArrayList<>(), new ArrayList<>());
        for (CellRecord cell : state.cells()) {
            news.plans().add(plan(cell));
            if (cell.attempts() > 0) {
                Instant at = cell.last().map(AttemptReport::endedAt).orElse(now);
                news.changes().add(change(cell, cell.last(), at));
            }
        }
        return news;
    }

    /** What one more event changes. */
    public News apply(LedgerEvent event) {
        News news = new News(new ArrayList<>(), new ArrayList<>());
        if (event instanceof LedgerEvent.Planned planned) {
            news.plans().add(plan(record(planned.cell().id())));
        } else if (event instanceof LedgerEvent.Running running) {
            news.changes().add(change(record(running.cell()), Optional.empty(), running.at()));
        } else if (event instanceof LedgerEvent.Ended ended) {
            AttemptReport report = ended.report();
            news.changes().add(change(record(report.cell()), Optional.of(report), ended.at()));
            if (report.size().isPresent()) {
                news.plans().addAll(learnt());
            }
        } else if (event instanceof LedgerEvent.Requested requested) {
            news.changes().add(change(record(requested.cell()), Optional.empty(), requested.at()));
        }
        return news;
    }

    /** As a board has it; by any thread. */
    public Optional<CellPlan> plan(String cell) {
        return Optional.ofNullable(plans.get(cell));
    }

    private CellPlan plan(CellRecord cell) {
        String id = cell.cell().id();
        CellPlan known = plans.get(id);
        CellPlan plan = CellFacts.plan(known == null ? plans.size() : known.cell(), cell, state.size(cell.cell()));
        plans.put(id, plan);
        if (plan.parameters() == 0) {
            unsized.add(id);
        } else {
            unsized.remove(id);
        }
        return plan;
    }

    /** What one cell's program has reported may tell the size of others. */
    private List<CellPlan> learnt() {
        return List.copyOf(unsized).stream()
                .map(id -> plan(record(id)))
                .filter(plan -> plan.parameters() > 0)
                .toList();
    }

    private CellChange change(CellRecord cell, Optional<AttemptReport> report, Instant at) {
        String id = cell.cell().id();
        Points curve = report.isEmpty() ? Points.NONE : curves.apply(id);
        return CellFacts.change(plans.get(id).cell(), cell, report, at, curve.tokens(), curve.loss());
    }

    private CellRecord record(String id) {
        return state.cell(id).orElseThrow();
    }
}
