package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptState.Known;
import dev.powersweep.orchestrator.executor.CellSupervisor.Context;

/** Sends live updates of one attempt, at most twice per report interval, and whenever more has been stored. */
final class LiveReports {
    private final Context context;
    private final AttemptOrder order;
    private long lastSent = System.nanoTime();
    private long lastStored = -1;

    LiveReports(Context context, AttemptOrder order) {
        this.context = context;
        this.order = order;
    }

    void tell(Known known) {
        long now = System.nanoTime();
        boolean due = (now - lastSent) / 1e9 >= context.policy().reportSeconds() / 2
                || known.step() == known.resumedFrom()
                || known.stored() != lastStored;
        if (!due) {
            return;
        }
        lastSent = now;
        lastStored = known.stored();
        context.live()
                .get()
                .send(new LiveUpdate(
                        order.gridCell().cell().id(),
                        order.gridCell().name(),
                        order.attempt(),
                        known.step(),
                        order.gridCell().cell().data().steps(),
                        order.gridCell().cell().tokensThrough(known.step()),
                        known.loss(),
                        known.tokensPerSecond(),
                        known.stored(),
                        context.host(),
                        context.executor()));
    }
}
