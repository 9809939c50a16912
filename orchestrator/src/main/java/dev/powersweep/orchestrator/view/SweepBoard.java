package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import dev.powersweep.orchestrator.view.SweepEvent.Measurement;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A sweep as its events tell it so far; written by the listener bus, read by pages. */
public final class SweepBoard {
    /** Points of a cell's curve. */
    public static final int CURVE_POINTS = 64;

    private static final int THROUGHPUT_POINTS = 240;
    /** Failed attempts of a class that are kept with their words. */
    private static final int KEPT_FAILURES = 10;

    private final List<Row> rows = new ArrayList<>();
    /** Curves by identity that this application drew before it opened the sweep again, as after a rate pilot. */
    private final Map<String, Curve> before = new HashMap<>();

    private final Map<String, Deque<CellChange>> failed = new TreeMap<>();
    private Map<String, Integer> failures = Map.of();
    private Optional<SweepEvent.Opened> opened = Optional.empty();
    private Optional<SweepEvent.Fitted> fitted = Optional.empty();
    private Optional<SweepEvent.Closed> closed = Optional.empty();
    private Optional<Totals> totals = Optional.empty();
    private Curve throughput = new Curve(THROUGHPUT_POINTS);
    private long updatedMillis;

    private static final class Row {
        private CellPlan plan;
        private Optional<CellChange> change = Optional.empty();
        private Optional<Measurement> measurement = Optional.empty();
        private Optional<Curve> curve = Optional.empty();

        Row(CellPlan plan) {
            this.plan = plan;
        }

        CellView view() {
            double[] tokens = curve.map(Curve::x)
                    .orElseGet(() -> change.map(CellChange::curveTokens).orElse(new double[0]));
            double[] loss = curve.map(Curve::y)
                    .orElseGet(() -> change.map(CellChange::curveLoss).orElse(new double[0]));
            return new CellView(plan, change, measurement, tokens, loss);
        }
    }

    /**
     * Takes one more event in; an {@link SweepEvent.Opened} begins a new board, which keeps the curves that the same application
     * has drawn.
     */
    public synchronized void apply(SweepEvent event) {
        if (event instanceof SweepEvent.Opened begin) {
            keepCurves(begin);
            rows.clear();
            failed.clear();
            failures = Map.of();
            fitted = Optional.empty();
            closed = Optional.empty();
            totals = Optional.empty();
            throughput = new Curve(THROUGHPUT_POINTS);
            opened = Optional.of(begin);
            updatedMillis = begin.atMillis();
        } else if (event instanceof SweepEvent.Planned planned) {
            planned.cells().forEach(this::plan);
        } else if (event instanceof SweepEvent.Changed changed) {
            changed.cells().forEach(this::change);
            failures = new TreeMap<>(changed.failures());
            updatedMillis = changed.atMillis();
        } else if (event instanceof SweepEvent.Noted noted) {
            throughput.add(noted.totals().elapsedSeconds(), noted.totals().tokensPerSecond());
            totals(noted.totals());
        } else if (event instanceof SweepEvent.Measured measured) {
            measured.running().forEach(this::measure);
            totals(measured.totals());
        } else if (event instanceof SweepEvent.Fitted fit) {
            fitted = Optional.of(fit);
        } else if (event instanceof SweepEvent.Closed end) {
            closed = Optional.of(end);
            totals(end.totals());
        }
    }

    /** A cell, or what is known of it by now. */
    private void plan(CellPlan plan) {
        if (plan.cell() < rows.size()) {
            rows.get(plan.cell()).plan = plan;
        } else {
            Row row = new Row(plan);
            row.curve = Optional.ofNullable(before.get(plan.id()));
            rows.add(row);
        }
    }

    private void keepCurves(SweepEvent.Opened begin) {
        before.clear();
        if (opened.filter(known -> known.application().equals(begin.application())
                        && known.directory().equals(begin.directory()))
                .isPresent()) {
            for (Row row : rows) {
                CellView view = row.view();
                if (view.curveLoss().length > 0) {
                    before.put(row.plan.id(), curve(view));
                }
            }
        }
    }

    private static Curve curve(CellView view) {
        Curve curve = new Curve(CURVE_POINTS);
        for (int i = 0; i < view.curveLoss().length; i++) {
            curve.add(view.curveTokens()[i], view.curveLoss()[i]);
        }
        return curve;
    }

