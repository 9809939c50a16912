package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.dispatch.ReadyCells.Waiting;
import dev.powersweep.orchestrator.plan.CostModel;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.plan.StepKind;
import dev.powersweep.orchestrator.plan.Trunks;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Decides which cell runs next and what follows from the end of an attempt. Pure: events and instants in, orders and
 * events out, so that the same code runs a sweep and a simulation of one.
 */
public final class Dispatcher {
    private static final double TIMEOUT_FACTOR = 10;
    private static final double SHORTEST_TIMEOUT_SECONDS = 600;

    /** More is the start of a trainer, which the next cell will not see. */
    private static final double MOST_OVERHEAD_SECONDS = 0.5;

    /** Shorter cells that may begin before a longer one that waits for memory. */
    private static final int PATIENCE = 8;

    private final SweepState state;
    private final RunPolicy policy;
    private final long memoryBytes;
    private final FailurePolicy failurePolicy;
    private final CircuitBreaker breaker;
    private final HostHealth hosts = new HostHealth();
    private final LastResort lastResort;
    private final Losses losses = new Losses();
    private final Refinement refinement = new Refinement();
    private final ReadyCells ready = new ReadyCells(refinement);
    private final PriorityQueue<Waiting> pausing = new PriorityQueue<>(Comparator.comparing(Waiting::notBefore));
    private final Map<String, AttemptOrder> running = new HashMap<>();
    /** Of the cells to run: who trains whose trunk. */
    private final Trunks trunks;
    /** Of all cells of the sweep. */
    private final Trunks allTrunks;
    /** Cells that wait for another one's training, by that one. */
    private final Map<String, List<Waiting>> held = new HashMap<>();

    private final Map<StepKind, Double> heldSeconds = new HashMap<>();

    /** Of cells that this driver has begun. */
    private final Map<String, Reach> reached = new HashMap<>();

    private long memoryInUse;
    private int passedOver;
    private Optional<String> stopped = Optional.empty();

    /**
     * How far the stored results of a cell reach, as far as this driver was told.
     *
     * @param atBegin of its newest attempt
     */
    private record Reach(long atBegin, long newest) {
        static final Reach NONE = new Reach(0, 0);

        Reach begun() {
            return new Reach(newest, newest);
        }

        Reach stored(long step) {
            return new Reach(atBegin, Math.max(newest, step));
        }

        /** Whether the newest attempt got further. */
        boolean further(long step) {
            return Math.max(newest, step) > atBegin;
        }
    }

    /** On a cluster, without a bound on the memory of all slots together. */
    public Dispatcher(SweepState state, RunPolicy policy, Collection<String> cells) {
        this(state, policy, cells, 0, true);
    }

    /**
     * @param state brought up to date by this object's events, which the caller stores
     * @param cells identities of the cells to bring to an end; those that have ended are left alone
     * @param memoryBytes that the trainers of all slots together may take; 0 for no bound
     * @param hostsMayCome that are not there yet
     */
    public Dispatcher(
            SweepState state, RunPolicy policy, Collection<String> cells, long memoryBytes, boolean hostsMayCome) {
        this.state = state;
        this.policy = policy;
        this.memoryBytes = memoryBytes;
        this.lastResort = new LastResort(hostsMayCome);
        this.failurePolicy = new FailurePolicy(policy);
        this.breaker = new CircuitBreaker(policy.equalFailuresToStop());
        List<CellRecord> open = cells.stream()
                .map(id -> state.cell(id).orElseThrow())
                .filter(cell -> !cell.state().terminal())
                .toList();
        this.trunks = Trunks.of(open.stream().map(CellRecord::cell).toList());
        this.allTrunks = Trunks.of(state.cells().stream().map(CellRecord::cell).toList());
        for (CellRecord cell : open) {
            int microBatch = cell.microBatchSequences() > 0
                    ? cell.microBatchSequences()
                    : CostModel.microBatchSequences(cell.cell(), policy.trainerMemoryBytes());
            Waiting waiting = waiting(cell, microBatch, Instant.EPOCH);
            Optional<String> trunk = trunks.trainedBy(waiting.cell()).filter(any -> !served(cell));
            if (trunk.isPresent()) {
                held.computeIfAbsent(trunk.get(), any -> new ArrayList<>()).add(waiting);
                heldSeconds.merge(waiting.kind(), waiting.predictedSeconds(), Double::sum);
            } else {
                ready.add(waiting);
            }
        }
    }

