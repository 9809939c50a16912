package dev.powersweep.orchestrator.viewer;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.dispatch.TrainedSteps;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.orchestrator.view.CellFacts;
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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;

/** What a sweep's pages show, made of its ledger's events and of what its driver says when it lives. */
final class LedgerPicture {
    private static final double[] NO_CURVE = {};

    /** An attempt that runs, as far as the ledger knows. */
    private record Begun(Instant at, long step) {}

    private final String directory;
    private final SweepState state = new SweepState();
    private final SweepBoard board = new SweepBoard();
    private final Map<String, Integer> places = new HashMap<>();
    private final Map<String, Begun> begun = new HashMap<>();
    private final DrivenTime time = new DrivenTime();
    private final List<Pace.Work> works = new ArrayList<>();
    private final TrainedSteps steps = new TrainedSteps();
    /** Cells whose size nobody knows yet. */
    private final Set<String> unsized = new LinkedHashSet<>();

    private Instant newest = Instant.EPOCH;
    private long tokens;
    /** Whether a program has reported its model's size since the plans were last looked at. */
    private boolean sized;

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
        if (sized) {
            resize(plans);
        }
        if (!plans.isEmpty()) {
            board.apply(new SweepEvent.Planned(plans));
        }
        if (!changes.isEmpty()) {
            board.apply(new SweepEvent.Changed(changes, failures(), newest.toEpochMilli(), true));
        }
    }

    /** What one cell's program has reported may tell the size of others. */
    private void resize(List<CellPlan> plans) {
        sized = false;
        unsized.removeIf(cell -> {
            CellPlan now = plan(cell);
            if (now.parameters() > 0) {
                plans.add(now);
            }
            return now.parameters() > 0;
        });
    }

    private CellPlan plan(String cell) {
        CellRecord record = record(cell);
        return CellFacts.plan(places.get(cell), record, state.size(record.cell()));
    }

    private void apply(LedgerEvent event, List<CellPlan> plans, List<CellChange> changes) {
        newest = event.at().isAfter(newest) ? event.at() : newest;
        state.apply(event);
        if (event instanceof LedgerEvent.DriverStarted) {
            time.begins(event.at());
            begun.clear();
        } else {
            time.lives(event.at());
        }
        if (event instanceof LedgerEvent.Submitted submitted && places.isEmpty()) {
            board.apply(new SweepEvent.Opened(
                    submitted.sweep(),
                    directory,
                    state.driver().map(LedgerEvent.DriverStarted::application).orElse(""),
                    0,
                    0,
                    submitted.at().toEpochMilli()));
        } else if (event instanceof LedgerEvent.Planned planned) {
            String cell = planned.cell().id();
            if (places.putIfAbsent(cell, places.size()) == null) {
                CellPlan plan = plan(cell);
                plans.add(plan);
                if (plan.parameters() == 0) {
                    unsized.add(cell);
                }
            }
        } else if (event instanceof LedgerEvent.Running running) {
            CellRecord cell = record(running.cell());
            begun.put(
                    running.cell(),
                    new Begun(running.at(), cell.last().map(AttemptReport::step).orElse(0L)));
            changes.add(change(cell, Optional.empty(), running.at()));
        } else if (event instanceof LedgerEvent.Ended ended) {
            ended(ended, changes);
        } else if (event instanceof LedgerEvent.Requested requested) {
            if (requested.beginning() == LedgerEvent.Beginning.AFRESH) {
                steps.afresh(requested.cell());
            }
            changes.add(change(record(requested.cell()), Optional.empty(), requested.at()));
        }
    }

    private void ended(LedgerEvent.Ended event, List<CellChange> changes) {
        AttemptReport report = event.report();
        CellRecord cell = record(report.cell());
        Optional<Begun> attempt = Optional.ofNullable(begun.remove(report.cell()));
        long trained = steps.count(report) * cell.cell().batchTokens();
        tokens += trained;
        sized |= report.size().isPresent();
        // An attempt whose end a later driver tells ended in a time that nobody knows.
        if (trained > 0 && attempt.isPresent()) {
            works.add(new Pace.Work(time.until(attempt.get().at()), time.until(event.at()), trained));
        }
        changes.add(change(cell, Optional.of(report), event.at()));
    }

    private CellChange change(CellRecord cell, Optional<AttemptReport> report, Instant at) {
        return CellFacts.change(places.get(cell.cell().id()), cell, report, at, NO_CURVE, NO_CURVE);
    }

    private CellRecord record(String id) {
        return state.cell(id).orElseThrow();
    }

    /** As {@code status} counts them. */
    private Map<String, Integer> failures() {
        Map<String, Integer> failures = new TreeMap<>();
        for (CellRecord cell : state.cells()) {
            cell.failures().forEach((failure, count) -> failures.merge(failure.name(), count, Integer::sum));
        }
        return failures;
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
        double mean = elapsed > 0 ? tokens / elapsed : Double.NaN;
        OptionalDouble eta = live.map(LiveNumbers::etaSeconds).orElse(OptionalDouble.empty());
        return new Totals(
                alive ? live.map(LiveNumbers::tokensPerSecond).orElse(Double.NaN) : mean,
                tokens,
                eta.orElse(Double.NaN),
                elapsed,
                0,
                at.toEpochMilli());
    }

    private List<Measurement> measurements(Optional<LiveNumbers> live) {
        List<Measurement> measurements = new ArrayList<>();
        for (LiveNumbers.RunningCell cell : live.map(LiveNumbers::running).orElse(List.of())) {
            if (places.containsKey(cell.cell())) {
                measurements.add(new Measurement(
                        places.get(cell.cell()),
                        cell.attempt(),
                        cell.step(),
                        cell.loss(),
                        cell.tokensPerSecond(),
                        cell.host()));
            }
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
                        (double) (cell.step() - attempt.step())
                                * record(cell.cell()).cell().batchTokens()));
            }
        }
        return all;
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
                .flatMap(cell -> cell.last().flatMap(AttemptReport::result).stream())
                .flatMap(result -> result.finalEvaluations().stream().limit(1))
                .filter(evaluation -> evaluation.loss() > 0)
                .mapToDouble((Frame.Evaluation evaluation) -> evaluation.bitsPerByte() / evaluation.loss())
                .findFirst()
                .orElse(Double.NaN);
    }
}
