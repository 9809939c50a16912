package dev.powersweep.orchestrator.viewer;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.RunTotals;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.orchestrator.view.BoardFeed;
import dev.powersweep.orchestrator.view.CellView;
import dev.powersweep.orchestrator.view.SweepBoard;
import dev.powersweep.orchestrator.view.SweepEvent;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import dev.powersweep.orchestrator.view.SweepEvent.Measurement;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.orchestrator.view.SweepPicture;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.Frame;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/** What a sweep's pages show, made of its ledger's events and of what its driver says when it lives. */
final class LedgerPicture {
    /** An attempt that runs, as far as the ledger knows. */
    private record Begun(Instant at, long step) {}

    private final String directory;
    private final SweepState state = new SweepState();
    private final SweepBoard board = new SweepBoard();
    private final BoardFeed feed = new BoardFeed(state, cell -> BoardFeed.Points.NONE);
    private final RunTotals trained = new RunTotals(state);
    private final Map<String, Begun> begun = new HashMap<>();
    private final DrivenTime time = new DrivenTime();
    private final List<Pace.Work> works = new ArrayList<>();
    private boolean opened;
    private Instant newest = Instant.EPOCH;

    LedgerPicture(String directory) {
        this.directory = directory;
    }

    /** As the ledger tells it so far. */
    SweepState state() {
        return state;
    }

    /** Takes more events in. */
    void apply(List<LedgerEvent> events) {
        List<CellPlan> plans = new ArrayList<>();
        List<CellChange> changes = new ArrayList<>();
        for (LedgerEvent event : events) {
            apply(event, plans, changes);
        }
        if (!plans.isEmpty()) {
            board.apply(new SweepEvent.Planned(plans));
        }
        if (!changes.isEmpty()) {
            Map<String, Integer> failures = new TreeMap<>();
            state.failures().forEach((failure, count) -> failures.put(failure.name(), count));
            board.apply(new SweepEvent.Changed(changes, failures, newest.toEpochMilli(), true));
        }
    }

    private void apply(LedgerEvent event, List<CellPlan> plans, List<CellChange> changes) {
        newest = event.at().isAfter(newest) ? event.at() : newest;
        state.apply(event);
        long before = trained.tokens();
        trained.apply(event);
        if (event instanceof LedgerEvent.DriverStarted) {
            time.begins(event.at());
            begun.clear();
        } else {
            time.lives(event.at());
        }
        if (event instanceof LedgerEvent.Submitted submitted && !opened) {
            opened = true;
            board.apply(new SweepEvent.Opened(
                    submitted.sweep(),
                    directory,
                    state.driver().map(LedgerEvent.DriverStarted::application).orElse(""),
                    0,
                    0,
                    submitted.at().toEpochMilli()));
        } else if (event instanceof LedgerEvent.Running running) {
            CellRecord cell = record(running.cell());
            begun.put(
                    running.cell(),
                    new Begun(running.at(), cell.last().map(AttemptReport::step).orElse(0L)));
        } else if (event instanceof LedgerEvent.Ended ended) {
            ended(ended, trained.tokens() - before);
        }
        BoardFeed.News news = feed.apply(event);
        plans.addAll(news.plans());
        changes.addAll(news.changes());
    }

    /** @param tokens that the attempt has trained and no report before told of */
    private void ended(LedgerEvent.Ended event, long tokens) {
        AttemptReport report = event.report();
        Optional<Begun> attempt = Optional.ofNullable(begun.remove(report.cell()));
        // When an attempt ended is not known where a later driver told of it.
        if (tokens > 0 && attempt.isPresent()) {
            works.add(new Pace.Work(time.until(attempt.get().at()), time.until(event.at()), tokens));
        }
    }

    private CellRecord record(String id) {
        return state.cell(id).orElseThrow();
    }

