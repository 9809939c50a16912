package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.Endings;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.RunTotals;
import dev.powersweep.orchestrator.dispatch.SweepCourse;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.dispatch.TimeLeft;
import dev.powersweep.orchestrator.executor.Faults;
import dev.powersweep.orchestrator.executor.LiveUpdate;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.orchestrator.publish.LiveBoard;
import dev.powersweep.orchestrator.publish.SweepProgress;
import dev.powersweep.orchestrator.publish.TerminalProgress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The driver's loop: brings {@link SweepCourse} what happens and carries out what follows. One thread owns all of its
 * state.
 */
final class SweepLoop {
    private static final Logger LOG = LogManager.getLogger(SweepLoop.class);
    private static final Duration TICK = Duration.ofSeconds(1);

    private final Ledger ledger;
    private final SweepCourse<LiveUpdate> course;
    private final Attempts attempts;
    private final LiveBoard board;
    private final SweepProgress progress;
    private final AtomicReference<Optional<LiveNumbers>> live;
    private final Consumer<SweepState> snapshot;
    private final int total;
    private final BlockingQueue<AttemptReport> ends = new LinkedBlockingQueue<>();
    private final AtomicReference<Throwable> ledgerFailure = new AtomicReference<>();
    private final PackingMeter packing = new PackingMeter();
    private final Instant startedAt = Instant.now();
    private final long started = System.nanoTime();

    private CompletableFuture<Void> stored = CompletableFuture.completedFuture(null);
    private Optional<Instant> hostPauseEnd = Optional.empty();
    private int slots;

    /**
     * @param cells identities of the cells to bring to an end
     * @param memoryBytes that the trainers of all slots together may take; 0 for no bound
     * @param live takes the numbers that the lease's heartbeat shows to others
     * @param snapshot called when the state has changed, at most once a tick
     */
    SweepLoop(
            Ledger ledger,
            SweepState state,
            List<String> cells,
            long memoryBytes,
            Attempts attempts,
            LiveBoard board,
            SweepProgress progress,
            AtomicReference<Optional<LiveNumbers>> live,
            Consumer<SweepState> snapshot) {
        this.ledger = ledger;
        this.course = new SweepCourse<>(
                state,
                state.submitted().orElseThrow().policy(),
                cells,
                memoryBytes,
                attempts.hostsMayCome(),
                this::append);
        this.attempts = attempts;
        this.board = board;
        this.progress = progress;
        this.live = live;
        this.snapshot = snapshot;
        this.total = cells.size();
    }

    /** Runs to the end; what came of it is in the state and in the ledger by then. */
    void run() throws InterruptedException {
        Instant lastTick = Instant.EPOCH;
        boolean cancelled = false;
        while (!course.done()) {
            if (!cancelled && (ledger.fenced() || ledgerFailure.get() != null || !attempts.usable())) {
                cancelled = true;
                course.stop(whyUnusable());
                attempts.cancelAll("the sweep's driver stops");
            }
            Instant heardAt = now();
            board.updates().forEach(update -> course.heard(update, heardAt));
            fill();
            AttemptReport report = ends.poll(TICK.toMillis() / 4, TimeUnit.MILLISECONDS);
            while (report != null) {
                course.ended(report, now()).ifPresent(this::ended);
                report = ends.poll();
            }
            Instant now = now();
            tellOfHostPause(now);
            if (Duration.between(lastTick, now).compareTo(TICK) >= 0) {
                lastTick = now;
                course.surprise(slots, now).ifPresent(SweepLoop::tell);
                SweepProgress.Numbers numbers = numbers(now);
                live.set(Optional.of(liveNumbers(numbers)));
                progress.running(course.live().newest());
                progress.now(numbers);
                snapshot.accept(course.state());
            }
        }
        course.stopped().ifPresent(reason -> append(new LedgerEvent.SweepStopped(now(), reason)));
        stored.exceptionally(failure -> null).join();
        progress.running(List.of());
        progress.now(numbers(now()));
    }

    /** The time of day when the run began, carried on by a clock that never jumps. */
    private Instant now() {
        return startedAt.plusNanos(System.nanoTime() - started);
    }

