package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** What losses of several sweeps are compared at. */
enum ComparisonAxis {
    COMPUTE(
            "C",
            "compute C = 6·N·D, FLOPs",
            cell -> 6.0 * cell.plan().parameters() * cell.plan().tokens()),
    PARAMETERS("N", "model size N, parameters", cell -> cell.plan().parameters()),
    TOKENS("D", "data size D, tokens", cell -> cell.plan().tokens()),
    BATCH("B", "batch B, tokens", cell -> cell.plan().batchTokens()),
    RATE("rate", "learning rate", cell -> cell.plan().learningRate()),
    SECONDS("time", "seconds of the last attempt", cell -> cell.change()
            .map(CellChange::seconds)
            .orElse(Double.NaN));

    private final String key;
    private final String title;
    private final ToDoubleFunction<CellView> value;

    ComparisonAxis(String key, String title, ToDoubleFunction<CellView> value) {
        this.key = key;
        this.title = title;
        this.value = value;
    }

    /** As addresses name it. */
    String key() {
        return key;
    }

    String title() {
        return title;
    }

    double of(CellView cell) {
        return value.applyAsDouble(cell);
    }

    /** The one that an address names; compute where it names none. */
    static ComparisonAxis named(Optional<String> key) {
        return Arrays.stream(values())
                .filter(axis -> key.map(text -> text.toLowerCase(Locale.ROOT))
                        .filter(axis.key.toLowerCase(Locale.ROOT)::equals)
                        .isPresent())
                .findFirst()
                .orElse(COMPUTE);
    }
}