    /**
     * The whole of it; empty where there is no sweep.
     *
     * @param driver the newest one, where there was any
     * @param alive whether it lives
     */
    Optional<SweepPicture> picture(Optional<Lease.Sighting> driver, boolean alive, Optional<SweepEvent.Fitted> fitted) {
        if (state.submitted().isEmpty()) {
            return Optional.empty();
        }
        Optional<Lease.Heartbeat> beat = alive ? driver.flatMap(Lease.Sighting::heartbeat) : Optional.empty();
        beat.map(Lease.Heartbeat::at).ifPresent(time::lives);
        Optional<LiveNumbers> live = beat.flatMap(Lease.Heartbeat::live);
        Totals totals = totals(alive, live, beat.map(Lease.Heartbeat::at).orElse(newest));
        board.apply(new SweepEvent.Measured(totals, measurements(live)));
        return board.picture()
                .map(picture -> new SweepPicture(
                        picture.opened(),
                        SweepPicture.Scope.ALL_RUNS,
                        alive
                                ? picture.cells()
                                : picture.cells().stream()
                                        .map(CellView::afterTheEnd)
                                        .toList(),
                        picture.failures(),
                        picture.failed(),
                        Optional.of(totals),
                        Pace.of(worksUntilNow(live, beat), time.seconds()),
                        fitted,
                        alive
                                ? Optional.empty()
                                : Optional.of(
                                        new SweepEvent.Closed(state.stopped().orElse(""), totals)),
                        alive ? "" : notice(),
                        alive ? SweepPicture.Refresh.OFTEN : SweepPicture.Refresh.SELDOM,
                        totals.atMillis()));
    }

    private Totals totals(boolean alive, Optional<LiveNumbers> live, Instant at) {
        double elapsed = time.seconds();
        double mean = elapsed > 0 ? trained.tokens() / elapsed : Double.NaN;
        OptionalDouble eta = live.map(LiveNumbers::etaSeconds).orElse(OptionalDouble.empty());
        return new Totals(
                alive ? live.map(LiveNumbers::tokensPerSecond).orElse(Double.NaN) : mean,
                trained.tokens(),
                eta.orElse(Double.NaN),
                elapsed,
                0,
                at.toEpochMilli());
    }

    private List<Measurement> measurements(Optional<LiveNumbers> live) {
        List<Measurement> measurements = new ArrayList<>();
        for (LiveNumbers.RunningCell cell : live.map(LiveNumbers::running).orElse(List.of())) {
            feed.plan(cell.cell())
                    .ifPresent(plan -> measurements.add(new Measurement(
                            plan.cell(),
                            cell.attempt(),
                            cell.step(),
                            tokensThrough(cell.cell(), cell.step()),
                            cell.loss(),
                            cell.tokensPerSecond(),
                            cell.host())));
        }
        return measurements;
    }

    /** Of attempts that ended, and of those that run as far as their driver has told. */
    private List<Pace.Work> worksUntilNow(Optional<LiveNumbers> live, Optional<Lease.Heartbeat> beat) {
        List<Pace.Work> all = new ArrayList<>(works);
        for (LiveNumbers.RunningCell cell : live.map(LiveNumbers::running).orElse(List.of())) {
            Begun attempt = begun.get(cell.cell());
            if (attempt != null && cell.step() > attempt.step()) {
                all.add(new Pace.Work(
                        time.until(attempt.at()),
                        time.until(beat.orElseThrow().at()),
                        tokensThrough(cell.cell(), cell.step()) - tokensThrough(cell.cell(), attempt.step())));
            }
        }
        return all;
    }

    private double tokensThrough(String cell, long step) {
        return record(cell).cell().tokensThrough(step);
    }

    /** What a directory without a driver has to say; empty when all is done. */
    private String notice() {
        int left = state.count(CellState.PLANNED) + state.count(CellState.RUNNING) + state.count(CellState.INTERRUPTED);
        String goesOn = left == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        "%,d %s no result yet: powersweep rerun %s goes on.",
                        left,
                        left == 1 ? "cell has" : "cells have",
                        directory);
        String stopped = state.stopped()
                .map(reason -> "The sweep was stopped: " + reason + ". ")
                .orElse(left == 0 ? "" : "No driver lives. ");
        return (stopped + goesOn).strip();
    }

    /** Bits per byte of text for a nat per token, of the first evaluation set; NaN before a cell has finished. */
    double bitsPerByteOfANat() {
        return state.cells().stream()
                .filter(cell -> cell.state() == CellState.FINISHED)
                .flatMap(cell -> cell.last().flatMap(AttemptReport::finalEvaluation).stream())
                .filter(evaluation -> evaluation.loss() > 0)
                .mapToDouble((Frame.Evaluation evaluation) -> evaluation.bitsPerByte() / evaluation.loss())
                .findFirst()
                .orElse(Double.NaN);
    }
}
