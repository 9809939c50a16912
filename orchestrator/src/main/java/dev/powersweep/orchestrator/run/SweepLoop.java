package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.Dispatcher;
import dev.powersweep.orchestrator.dispatch.Endings;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.worker.cell.CellState;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

/** The driver's loop: keeps the slots busy, and writes down what happens. One thread owns all of its state. */
final class SweepLoop {
    private static final Logger LOG = LogManager.getLogger(SweepLoop.class);
    private static final Duration TICK = Duration.ofSeconds(1);

    private final Ledger ledger;
    private final SweepState state;
    private final Dispatcher dispatcher;
    private final Attempts attempts;
    private final LiveBoard board;
    private final SweepProgress progress;
    private final AtomicReference<Optional<LiveNumbers>> live;
    private final Consumer<SweepState> snapshot;
    private final int total;
    private final BlockingQueue<AttemptReport> ends = new LinkedBlockingQueue<>();
    private final AtomicReference<Throwable> ledgerFailure = new AtomicReference<>();
    private final Map<String, Instant> begun = new HashMap<>();
    private final long started = System.nanoTime();

    private CompletableFuture<Void> stored = CompletableFuture.completedFuture(null);
    private int slots;
    private int begunAttempts;
    private int done;
    private int failed;
    private long tokens;
    private final PackingMeter packing = new PackingMeter();

    /**
     * @param live takes the numbers that the lease's beat shows to others
     * @param snapshot called when the state has changed, at most once a tick
     */
    SweepLoop(
            Ledger ledger,
            SweepState state,
            Dispatcher dispatcher,
            Attempts attempts,
            LiveBoard board,
            SweepProgress progress,
            AtomicReference<Optional<LiveNumbers>> live,
            Consumer<SweepState> snapshot,
            int total) {
        this.ledger = ledger;
        this.state = state;
        this.dispatcher = dispatcher;
        this.attempts = attempts;
        this.board = board;
        this.progress = progress;
        this.live = live;
        this.snapshot = snapshot;
        this.total = total;
    }

    /** Runs to the end; what came of it is in the state and in the ledger by then. */
    void run() throws InterruptedException {
        Instant lastTick = Instant.EPOCH;
        boolean cancelled = false;
        while (!dispatcher.done()) {
            if (!cancelled && (ledger.fenced() || ledgerFailure.get() != null || !attempts.usable())) {
                cancelled = true;
                dispatcher.stop(whyUnusable());
                attempts.cancelAll("the sweep's driver stops");
            }
            board.running().forEach(update -> dispatcher.stored(update.cell(), update.storedStep()));
            fill();
            AttemptReport report = ends.poll(TICK.toMillis() / 4, TimeUnit.MILLISECONDS);
            while (report != null) {
                take(report);
                report = ends.poll();
            }
            Instant now = Instant.now();
            if (Duration.between(lastTick, now).compareTo(TICK) >= 0) {
                lastTick = now;
                SweepProgress.Numbers numbers = numbers(now);
                live.set(Optional.of(liveNumbers(numbers)));
                progress.now(numbers);
                snapshot.accept(state);
            }
        }
        dispatcher.stopped().ifPresent(reason -> append(new LedgerEvent.SweepStopped(Instant.now(), reason)));
        stored.exceptionally(failure -> null).join();
        progress.now(numbers(Instant.now()));
    }

    private String whyUnusable() {
        if (ledger.fenced()) {
            return "another driver has taken the sweep over";
        }
        Throwable failure = ledgerFailure.get();
        return failure != null ? "the ledger cannot be written: " + failure.getMessage() : "Spark was shut down";
    }

    private void fill() {
        slots = attempts.slots(dispatcher.excludedHosts());
        packing.slots(slots, seconds());
        dispatcher.hosts(attempts.hosts());
        while (dispatcher.running() < slots) {
            Instant now = Instant.now();
            Optional<AttemptOrder> next = dispatcher.next(now);
            if (next.isEmpty()) {
                return;
            }
            AttemptOrder order = next.get();
            begunAttempts++;
            begun.put(order.gridCell().cell().id(), now);
            append(Dispatcher.begun(order, now));
            attempts.begin(order)
                    .whenComplete((report, failure) -> ends.add(report != null ? report : bug(order, failure)));
        }
    }

    private static AttemptReport bug(AttemptOrder order, Throwable failure) {
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

    private void take(AttemptReport report) {
        Instant now = Instant.now();
        board.ended(report.cell(), report.attempt());
        begun.remove(report.cell());
        LedgerEvent.Ended event = dispatcher.ended(report, now);
        append(event);
        dispatcher.judgeHost(event.report(), now).ifPresent(this::exclude);
        CellRecord cell = state.cell(report.cell()).orElseThrow();
        tokens += Math.max(0, report.step() - report.resumedFromStep())
                * cell.cell().batchTokens();
        CellState after = event.report().state();
        if (after == CellState.FINISHED || after == CellState.DIVERGED) {
            done++;
        } else if (after == CellState.FAILED) {
            failed++;
        }
        packing.ended(event.report());
        progress.ended(cell.name(), event.report(), numbers(now));
    }

    private void exclude(LedgerEvent.HostExcluded event) {
        LOG.warn("host {} gets no more cells: {}", event.host(), event.reason());
        append(event);
    }

    private void append(LedgerEvent event) {
        stored = ledger.append(List.of(event));
        stored.whenComplete((nothing, failure) -> {
            if (failure != null) {
                ledgerFailure.compareAndSet(null, failure);
            }
        });
        // After the append: what a watcher tells the ledger in its turn must not come before what it rests on.
        progress.changed(event);
    }

    private SweepProgress.Numbers numbers(Instant now) {
        Collection<LiveUpdate> running = board.running();
        double elapsed = (System.nanoTime() - started) / 1e9;
        double rate = running.isEmpty()
                ? tokens / Math.max(elapsed, 1e-3)
                : running.stream().mapToDouble(LiveUpdate::tokensPerSecond).sum();
        return new SweepProgress.Numbers(total, done, failed, dispatcher.running(), slots, rate, eta(now), elapsed);
    }

    private OptionalDouble eta(Instant now) {
        double left = dispatcher.waitingSeconds();
        double longest = 0;
        for (Map.Entry<String, Instant> cell : begun.entrySet()) {
            double predicted = dispatcher.expectedSeconds(cell.getKey());
            double remaining = Math.max(
                    0, predicted - Duration.between(cell.getValue(), now).toMillis() / 1e3);
            left += remaining;
            longest = Math.max(longest, remaining);
        }
        return OptionalDouble.of(Math.max(longest, left / Math.max(1, slots)));
    }

    private LiveNumbers liveNumbers(SweepProgress.Numbers numbers) {
        return new LiveNumbers(
                numbers.tokensPerSecond(),
                numbers.etaSeconds(),
                board.running().stream()
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
        return dispatcher.stopped();
    }

    int begunAttempts() {
        return begunAttempts;
    }

    long tokens() {
        return tokens;
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
