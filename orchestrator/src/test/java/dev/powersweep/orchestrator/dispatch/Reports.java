package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Reports for tests. */
public final class Reports {
    private Reports() {}

    /** Of a cell that was trained to its end by this attempt. */
    public static AttemptReport finished(String cell, int attempt, long steps, double seconds, Instant at) {
        return report(cell, attempt, new Outcome.Finished(result(cell, steps)), steps, seconds, 8, "host", at);
    }

    public static AttemptReport failed(
            AttemptOrder order, FailureClass failure, long step, int microBatch, String host, Instant at) {
        return report(
                order.gridCell().cell().id(),
                order.attempt(),
                Outcome.failed(failure, "attempt " + order.attempt(), ""),
                step,
                1,
                microBatch,
                host,
                at);
    }

    public static AttemptReport report(
            String cell,
            int attempt,
            Outcome outcome,
            long step,
            double seconds,
            int microBatch,
            String host,
            Instant at) {
        return new AttemptReport(
                cell,
                attempt,
                outcome,
                new AttemptReport.Work(step, 0, Optional.empty(), seconds, 0, microBatch),
                at,
                at,
                new AttemptReport.Place(host, "0"),
                Optional.empty(),
                "");
    }

    public static Frame.Finished result(String cell, long steps) {
        return new Frame.Finished(cell, steps, false, 4, List.of(), 0.2, 0.1, 100 << 20);
    }
}