    private static Waiting waiting(CellRecord cell, int microBatch, Instant notBefore) {
        return new Waiting(
                cell.cell().id(),
                StepKind.of(cell.cell()),
                cell.planned().predictedSeconds(),
                cell.planned().memoryBytes(),
                microBatch,
                notBefore);
    }

    /** Whether a cell need not wait for its trunk: it has begun, or one that has finished was trained that far. */
    private boolean served(CellRecord cell) {
        if (cell.cell().data().branch().isPresent()) {
            // A trunk that has finished keeps the state where its cooldown begins, and no other: branches that come
            // later
            // wait for the one that leaves last, which trains the trunk again for all of them.
            return cell.attempts() > 0;
        }
        return cell.attempts() > 0
                || allTrunks.others(cell.cell().id()).stream()
                        .filter(other -> other.trunkSteps() >= cell.cell().trunkSteps())
                        .anyMatch(other -> state.cell(other.id()).orElseThrow().state() == CellState.FINISHED);
    }

    /** The next attempt to begin now, with the event that says so; empty when none may. */
    public Optional<AttemptOrder> next(Instant now) {
        if (stopped.isPresent() || !lastResort.mayBegin(now)) {
            return Optional.empty();
        }
        while (!pausing.isEmpty() && !pausing.peek().notBefore().isAfter(now)) {
            ready.add(pausing.poll());
        }
        Optional<Waiting> chosen = choose();
        if (chosen.isEmpty()) {
            return Optional.empty();
        }
        Waiting waiting = chosen.get();
        CellRecord cell = state.cell(waiting.cell()).orElseThrow();
        double timeout = policy.cellTimeoutSeconds() > 0
                ? policy.cellTimeoutSeconds()
                : cell.cell().program().isPresent()
                        // What another program will take nobody has measured; one that says nothing is stuck all the
                        // same.
                        ? Double.MAX_VALUE
                        : Math.max(
                                SHORTEST_TIMEOUT_SECONDS,
                                // Of cells that take turns each is so much slower than one alone, which was predicted.
                                TIMEOUT_FACTOR
                                        * policy.cellsAtOnce()
                                        * waiting.predictedSeconds()
                                        * Math.max(1, refinement.ratio(waiting.kind())));
        AttemptOrder order = new AttemptOrder(
                cell.gridCell(),
                cell.attempts() + 1,
                cell.generation(),
                waiting.microBatch(),
                timeout,
                allTrunks.others(waiting.cell()).stream()
                        .map(Cell::id)
                        .filter(other -> state.cell(other).orElseThrow().attempts() > 0)
                        .toList(),
                trunks.branchSteps(waiting.cell()),
                allTrunks.sharesBeginning(cell.cell()) ? AttemptOrder.Beginning.COMMON : AttemptOrder.Beginning.OWN,
                FailurePolicy.company(cell.failures()),
                lastResort.active() ? Set.of() : hosts.avoidedBy(waiting.cell()));
        running.put(waiting.cell(), order);
        lastResort.begun(waiting.cell());
        reached.compute(waiting.cell(), (id, reach) -> (reach == null ? Reach.NONE : reach).begun());
        memoryInUse += waiting.memoryBytes();
        state.apply(begun(order, now));
        return Optional.of(order);
    }

    /** The longest cell that fits; a longer one that does not is not passed over for ever. */
    private Optional<Waiting> choose() {
        if (memoryBytes == 0 || running.isEmpty()) {
            return ready.poll(any -> true);
        }
        Optional<Waiting> longest = ready.poll(any -> true);
        if (longest.isEmpty() || fits(longest.get())) {
            passedOver = 0;
            return longest;
        }
        Optional<Waiting> other = passedOver < PATIENCE ? ready.poll(this::fits) : Optional.empty();
        ready.add(longest.get());
        if (other.isPresent()) {
            passedOver++;
        }
        return other;
    }

    private boolean fits(Waiting waiting) {
        return memoryInUse + waiting.memoryBytes() <= memoryBytes;
    }

    /**
     * Takes in that the results of a running cell are stored up to a step: cells that branch off up to there need not
     * wait any more. May be called again, and late.
     */
    public void stored(String cell, long step) {
        Reach reach = reached.computeIfPresent(cell, (id, before) -> before.stored(step));
        if (reach != null && reach.further(step)) {
            lastResort.worked(cell);
        }
        release(cell, step);
    }

