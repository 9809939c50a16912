package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.Endings;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Openings;
import dev.powersweep.orchestrator.dispatch.RunTotals;
import dev.powersweep.orchestrator.dispatch.SweepCourse;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.ledger.SimulatedLedger;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** A driver process: the real course of a sweep and the real ledger, on a clock of its own. */
final class VirtualDriver {
    private static final double TICK = 1;
    /** Ticks between renewals of the lease. */
    private static final int RENEWAL = 3;
    /** As the real one has it with hosts that an order avoids. */
    private static final double PLACING = 120;

    private record Placing(AttemptOrder order, double since) {}

    /** After which the end of an attempt, whose executor is known to be gone, must have been told. */
    private static final double PATIENCE = 10;

    private final World world;
    private final Duration clockError;
    private final SimulatedLedger ledger;
    private final SweepCourse<VirtualAttempt.Update> course;
    /** The same events, after their way through the codec. */
    private final SweepState follower = new SweepState();

    private final RunTotals totals = new RunTotals(follower);
    private final List<VirtualExecutor> executors = new ArrayList<>();
    private final List<Placing> waiting = new ArrayList<>();
    /** Reports of lost attempts as Spark brings them: when a slot is free. */
    private final List<AttemptReport> lateLosses = new ArrayList<>();
    /** Attempts on executors that are gone, which the driver has heard of, and since when. */
    private final Map<String, Double> overdue = new HashMap<>();

    private int ticks;
    private boolean dead;
    private boolean stopping;

    VirtualDriver(World world, Duration clockError, World.Task task) throws IOException, InterruptedException {
        this.world = world;
        this.clockError = clockError;
        this.ledger = SimulatedLedger.open(world.storage(), world.root(), clock());
        SweepState state = ledger.state();
        List<LedgerEvent> opening = new ArrayList<>(Openings.abandoned(state, clock()));
        opening.forEach(state::apply);
        List<LedgerEvent> begin = task.events(state, clock());
        begin.forEach(state::apply);
        opening.addAll(begin);
        if (!opening.isEmpty()) {
            ledger.append(opening);
        }
        for (LedgerEvent event : world.replayed()) {
            follower.apply(event);
        }
        List<String> cells = state.cells().stream()
                .filter(cell -> !cell.state().terminal())
                .map(cell -> cell.cell().id())
                .toList();
        this.course = new SweepCourse<>(state, world.policy(), cells, 0, true, this::append);
        world.hire(this, executors);
    }

    List<VirtualExecutor> executors() {
        return executors;
    }

    boolean dead() {
        return dead;
    }

    boolean done() {
        return course.done();
    }

    Optional<String> stopped() {
        return course.stopped();
    }

    SweepState state() {
        return course.state();
    }

    private Instant clock() {
        return World.BEGIN.plusNanos(Math.round(world.now() * 1e9)).plus(clockError);
    }

    /** The process ends; so do its attempts, sooner or later. */
    void die() {
        dead = true;
        executors.forEach(executor -> executor.busy().ifPresent(world::orphan));
    }

