package dev.powersweep.orchestrator.publish;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.spark.metrics.source.Source;

/**
 * A sweep's numbers in Spark's metrics system, so that whatever a cluster collects its metrics with collects these too:
 * {@code powersweep.cells.finished}, {@code powersweep.tokensPerSecond}, {@code powersweep.failures.NATIVE_CRASH} and so
 * on; docs/operations.md lists them.
 */
final class SweepMetrics implements Source {
    static final String NAME = "powersweep";

    private final MetricRegistry registry = new MetricRegistry();
    private final Map<CellState, Integer> cells = new ConcurrentHashMap<>();
    private final Map<FailureClass, Integer> failures = new ConcurrentHashMap<>();
    private volatile double tokensPerSecond;
    private volatile long tokens;
    private volatile double etaSeconds = Double.NaN;
    private volatile int slots;

    SweepMetrics() {
        for (CellState state : CellState.values()) {
            gauge("cells." + state.name().toLowerCase(Locale.ROOT), () -> cells.getOrDefault(state, 0));
        }
        gauge(
                "cells.total",
                () -> cells.values().stream().mapToInt(Integer::intValue).sum());
        for (FailureClass failure : FailureClass.values()) {
            gauge("failures." + failure.name(), () -> failures.getOrDefault(failure, 0));
        }
        gauge("tokensPerSecond", () -> tokensPerSecond);
        gauge("tokens", () -> tokens);
        gauge("etaSeconds", () -> etaSeconds);
        gauge("slots", () -> slots);
    }

    private <T> void gauge(String name, Supplier<T> value) {
        registry.register(name, (Gauge<T>) value::get);
    }

    void cells(CellState state, int count) {
        cells.put(state, count);
    }

    void failures(FailureClass failure, int count) {
        failures.put(failure, count);
    }

    void slots(int count) {
        slots = count;
    }

    /** @param eta NaN where there is none */
    void pace(double rate, long trained, double eta) {
        tokensPerSecond = rate;
        tokens = trained;
        etaSeconds = eta;
    }

    @Override
    public String sourceName() {
        return NAME;
    }

    @Override
    public MetricRegistry metricRegistry() {
        return registry;
    }
}
