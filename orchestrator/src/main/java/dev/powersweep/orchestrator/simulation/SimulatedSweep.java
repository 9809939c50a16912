package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.Dispatcher;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.function.Consumer;

/**
 * A sweep on a virtual clock: the dispatcher and the failure policy of a real one, with slots that only say how long
 * they would have taken.
 */
public final class SimulatedSweep {
    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

    /**
     * How it went.
     *
     * @param makespanSeconds from the first begin to the last end
     * @param lowerBoundSeconds of any order: the larger of total/slots and the longest cell, times as they came out,
     *     overhead around each cell counted, nothing lost or tried again
     * @param busySeconds of all slots together
     * @param lostSeconds of work that was done again
     * @param events told to the ledger
     * @param mostEventsInASecond of virtual time
     * @param stopped why the sweep stopped early, if it did
     */
    public record Result(
            int cells,
            int slots,
            int attempts,
            Map<CellState, Integer> states,
            Map<FailureClass, Integer> failures,
            double makespanSeconds,
            double lowerBoundSeconds,
            double busySeconds,
            double lostSeconds,
            long events,
            long mostEventsInASecond,
            Optional<String> stopped) {

        public double overLowerBound() {
            return makespanSeconds / lowerBoundSeconds - 1;
        }

        public double occupancy() {
            return busySeconds / (makespanSeconds * slots);
        }
    }

    private record End(double at, long number, SimulatedPool.End outcome) {}

    private final SweepPlan plan;
    private final int slots;
    private final SimulatedPool pool;
    private final Consumer<List<LedgerEvent>> ledger;
    private final Map<FailureClass, Integer> failures = new EnumMap<>(FailureClass.class);
    private long events;
    private long second = -1;
    private long inSecond;
    private long mostInSecond;

    /** @param ledger told of every event, in their order */
    public SimulatedSweep(SweepPlan plan, int slots, Hazards hazards, long seed, Consumer<List<LedgerEvent>> ledger) {
        this.plan = plan;
        this.slots = slots;
        this.pool = new SimulatedPool(hazards, plan.policy(), seed);
        this.ledger = ledger;
    }

    /** Runs to the end of the last cell. */
    public Result run() {
        SweepState state = new SweepState();
        List<LedgerEvent> opening = new ArrayList<>();
        opening.add(
                new LedgerEvent.Submitted(BEGIN, plan.name(), plan.corpusHash(), plan.specification(), plan.policy()));
        for (PlannedCell cell : plan.cells()) {
            opening.add(new LedgerEvent.Planned(
                    BEGIN,
                    cell.gridCell().name(),
                    cell.gridCell().cell(),
                    cell.predictedSeconds(),
                    cell.memoryBytes()));
        }
        opening.forEach(state::apply);
        ledger.accept(opening);
        List<String> ids =
                plan.cells().stream().map(cell -> cell.gridCell().cell().id()).toList();
        Dispatcher dispatcher = new Dispatcher(state, plan.policy(), ids);
        PriorityQueue<End> ends =
                new PriorityQueue<>(Comparator.comparingDouble(End::at).thenComparingLong(End::number));
        double now = 0;
        double busy = 0;
        double last = 0;
        int attempts = 0;
        while (!dispatcher.done()) {
            while (dispatcher.running() < slots) {
                Instant instant = instant(now);
                Optional<AttemptOrder> order = dispatcher.next(instant);
                if (order.isEmpty()) {
                    break;
                }
                tell(Dispatcher.begun(order.get(), instant), now);
                SimulatedPool.End outcome = pool.attempt(
                        order.get(),
                        state.cell(order.get().gridCell().cell().id())
                                .orElseThrow()
                                .planned()
                                .predictedSeconds(),
                        instant);
                busy += outcome.seconds();
                ends.add(new End(now + outcome.seconds(), attempts++, outcome));
            }
            Optional<Double> pauseEnd = dispatcher.running() < slots
                    ? dispatcher.nextPauseEnd().map(SimulatedSweep::seconds)
                    : Optional.empty();
            End next = ends.peek();
            if (next == null || (pauseEnd.isPresent() && pauseEnd.get() < next.at())) {
                now = Math.max(now, pauseEnd.orElseThrow());
                continue;
            }
            ends.remove();
            now = next.at();
            last = now;
            next.outcome().report().failure().ifPresent(failure -> failures.merge(failure, 1, Integer::sum));
            tell(dispatcher.ended(next.outcome().report(), instant(now)), now);
        }
        double total = 0;
        double longest = 0;
        for (PlannedCell cell : plan.cells()) {
            double seconds = pool.neededSeconds(cell.gridCell().cell().id(), cell.predictedSeconds());
            total += seconds;
            longest = Math.max(longest, seconds);
        }
        Map<CellState, Integer> states = new EnumMap<>(CellState.class);
        for (CellState each : CellState.values()) {
            states.put(each, state.count(each));
        }
        return new Result(
                plan.cells().size(),
                slots,
                attempts,
                states,
                failures,
                last,
                Math.max(total / slots, longest),
                busy,
                pool.lostSeconds(),
                events,
                mostInSecond,
                dispatcher.stopped());
    }

    private void tell(LedgerEvent event, double now) {
        events++;
        if ((long) now != second) {
            second = (long) now;
            inSecond = 0;
        }
        mostInSecond = Math.max(mostInSecond, ++inSecond);
        ledger.accept(List.of(event));
    }

    private static Instant instant(double seconds) {
        return BEGIN.plusNanos(Math.round(seconds * 1e9));
    }

    /** To the millisecond upwards: pauses end on whole ones. */
    private static double seconds(Instant instant) {
        return (instant.toEpochMilli() + 1 - BEGIN.toEpochMilli()) / 1e3;
    }
}