    private void append(LedgerEvent event) {
        if (dead) {
            throw new AssertionError("a driver that has ended tells the ledger " + event);
        }
        String written;
        try {
            written = ledger.append(List.of(event));
        } catch (IOException e) {
            if (!ledger.fenced()) {
                throw new AssertionError("the sweep stops because its ledger cannot be written: " + e, e);
            }
            stop("another driver has taken the sweep over");
            return;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        LedgerEvent read = LedgerJson.read(written, LedgerEvent.class);
        follower.apply(read);
        totals.apply(read);
        check(read);
    }

    private void check(LedgerEvent event) {
        String cell = event instanceof LedgerEvent.Running running
                ? running.cell()
                : event instanceof LedgerEvent.Ended ended ? ended.report().cell() : "";
        if (!follower.cell(cell).equals(course.state().cell(cell))) {
            throw new AssertionError("the ledger says " + follower.cell(cell) + " and the driver "
                    + course.state().cell(cell));
        }
        if (totals.done() != course.totals().done()
                || totals.failed() != course.totals().failed()
                || totals.tokens() != course.totals().tokens()
                || totals.begun() != course.totals().begun()
                || !totals.failures().equals(course.totals().failures())) {
            throw new AssertionError("the ledger's totals are not the driver's");
        }
        checkLive();
    }

    private void checkLive() {
        for (VirtualAttempt.Update update : course.live().newest()) {
            boolean runs = follower.cell(update.cell())
                    .filter(known -> known.state() == CellState.RUNNING && known.attempts() == update.attempt())
                    .isPresent();
            if (!runs) {
                throw new AssertionError("attempt " + update.attempt() + " of " + update.cell()
                        + " is shown as running and is not: a ghost");
            }
        }
    }

    void tick() {
        if (dead) {
            return;
        }
        try {
            if (ticks++ % RENEWAL == 0) {
                ledger.renew();
            }
        } catch (IOException e) {
            // Tried again at the next renewal.
            world.in(TICK, this::tick);
            return;
        }
        if (ledger.fenced()) {
            stop("another driver has taken the sweep over");
        }
        Set<String> hosts = new TreeSet<>();
        executors.stream().filter(each -> !each.dead()).forEach(each -> hosts.add(each.host()));
        if (!ledger.fenced()) {
            course.fill((int) executors.stream().filter(each -> !each.dead()).count(), hosts, clock())
                    .forEach(order -> waiting.add(new Placing(order, world.now())));
        }
        place(hosts);
        overdue.forEach((attempt, since) -> {
            if (world.now() - since > PATIENCE && !ledger.fenced()) {
                throw new AssertionError("attempt " + attempt + " runs for the driver, " + PATIENCE
                        + " s after it has heard that the executor is gone");
            }
        });
        if (course.done() || (ledger.fenced() && stopping)) {
            dead = ledger.fenced();
            world.ended(this);
        } else {
            world.in(TICK, this::tick);
        }
    }

    private void stop(String reason) {
        if (!stopping) {
            stopping = true;
            course.stop(reason);
            executors.forEach(executor -> executor.busy().ifPresent(world::orphan));
        }
    }

    /** As Spark does: an order goes to whatever is free, and what avoids the host comes back. */
    private void place(Set<String> hosts) {
        for (VirtualExecutor executor : executors) {
            if (executor.dead() || executor.busy().isPresent()) {
                continue;
            }
            if (!lateLosses.isEmpty()) {
                ended(lateLosses.remove(0));
            }
            for (Placing each : waiting) {
                Set<String> avoided = each.order().avoidHosts();
                boolean anywhere = avoided.containsAll(hosts) && world.now() - each.since() > PLACING;
                if (anywhere || !avoided.contains(executor.host())) {
                    waiting.remove(each);
                    world.begin(each.order(), executor);
                    break;
                }
            }
        }
    }

    void ended(AttemptReport report) {
        if (!dead && !stopping) {
            course.ended(report, clock());
            overdue.remove(report.cell() + "#" + report.attempt());
        }
    }

    void heard(VirtualAttempt.Update update) {
        if (!dead && !stopping) {
            course.heard(update, clock());
            checkLive();
        }
    }

    /** Spark's word that an executor is gone. */
    void executorLost(VirtualExecutor executor, Optional<VirtualAttempt> attempt) {
        if (dead || stopping) {
            return;
        }
        attempt.ifPresent(lost -> {
            String cell = lost.cell().id();
            boolean known = course.live()
                    .newest(cell)
                    .filter(update -> update.attempt() == lost.order().attempt())
                    .isPresent();
            if (known) {
                overdue.put(cell + "#" + lost.order().attempt(), world.now());
            }
            AttemptReport report = AttemptReport.untrained(
                    cell,
                    lost.order().attempt(),
                    Endings.executorLost(),
                    AttemptReport.Place.UNKNOWN,
                    clock(),
                    clock());
            ended(report);
            // And again, when a slot is free for Spark's second try.
            lateLosses.add(report);
        });
    }
}
