package dev.powersweep.fitting.batch;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A warm-up of the batch that follows a measured critical batch size (Merrill et al. 2025, section 5): each batch is used from where
 * B_crit(t) has reached it. It ends where B_crit was measured last, and promises nothing beyond.
 *
 * @param batch tokens of a batch after the last doubling
 * @param doubleAt tokens seen at which the batch doubles, ascending; not empty
 */
public record WarmupSchedule(double batch, List<Double> doubleAt) {
    public WarmupSchedule {
        doubleAt = List.copyOf(doubleAt);
    }

    /**
     * Empty where the critical batch size does not grow for sure, or not by a doubling within the tokens at which it was measured.
     *
     * @param unit tokens of the smallest batch to use; the others are powers of two of it
     */
    public static Optional<WarmupSchedule> of(BranchedTrend trend, double unit) {
        // An interval that is not there holds for a line that the points meet.
        boolean grows = trend.exponent().value() > 0 && !(trend.exponent().low() <= 0);
        if (!grows) {
            return Optional.empty();
        }
        double batch = unit;
        while (2 * batch <= trend.batch(trend.from())) {
            batch *= 2;
        }
        List<Double> doubleAt = new ArrayList<>();
        while (2 * batch <= trend.batch(trend.to())) {
            batch *= 2;
            doubleAt.add(Math.pow(
                    batch / trend.coefficient().value(), 1 / trend.exponent().value()));
        }
        return doubleAt.isEmpty() ? Optional.empty() : Optional.of(new WarmupSchedule(batch, doubleAt));
    }
}
