package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.plan.RunPolicy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The course of one run of a sweep: what the driver is told comes in, orders and the ledger's events go out. Every
 * projection of the run is fed here, from the one stream of events.
 *
 * @param <U> live updates
 */
public final class SweepCourse<U extends LiveCells.Update> {
    private final Dispatcher dispatcher;
    private final SweepState state;
    private final LiveCells<U> live = new LiveCells<>();
    private final RunTotals totals;
    private final TimeLeft timeLeft;
    private final Consumer<LedgerEvent> ledger;

    /**
     * @param state of the sweep, brought up to date by this object
     * @param cells identities of the cells to bring to an end
     * @param memoryBytes that the trainers of all slots together may take; 0 for no bound
     * @param hostsMayCome that are not there yet
     * @param ledger told of every event, in their order, once the state and the projections know it
     */
    public SweepCourse(
            SweepState state,
            RunPolicy policy,
            Collection<String> cells,
            long memoryBytes,
            boolean hostsMayCome,
            Consumer<LedgerEvent> ledger) {
        this.state = state;
        this.dispatcher = new Dispatcher(state, policy, cells, memoryBytes, hostsMayCome);
        this.totals = new RunTotals(state);
        this.timeLeft = new TimeLeft(state, dispatcher::expectedSeconds);
        this.ledger = ledger;
    }

    /**
     * Fills the slots.
     *
     * @param hosts that attempts can run on
     * @return attempts to begin
     */
    public List<AttemptOrder> fill(int slots, Set<String> hosts, Instant now) {
        dispatcher.hosts(hosts);
        List<AttemptOrder> orders = new ArrayList<>();
        while (dispatcher.running() < slots) {
            Optional<AttemptOrder> next = dispatcher.next(now);
            if (next.isEmpty()) {
                break;
            }
            orders.add(next.get());
            tell(Dispatcher.begun(next.get(), now));
        }
        return orders;
    }

    /**
     * Takes the end of an attempt in. An end may be told of twice, by the executor's loss and by what Spark makes of it later;
     * the second time says nothing.
     *
     * @return what the ledger has of it; empty when the attempt had ended before
     */
    public Optional<AttemptReport> ended(AttemptReport report, Instant now) {
        if (!dispatcher.runs(report.cell(), report.attempt())) {
            return Optional.empty();
        }
        LedgerEvent.Ended event = dispatcher.ended(report, now);
        tell(event);
        dispatcher.judgeHost(event.report(), now).ifPresent(this::tell);
        return Optional.of(event.report());
    }

    /** Takes a live update in. */
    public void heard(U update, Instant now) {
        if (live.heard(update)) {
            timeLeft.heard(update, now);
            dispatcher.stored(update.cell(), update.storedStep());
        }
    }

    /** Lets no further attempt begin, and says so once all that run have ended. */
    public void stop(String reason) {
        dispatcher.stop(reason);
    }

    private void tell(LedgerEvent event) {
        live.apply(event);
        totals.apply(event);
        timeLeft.apply(event);
        ledger.accept(event);
    }

    /** Whether nothing runs and nothing more will. */
    public boolean done() {
        return dispatcher.done();
    }

    public Optional<String> stopped() {
        return dispatcher.stopped();
    }

    public int running() {
        return dispatcher.running();
    }

    public Set<String> excludedHosts() {
        return dispatcher.excludedHosts();
    }

    public SweepState state() {
        return state;
    }

    public LiveCells<U> live() {
        return live;
    }

    public RunTotals totals() {
        return totals;
    }

    /** When the next attempt may begin, while every host that is there has failed by itself; empty otherwise. */
    public Optional<Instant> hostPauseEnd() {
        return dispatcher.hostPauseEnd();
    }

    /** When the next pause ends, of a cell or of all; empty when there is none. */
    public Optional<Instant> nextPauseEnd() {
        return dispatcher.nextPauseEnd();
    }

    /** Until the last cell ends, by the running cells' own pace where they were heard of, else by the plan. */
    public double secondsLeft(int slots, Instant now) {
        return timeLeft.seconds(now, slots, dispatcher.waitingSeconds());
    }

    /** Says once that the running cells contradict the plan, as soon as they surely do. */
    public Optional<TimeLeft.Surprise> surprise(int slots, Instant now) {
        return timeLeft.surprise(now, slots, dispatcher.waitingSeconds());
    }
}