    private String whyUnusable() {
        if (ledger.fenced()) {
            return "another driver has taken the sweep over";
        }
        Throwable failure = ledgerFailure.get();
        return failure != null ? "the ledger cannot be written: " + failure.getMessage() : "Spark was shut down";
    }

    private void fill() {
        slots = attempts.slots(course.excludedHosts());
        packing.slots(slots, seconds());
        Instant now = now();
        for (AttemptOrder order : course.fill(slots, attempts.hosts(), now)) {
            attempts.begin(order)
                    .whenComplete((report, failure) -> ends.add(report != null ? report : unreported(order, failure)));
        }
    }

    private void tellOfHostPause(Instant now) {
        Optional<Instant> end = course.hostPauseEnd();
        if (!end.equals(hostPauseEnd)) {
            hostPauseEnd = end;
            end.ifPresent(at -> LOG.warn(
                    "no host is left that cells can run on; one is tried again in {} s",
                    Duration.between(now, at).toSeconds()));
        }
    }

    private static AttemptReport unreported(AttemptOrder order, Throwable failure) {
        LOG.error(
                "attempt {} of {} gave no report",
                order.attempt(),
                order.gridCell().name(),
                failure);
        Instant now = Instant.now();
        return AttemptReport.untrained(
                order.gridCell().cell().id(),
                order.attempt(),
                Endings.driverFailed(Faults.sentence(failure), Faults.stack(failure)),
                AttemptReport.Place.UNKNOWN,
                now,
                now);
    }

    private void ended(AttemptReport report) {
        packing.ended(report);
        String name = course.state().cell(report.cell()).orElseThrow().name();
        progress.ended(name, report, numbers(now()));
    }

    private void append(LedgerEvent event) {
        if (event instanceof LedgerEvent.HostExcluded excluded) {
            LOG.warn("host {} gets no more cells as long as there are others: {}", excluded.host(), excluded.reason());
        }
        stored = ledger.append(List.of(event));
        stored.whenComplete((nothing, failure) -> {
            if (failure != null) {
                ledgerFailure.compareAndSet(null, failure);
            }
        });
        // After the append: events that a watcher appends must follow the event that caused them.
        progress.changed(event);
    }

    private SweepProgress.Numbers numbers(Instant now) {
        List<LiveUpdate> running = course.live().newest();
        double elapsed = seconds();
        RunTotals totals = course.totals();
        double rate = running.isEmpty()
                ? totals.tokens() / Math.max(elapsed, 1e-3)
                : running.stream().mapToDouble(LiveUpdate::tokensPerSecond).sum();
        return new SweepProgress.Numbers(
                total,
                totals.done(),
                totals.failed(),
                course.running(),
                slots,
                totals.tokens(),
                rate,
                OptionalDouble.of(course.secondsLeft(slots, now)),
                elapsed);
    }

    private static void tell(TimeLeft.Surprise surprise) {
        LOG.warn(
                "cells take {} times as long as planned: {} to go, where the plan has {}",
                String.format(Locale.ROOT, surprise.factor() < 10 ? "%.1f" : "%.0f", surprise.factor()),
                TerminalProgress.duration(surprise.seconds()),
                TerminalProgress.duration(surprise.plannedSeconds()));
    }

    private LiveNumbers liveNumbers(SweepProgress.Numbers numbers) {
        return new LiveNumbers(
                numbers.tokensPerSecond(),
                numbers.etaSeconds(),
                course.live().newest().stream()
                        .map(update -> new LiveNumbers.RunningCell(
                                update.cell(),
                                update.name(),
                                update.attempt(),
                                update.step(),
                                update.steps(),
                                update.loss(),
                                update.tokensPerSecond(),
                                update.host()))
                        .toList());
    }

    Optional<String> stopped() {
        return course.stopped();
    }

    RunTotals totals() {
        return course.totals();
    }

    /** How well the slots were used. */
    Packing packing() {
        return packing.read(seconds());
    }

    double seconds() {
        return (System.nanoTime() - started) / 1e9;
    }

    /** Why the ledger could not be written, if it could not. */
    Optional<Throwable> ledgerFailure() {
        return Optional.ofNullable(ledgerFailure.get());
    }
}
