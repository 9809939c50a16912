package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.orchestrator.tables.FitRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Fits as rows of the {@code fits} table: one per parameter and per quantity that follows from them. */
final class FitRows {
    private FitRows() {}

    static List<FitRow> of(FitSet set, Instant now) {
        List<FitRow> rows = new ArrayList<>();
        for (FitSet.Fitted fitted : set.fitted()) {
            FitResult fit = fitted.result();
            Optional<String> note =
                    fit.warnings().isEmpty() ? Optional.empty() : Optional.of(String.join(" ", fit.warnings()));
            add(rows, fit, fit.parameters(), note, now);
            add(rows, fit, fit.derived(), note, now);
        }
        for (FitSet.Refused refused : set.refused()) {
            rows.add(new FitRow(
                    now,
                    refused.law(),
                    "",
                    Double.NaN,
                    "",
                    OptionalDouble.empty(),
                    OptionalDouble.empty(),
                    OptionalDouble.empty(),
                    "non-embedding",
                    "validation",
                    set.options().objective().label(),
                    Double.NaN,
                    0,
                    Optional.of(refused.reason() + ": " + refused.sentence())));
        }
        return rows;
    }

    private static void add(
            List<FitRow> rows, FitResult fit, Map<String, Estimate> estimates, Optional<String> note, Instant now) {
        estimates.forEach((name, estimate) -> rows.add(new FitRow(
                now,
                fit.law(),
                name,
                estimate.value(),
                estimate.unit(),
                finite(estimate.low()),
                finite(estimate.high()),
                estimate.hasInterval() ? OptionalDouble.of(fit.options().confidence()) : OptionalDouble.empty(),
                "non-embedding",
                "validation",
                fit.objective().name(),
                fit.objective().sum(),
                fit.rows(),
                note)));
    }

    private static OptionalDouble finite(double value) {
        return Double.isFinite(value) ? OptionalDouble.of(value) : OptionalDouble.empty();
    }
}
