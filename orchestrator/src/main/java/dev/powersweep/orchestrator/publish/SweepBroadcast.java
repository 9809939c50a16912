package dev.powersweep.orchestrator.publish;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.LiveCells;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.executor.LiveUpdate;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.view.BoardFeed;
import dev.powersweep.orchestrator.view.Curve;
import dev.powersweep.orchestrator.view.SweepBoard;
import dev.powersweep.orchestrator.view.SweepEvent;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import dev.powersweep.orchestrator.view.SweepEvent.Measurement;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.metrics.MetricsSystem;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Tells Spark's listeners, its event log and its metrics what becomes of a sweep.
 *
 * <p>Bounded: events are gathered and posted once a tick; of a cell the event log gets its plan, its first attempts and
 * its end, with a curve of some dozen points, whatever the number of steps.
 */
public final class SweepBroadcast implements SweepProgress {
    private static final int BATCH = 500;
    /** Changes of a cell that the event log keeps, its end not counted. */
    private static final int LOGGED_CHANGES = 16;

    /** The throughput is noted this often over the life of a run, so far as ticks allow. */
    private static final double NOTES = 100;
    /** So that whoever reads the event log can tell a driver that lives from one that was killed. */
    private static final double MOST_SECONDS_BETWEEN_NOTES = 60;

    private final SparkContext spark;
    private final CurrentFit fit;
    private final SweepMetrics metrics = new SweepMetrics();
    /** Fed by the loop and by Spark's listener bus. */
    private final LiveCells<LiveUpdate> live = new LiveCells<>();

    private final Map<String, Curve> curves = new ConcurrentHashMap<>();
    private final SparkListener listener = new Curves();
    private final List<CellChange> logged = new ArrayList<>();
    private final List<CellChange> unlogged = new ArrayList<>();
    private int[] changes = new int[0];
    private Optional<SweepState> state = Optional.empty();
    private volatile Optional<BoardFeed> feed = Optional.empty();
    private double lastNote = Double.NEGATIVE_INFINITY;
    private String stopped = "";
    private Totals totals = new Totals(0, 0, Double.NaN, 0, 0, 0);

    public SweepBroadcast(SparkContext spark) {
        this.spark = spark;
        this.fit = new CurrentFit(this::post);
    }

    /** To be added to the listeners: sees every update of a running cell, more often than the loop ticks. */
    public SparkListener curves() {
        return listener;
    }

    private final class Curves extends SparkListener {
        @Override
        public void onOtherEvent(SparkListenerEvent event) {
            if (event instanceof LiveUpdate update) {
                feed.flatMap(known -> known.plan(update.cell()))
                        .filter(plan -> heard(update))
                        .ifPresent(plan -> add(update));
            }
        }
    }

    private void add(LiveUpdate update) {
        Curve curve = curves.computeIfAbsent(update.cell(), cell -> new Curve(SweepBoard.CURVE_POINTS));
        synchronized (curve) {
            curve.add(update.tokens(), update.loss());
        }
    }

    private boolean heard(LiveUpdate update) {
        synchronized (live) {
            return live.heard(update);
        }
    }

    private void apply(LedgerEvent event) {
        synchronized (live) {
            live.apply(event);
        }
    }

    private List<LiveUpdate> newest() {
        synchronized (live) {
            return live.newest();
        }
    }

    private void post(SweepEvent event) {
        spark.listenerBus().post(event);
    }

    @Override
    public void opened(SweepState sweep, SweepDirectory directory, int slots) {
        state = Optional.of(sweep);
        Collection<CellRecord> cells = sweep.cells();
        long now = System.currentTimeMillis();
        changes = new int[cells.size()];
        post(new SweepEvent.Opened(
                sweep.submitted().map(LedgerEvent.Submitted::sweep).orElse(""),
                directory.root().toString(),
                spark.applicationId(),
                cells.size(),
                slots,
                now));
        BoardFeed cellsFeed = new BoardFeed(sweep, this::curve);
        BoardFeed.News known = cellsFeed.known(Instant.ofEpochMilli(now));
        feed = Optional.of(cellsFeed);
        post(known.plans());
        logged.addAll(known.changes());
        flush(now);
        metrics.slots(slots);
        register();
        fit.offer(sweep);
    }

