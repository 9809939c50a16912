package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.ledger.AttemptReport;
import dev.powersweep.orchestrator.ledger.CellRecord;
import dev.powersweep.orchestrator.ledger.LedgerEvent;
import dev.powersweep.orchestrator.ledger.SweepState;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Decides which cell runs next and what follows from the end of an attempt. Pure: events and instants in, orders and
 * events out, so that the same code runs a sweep and a simulation of one.
 */
public final class Dispatcher {
    private static final double TIMEOUT_FACTOR = 10;
    private static final double SHORTEST_TIMEOUT_SECONDS = 600;

    private record Waiting(String cell, double predictedSeconds, int microBatch, Instant notBefore) {}

    private final SweepState state;
    private final RunPolicy policy;
    private final FailurePolicy failurePolicy;
    private final CircuitBreaker breaker;
    private final HostHealth hosts = new HostHealth();
    private final PriorityQueue<Waiting> ready = new PriorityQueue<>(
            Comparator.comparingDouble(Waiting::predictedSeconds).reversed().thenComparing(Waiting::cell));
    private final PriorityQueue<Waiting> pausing = new PriorityQueue<>(Comparator.comparing(Waiting::notBefore));
    private final Map<String, AttemptOrder> running = new HashMap<>();
    private Optional<String> stopped = Optional.empty();

    /**
     * @param state brought up to date by this object's events, which the caller stores
     * @param cells identities of the cells to bring to an end; those that have ended are left alone
     */
    public Dispatcher(SweepState state, RunPolicy policy, Collection<String> cells) {
        this.state = state;
        this.policy = policy;
        this.failurePolicy = new FailurePolicy(policy);
        this.breaker = new CircuitBreaker(policy.equalFailuresToStop());
        for (String id : cells) {
            CellRecord cell = state.cell(id).orElseThrow();
            if (!cell.state().terminal()) {
                ready.add(
                        new Waiting(id, cell.planned().predictedSeconds(), cell.microBatchSequences(), Instant.EPOCH));
            }
        }
    }

    /** The next attempt to begin now, with the event that says so; empty when none may. */
    public Optional<AttemptOrder> next(Instant now) {
        if (stopped.isPresent()) {
            return Optional.empty();
        }
        while (!pausing.isEmpty() && !pausing.peek().notBefore().isAfter(now)) {
            ready.add(pausing.poll());
        }
        Waiting waiting = ready.poll();
        if (waiting == null) {
            return Optional.empty();
        }
        CellRecord cell = state.cell(waiting.cell()).orElseThrow();
        double timeout = policy.cellTimeoutSeconds() > 0
                ? policy.cellTimeoutSeconds()
                : Math.max(SHORTEST_TIMEOUT_SECONDS, TIMEOUT_FACTOR * waiting.predictedSeconds());
        AttemptOrder order = new AttemptOrder(
                cell.gridCell(),
                cell.attempts() + 1,
                cell.generation(),
                waiting.microBatch(),
                timeout,
                hosts.avoidedBy(waiting.cell()));
        running.put(waiting.cell(), order);
        state.apply(begun(order, now));
        return Optional.of(order);
    }

    /** The event of an attempt's begin. */
    public static LedgerEvent.Running begun(AttemptOrder order, Instant now) {
        return new LedgerEvent.Running(now, order.gridCell().cell().id(), order.attempt(), order.microBatchSequences());
    }

    /**
     * Takes the end of an attempt in, and gives the event to store: a failure that is tried again is an interruption to
     * its cell.
     */
    public LedgerEvent.Ended ended(AttemptReport report, Instant now) {
        AttemptOrder order = running.remove(report.cell());
        if (order == null || order.attempt() != report.attempt()) {
            throw new IllegalStateException(
                    "attempt " + report.attempt() + " of cell " + report.cell() + " ended without having begun");
        }
        AttemptReport settled = report;
        if (report.failure().isPresent()) {
            FailurePolicy.Decision decision = failurePolicy.decide(
                    report.failure().get(),
                    failuresWith(report),
                    largestMicroBatch(report),
                    order.microBatchSequences());
            if (decision instanceof FailurePolicy.Decision.Retry retry) {
                settled = report.as(CellState.INTERRUPTED);
                pausing.add(new Waiting(
                        report.cell(),
                        state.cell(report.cell()).orElseThrow().planned().predictedSeconds(),
                        retry.microBatchSequences(),
                        now.plus(Duration.ofMillis(Math.round(retry.pauseSeconds() * 1000)))));
            } else {
                settled = report.as(CellState.FAILED);
            }
        }
        LedgerEvent.Ended event = new LedgerEvent.Ended(now, settled);
        state.apply(event);
        if (stopped.isEmpty()) {
            stopped = breaker.ended(settled);
        }
        return event;
    }

    /**
     * Takes in what the end of an attempt, as {@link #ended} gave it, says of its host.
     *
     * @return the event to store when the host gets no more cells; empty otherwise
     */
    public Optional<LedgerEvent.HostExcluded> judgeHost(AttemptReport report, Instant now) {
        if (report.failure().equals(Optional.of(FailureClass.BAD_NODE))
                && hosts.failed(report.host(), report.cell())) {
            LedgerEvent.HostExcluded event =
                    new LedgerEvent.HostExcluded(now, report.host(), report.message());
            state.apply(event);
            return Optional.of(event);
        }
        return Optional.empty();
    }

    /** Hosts that get no more cells, by the names that Spark knows. */
    public Set<String> excludedHosts() {
        return hosts.excluded();
    }

    /** The micro-batch of an attempt; where it ended before it told, the largest that a trainer chooses. */
    private int largestMicroBatch(AttemptReport report) {
        return report.microBatchSequences() > 0
                ? report.microBatchSequences()
                : (state.cell(report.cell()).orElseThrow().cell().data().batchSequences() + 1) / 2;
    }

    private Map<FailureClass, Integer> failuresWith(AttemptReport report) {
        Map<FailureClass, Integer> failures =
                new HashMap<>(state.cell(report.cell()).orElseThrow().failures());
        failures.merge(report.failure().orElseThrow(), 1, Integer::sum);
        return failures;
    }

    /** Lets no further attempt begin. */
    public void stop(String reason) {
        if (stopped.isEmpty()) {
            stopped = Optional.of(reason);
        }
    }

    public Optional<String> stopped() {
        return stopped;
    }

    public int running() {
        return running.size();
    }

    /** Whether nothing runs and nothing more will. */
    public boolean done() {
        return running.isEmpty() && (stopped.isPresent() || (ready.isEmpty() && pausing.isEmpty()));
    }

    /** When the next pause ends; empty when no cell pauses. */
    public Optional<Instant> nextPauseEnd() {
        return Optional.ofNullable(pausing.peek()).map(Waiting::notBefore);
    }

    /** Predicted seconds of the cells that have not begun. */
    public double waitingSeconds() {
        return ready.stream().mapToDouble(Waiting::predictedSeconds).sum()
                + pausing.stream().mapToDouble(Waiting::predictedSeconds).sum();
    }
}