    private void totals(Totals now) {
        totals = Optional.of(now);
        updatedMillis = now.atMillis();
    }

    private void change(CellChange change) {
        if (change.cell() >= rows.size()) {
            return;
        }
        Row row = rows.get(change.cell());
        if (change.state().equals(CellState.RUNNING.name())) {
            row.curve = Optional.of(curve(row.view()));
        } else {
            row.measurement = Optional.empty();
            if (change.curveTokens().length > 0) {
                row.curve = Optional.empty();
            }
        }
        row.change = Optional.of(change);
        if (!change.failure().isEmpty()) {
            Deque<CellChange> ofClass = failed.computeIfAbsent(change.failure(), name -> new ArrayDeque<>());
            ofClass.removeIf(known -> known.cell() == change.cell() && known.attempt() == change.attempt());
            ofClass.addFirst(change);
            if (ofClass.size() > KEPT_FAILURES) {
                ofClass.removeLast();
            }
        }
    }

    private void measure(Measurement measurement) {
        if (measurement.cell() >= rows.size()) {
            return;
        }
        Row row = rows.get(measurement.cell());
        // One that was overtaken by its attempt's end is of the past.
        if (row.change.isEmpty()
                || !row.change.get().state().equals(CellState.RUNNING.name())
                || row.change.get().attempt() != measurement.attempt()) {
            return;
        }
        row.measurement = Optional.of(measurement);
        if (row.curve.isEmpty()) {
            row.curve = Optional.of(new Curve(CURVE_POINTS));
        }
        row.curve.get().add(measurement.tokens(), measurement.loss());
    }

    /** The whole of it as of now; empty before a sweep has begun. */
    public synchronized Optional<SweepPicture> picture() {
        if (opened.isEmpty()) {
            return Optional.empty();
        }
        Map<String, List<CellChange>> samples = new TreeMap<>();
        failed.forEach((name, changes) -> samples.put(name, List.copyOf(changes)));
        return Optional.of(SweepPicture.ofARun(
                opened.get(),
                rows.stream().map(Row::view).toList(),
                new TreeMap<>(failures),
                samples,
                totals,
                new SweepPicture.Throughput(throughput.x(), throughput.y()),
                fitted,
                closed,
                updatedMillis));
    }

    /** Cells by state. */
    public synchronized Map<CellState, Integer> states() {
        Map<CellState, Integer> states = new HashMap<>();
        for (Row row : rows) {
            states.merge(
                    row.change.map(change -> CellState.valueOf(change.state())).orElse(CellState.PLANNED),
                    1,
                    Integer::sum);
        }
        return states;
    }

    /** The events that would make this board anew, fewer than it was made from; empty for an empty board. */
    public synchronized List<SweepEvent> events() {
        List<SweepEvent> events = new ArrayList<>();
        if (opened.isEmpty()) {
            return events;
        }
        int batch = 500;
        events.add(opened.get());
        for (int from = 0; from < rows.size(); from += batch) {
            List<Row> part = rows.subList(from, Math.min(rows.size(), from + batch));
            events.add(new SweepEvent.Planned(part.stream().map(row -> row.plan).toList()));
        }
        // Failures first: what a cell is now counts, and comes last.
        for (Deque<CellChange> changes : failed.values()) {
            List<CellChange> oldestFirst = new ArrayList<>();
            changes.descendingIterator().forEachRemaining(oldestFirst::add);
            events.add(new SweepEvent.Changed(oldestFirst, failures, updatedMillis, true));
        }
        for (int from = 0; from < rows.size(); from += batch) {
            List<Row> part = rows.subList(from, Math.min(rows.size(), from + batch));
            List<CellChange> changes =
                    part.stream().flatMap(row -> row.change.stream()).toList();
            events.add(new SweepEvent.Changed(changes, failures, updatedMillis, true));
        }
        double[] seconds = throughput.x();
        double[] rates = throughput.y();
        for (int i = 0; i < seconds.length; i++) {
            events.add(new SweepEvent.Noted(new Totals(rates[i], 0, Double.NaN, seconds[i], 0, updatedMillis)));
        }
        totals.ifPresent(now -> events.add(new SweepEvent.Measured(now, List.of())));
        fitted.ifPresent(events::add);
        closed.ifPresent(events::add);
        return events;
    }
}