    private void register() {
        MetricsSystem system = SparkEnv.get().metricsSystem();
        CollectionConverters.asJava(system.getSourcesByName(SweepMetrics.NAME)).forEach(system::removeSource);
        system.registerSource(metrics);
    }

    @Override
    public void changed(LedgerEvent event) {
        boolean begins = event instanceof LedgerEvent.Running;
        if (begins) {
            apply(event);
        }
        BoardFeed.News news = feed.orElseThrow().apply(event);
        post(news.plans());
        news.changes().forEach(this::add);
        if (event instanceof LedgerEvent.Ended ended) {
            apply(event);
            if (ended.report().state().terminal()) {
                curves.remove(ended.report().cell());
            }
        } else if (event instanceof LedgerEvent.SweepStopped end) {
            stopped = end.reason();
        }
    }

    private void post(List<CellPlan> plans) {
        for (int from = 0; from < plans.size(); from += BATCH) {
            post(new SweepEvent.Planned(List.copyOf(plans.subList(from, Math.min(plans.size(), from + BATCH)))));
        }
    }

    private void add(CellChange change) {
        boolean end = CellState.valueOf(change.state()).terminal();
        boolean kept = end || ++changes[change.cell()] <= LOGGED_CHANGES;
        (kept ? logged : unlogged).add(change);
    }

    private BoardFeed.Points curve(String cell) {
        Curve curve = curves.get(cell);
        if (curve == null) {
            return BoardFeed.Points.NONE;
        }
        synchronized (curve) {
            return new BoardFeed.Points(curve.x(), rounded(curve.y()));
        }
    }

    /** Five digits are more than a drawing shows, and a third of the event log's bytes. */
    private static double[] rounded(double[] values) {
        return Arrays.stream(values)
                .map(value -> new BigDecimal(value).round(new MathContext(5)).doubleValue())
                .toArray();
    }

    @Override
    public void now(Numbers numbers) {
        long now = System.currentTimeMillis();
        flush(now);
        totals = new Totals(
                numbers.tokensPerSecond(),
                numbers.tokens(),
                numbers.etaSeconds().orElse(Double.NaN),
                numbers.elapsedSeconds(),
                numbers.slots(),
                now);
        metrics.slots(numbers.slots());
        List<Measurement> running = new ArrayList<>();
        BoardFeed cells = feed.orElseThrow();
        newest().forEach(update -> running.add(new Measurement(
                cells.plan(update.cell()).orElseThrow().cell(),
                update.attempt(),
                update.step(),
                update.tokens(),
                update.loss(),
                update.tokensPerSecond(),
                update.host())));
        post(new SweepEvent.Measured(totals, running));
        double between = Math.min(MOST_SECONDS_BETWEEN_NOTES, Math.max(0.9, numbers.elapsedSeconds() / NOTES));
        if (numbers.elapsedSeconds() - lastNote >= between) {
            lastNote = numbers.elapsedSeconds();
            post(new SweepEvent.Noted(totals));
        }
        metrics.pace(totals.tokensPerSecond(), totals.tokens(), totals.etaSeconds());
        state.ifPresent(fit::offer);
    }

    private void flush(long now) {
        Map<String, Integer> named = new TreeMap<>();
        Map<FailureClass, Integer> failures = state.map(SweepState::failures).orElse(Map.of());
        failures.forEach((failure, count) -> named.put(failure.name(), count));
        // In this order, and rarely both: a cell's changes go into one of the two from some point on.
        for (int from = 0; from < logged.size(); from += BATCH) {
            post(new SweepEvent.Changed(
                    List.copyOf(logged.subList(from, Math.min(logged.size(), from + BATCH))), named, now, true));
        }
        if (!unlogged.isEmpty()) {
            post(new SweepEvent.Changed(List.copyOf(unlogged), named, now, false));
        }
        logged.clear();
        unlogged.clear();
        failures.forEach(metrics::failures);
        state.ifPresent(sweep -> {
            for (CellState each : CellState.values()) {
                metrics.cells(each, sweep.count(each));
            }
        });
    }

    @Override
    public void ended(String name, AttemptReport report, Numbers numbers) {}

    @Override
    public void close() {
        flush(System.currentTimeMillis());
        state.ifPresent(fit::finish);
        post(new SweepEvent.Closed(stopped, totals));
    }
}
