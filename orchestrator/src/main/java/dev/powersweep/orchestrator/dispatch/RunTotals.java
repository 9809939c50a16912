package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/** What a run has come to so far: a projection of its events. */
public final class RunTotals {
    private final SweepState state;
    private final Map<FailureClass, Integer> failures = new EnumMap<>(FailureClass.class);
    private final TrainedSteps trained = new TrainedSteps();
    private int begun;
    private int done;
    private int failed;
    private long tokens;

    /** @param state that the events have been applied to before they come here */
    public RunTotals(SweepState state) {
        this.state = state;
    }

    /** Takes one more event in. */
    public void apply(LedgerEvent event) {
        if (event instanceof LedgerEvent.Requested requested && requested.beginning() == LedgerEvent.Beginning.AFRESH) {
            trained.afresh(requested.cell());
        } else if (event instanceof LedgerEvent.Running) {
            begun++;
        } else if (event instanceof LedgerEvent.Ended ended) {
            AttemptReport report = ended.report();
            report.failure().ifPresent(failure -> failures.merge(failure, 1, Integer::sum));
            tokens += trained.count(
                    report, state.cell(report.cell()).orElseThrow().cell()::tokensThrough);
            CellState after = report.state();
            if (after == CellState.FINISHED || after == CellState.DIVERGED) {
                done++;
            } else if (after == CellState.FAILED) {
                failed++;
            }
        }
    }

    /** Attempts begun. */
    public int begun() {
        return begun;
    }

    /** Cells finished or diverged. */
    public int done() {
        return done;
    }

    /** Cells given up. */
    public int failed() {
        return failed;
    }

    /** Tokens trained and stored, those of a repeated report once. */
    public long tokens() {
        return tokens;
    }

    /** Failed attempts by class, those that were tried again included. */
    public Map<FailureClass, Integer> failures() {
        return Collections.unmodifiableMap(failures);
    }
}