    private void release(String cell, long step) {
        List<Waiting> branches = held.get(cell);
        if (branches == null) {
            return;
        }
        branches.removeIf(waiting -> {
            boolean reached = state.cell(waiting.cell()).orElseThrow().cell().trunkSteps() <= step;
            if (reached) {
                ready.add(waiting);
                heldSeconds.merge(waiting.kind(), -waiting.predictedSeconds(), Double::sum);
            }
            return reached;
        });
        if (branches.isEmpty()) {
            held.remove(cell);
        }
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
        AttemptReport settled = settled(report, order, now);
        LedgerEvent.Ended event = new LedgerEvent.Ended(now, settled);
        state.apply(event);
        CellRecord cell = state.cell(report.cell()).orElseThrow();
        memoryInUse -= cell.planned().memoryBytes();
        // Once the trunk has ended, no cell waits for it: one that finds no state to go on from begins at step 1.
        release(report.cell(), settled.state().terminal() ? Long.MAX_VALUE : settled.step());
        learn(cell, settled);
        if (stopped.isEmpty()) {
            stopped = breaker.ended(settled, hosts.usable());
        }
        return event;
    }

    /** What the end of an attempt means to its cell: a failure that is tried again is an interruption. */
    private AttemptReport settled(AttemptReport report, AttemptOrder order, Instant now) {
        String id = report.cell();
        Reach reach = reached.getOrDefault(id, Reach.NONE);
        boolean lost = report.failure().equals(Optional.of(FailureClass.LOST_EXECUTOR));
        Losses.Verdict verdict = Losses.Verdict.INNOCENT;
        if (lost && !reach.further(report.step())) {
            verdict = losses.fruitless(id);
        } else {
            losses.gotFurther(id);
        }
        if (report.outcome().trouble().isEmpty()) {
            return report;
        }
        Outcome.Trouble why = report.outcome().trouble().get();
        // Whoever is lost tells nothing of what it has stored.
        AttemptReport known = lost && report.step() < reach.newest()
                ? report.with(AttemptReport.Work.stored(reach.newest(), reach.atBegin()))
                : report;
        if (verdict.suspicious()) {
            return known.with(new Outcome.Failed(Endings.suspicious(why, verdict.losses(), verdict.alone())));
        }
        if (why.failure() == FailureClass.IO) {
            hosts.avoid(report.host(), id);
        }
        boolean otherHost = why.failure() == FailureClass.UNSUPPORTED_DEVICE && hosts.hasNoDevice(report.host(), id);
        Optional<FailurePolicy.Decision> beside = besideOthers(report, order, why.failure())
                ? failurePolicy.besideOthers(why.failure(), failuresWith(report), order.microBatchSequences())
                : Optional.empty();
        FailurePolicy.Decision decision = beside.orElseGet(() -> failurePolicy.decide(
                why.failure(),
                failuresWith(report),
                largestMicroBatch(report),
                order.microBatchSequences(),
                otherHost));
        if (decision instanceof FailurePolicy.Decision.Retry retry) {
            pausing.add(waiting(
                    state.cell(id).orElseThrow(),
                    retry.microBatchSequences(),
                    now.plus(Duration.ofMillis(Math.round(retry.pauseSeconds() * 1000)))));
            return known.with(new Outcome.Interrupted(why));
        }
        return known.with(new Outcome.Failed(why));
    }

    /** Whether what failed may have been the doing of other cells: in its process, or for want of room on its card. */
    private boolean besideOthers(AttemptReport report, AttemptOrder order, FailureClass failure) {
        return report.hadNeighbours()
                || (failure == FailureClass.GPU_MEMORY
                        && policy.cellsAtOnce() > 1
                        && Stream.concat(Stream.of(order), running.values().stream())
                                .anyMatch(each -> each.company() == AttemptOrder.Company.NONE));
    }

    /**
     * Takes in what the end of an attempt, as {@link #ended} gave it, says of its host.
     *
     * @return the event to store when the host gets no more cells as long as there are others; empty otherwise
     */
    public Optional<LedgerEvent.HostExcluded> judgeHost(AttemptReport report, Instant now) {
        Optional<FailureClass> failure = report.failure();
        if (!failure.equals(Optional.of(FailureClass.BAD_NODE))) {
            if (failure.equals(Optional.of(FailureClass.LOST_EXECUTOR))) {
                lastResort.lost(report.cell());
            } else {
                lastResort.worked(report.cell());
            }
            return Optional.empty();
        }
        Optional<LedgerEvent.HostExcluded> excluded = Optional.empty();
        if (hosts.failed(report.host(), report.cell())) {
            LedgerEvent.HostExcluded event = new LedgerEvent.HostExcluded(now, report.host(), report.message());
            state.apply(event);
            excluded = Optional.of(event);
        }
        if (!hosts.noneWorks()) {
            lastResort.reset();
        } else if (lastResort.failed(report.cell(), now)) {
            stop("no host is left that cells can run on, the last failure: " + report.message());
        }
        return excluded;
    }

    /** Takes in which hosts attempts can run on now, by the names that Spark knows. */
    public void hosts(Set<String> present) {
        hosts.present(present);
        if (!hosts.noneWorks()) {
            lastResort.reset();
        }
    }

    /** When the next attempt may begin, while every host that is there has failed by itself; empty otherwise. */
    public Optional<Instant> hostPauseEnd() {
        return lastResort.pauseEnd();
    }

    /** Hosts that get no more cells, by the names that Spark knows. */
    public Set<String> excludedHosts() {
        return hosts.excluded();
    }

    /**
     * The micro-batch of an attempt; where it ended before it told, the largest that a trainer chooses. A program that
     * does not tell of one has none to halve.
     */
    private int largestMicroBatch(AttemptReport report) {
        if (state.cell(report.cell()).orElseThrow().cell().program().isPresent()) {
            return report.microBatchSequences();
        }
        return report.microBatchSequences() > 0
                ? report.microBatchSequences()
                : (state.cell(report.cell()).orElseThrow().cell().data().batchSequences() + 1) / 2;
    }

    private void learn(CellRecord cell, AttemptReport report) {
        long shared = report.shared().map(SharedSteps::steps).orElse(0L);
        boolean whole = report.resumedFromStep() == shared && allTrunks.sharedSteps(cell.cell()) == shared;
        if (report.state() == CellState.FINISHED && whole) {
            refinement.finished(
                    cell.cell(),
                    cell.planned().predictedSeconds(),
                    report.seconds() + Math.min(report.overheadSeconds(), MOST_OVERHEAD_SECONDS));
        }
    }

    private Map<FailureClass, Integer> failuresWith(AttemptReport report) {
        Map<FailureClass, Integer> failures =
                new HashMap<>(state.cell(report.cell()).orElseThrow().failures());
        FailureClass failure = report.failure().orElseThrow();
        failures.merge(failure, 1, Integer::sum);
        if (failure == FailureClass.BAD_NODE) {
            // Which hosts are bad each driver has to find out for itself.
            failures.put(failure, hosts.countFor(report.cell(), report.host()));
        }
        return failures;
    }

    /** Whether this very attempt has begun and not ended. */
    public boolean runs(String cell, int attempt) {
        AttemptOrder order = running.get(cell);
        return order != null && order.attempt() == attempt;
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
        return running.isEmpty() && (stopped.isPresent() || (ready.isEmpty() && pausing.isEmpty() && held.isEmpty()));
    }

    /** When the next pause ends, of a cell or of all; empty when there is none. */
    public Optional<Instant> nextPauseEnd() {
        Optional<Instant> cell = Optional.ofNullable(pausing.peek()).map(Waiting::notBefore);
        Optional<Instant> all = lastResort.pauseEnd();
        return all.isPresent() && (cell.isEmpty() || cell.get().isBefore(all.get())) ? all : cell;
    }

    /** Predicted seconds of the cells that have not begun, refined by those that have finished. */
    public double waitingSeconds() {
        double waiting = ready.seconds();
        for (Waiting each : pausing) {
            waiting += expected(each);
        }
        for (Map.Entry<StepKind, Double> kind : heldSeconds.entrySet()) {
            waiting += kind.getValue() * refinement.ratio(kind.getKey());
        }
        return waiting;
    }

    /** Predicted seconds of a cell, refined by those that have finished. */
    public double expectedSeconds(String cell) {
        CellRecord record = state.cell(cell).orElseThrow();
        return record.planned().predictedSeconds() * refinement.ratio(StepKind.of(record.cell()));
    }

    private double expected(Waiting waiting) {
        return waiting.predictedSeconds() * refinement.ratio(waiting.kind());
    }
}
