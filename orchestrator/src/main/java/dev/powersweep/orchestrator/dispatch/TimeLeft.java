package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.Cell;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * How long a run still takes. A running cell is judged by its own pace from its first report on; one that was not heard of,
 * and those that wait, by the plan, times what the cells that were heard of differ from it.
 */
public final class TimeLeft {
    /**
     * Steps between a cell's reports, over some seconds, from which its pace is more than its first steps: a JVM runs those
     * slowly, and on a busy machine hundreds of times so.
     */
    private static final long SURE_STEPS = 20;

    private static final double SURE_SECONDS = 5;

    /** So long a time between reports says enough by itself. */
    private static final double LONG_SECONDS = 30;

    /** Plans are off by less. */
    private static final double SURPRISE = 2;

    /** A difference of less is not told. */
    private static final double FEW_SECONDS = 10;

    /** A running cell, its plan, and what was heard of it. */
    private static final class Running {
        private final Cell cell;
        private final Instant begun;
        private Optional<Heard> first = Optional.empty();
        private Optional<Heard> newest = Optional.empty();

        Running(Cell cell, Instant begun) {
            this.cell = cell;
            this.begun = begun;
        }

        double elapsed(Instant now) {
            return seconds(begun, now);
        }

        /** Between its first report and its newest. */
        double span() {
            return newest.map(last -> seconds(first.orElseThrow().at, last.at)).orElse(0.0);
        }

        boolean steady() {
            long steps =
                    newest.map(last -> last.step - first.orElseThrow().step).orElse(0L);
            return (span() >= SURE_SECONDS && steps >= SURE_STEPS) || span() >= LONG_SECONDS;
        }

        /** Of a token, evaluations counted in; empty before there is anything to judge by. */
        OptionalDouble secondsPerToken() {
            if (newest.isEmpty()) {
                return OptionalDouble.empty();
            }
            long tokens = cell.tokensThrough(newest.get().step) - cell.tokensThrough(first.orElseThrow().step);
            if (tokens > 0 && span() > 0) {
                return OptionalDouble.of(span() / tokens);
            }
            // A trainer's first step loads its classes, and on a busy machine takes a thousand times what the second
            // does.
            return newest.get().step > 1 ? recent() : OptionalDouble.empty();
        }

        /** Seconds of a token since the report before the newest. */
        private OptionalDouble recent() {
            double rate = newest.orElseThrow().tokensPerSecond;
            return rate > 0 ? OptionalDouble.of(1 / rate) : OptionalDouble.empty();
        }

        /** Whether its newest steps, too, are slower or faster than planned: its first ones say little. */
        boolean stillOff(double planned) {
            OptionalDouble token = recent();
            double factor = token.orElse(Double.NaN) * cell.tokens() / planned;
            return token.isEmpty() || factor >= SURPRISE || factor <= 1 / SURPRISE;
        }

        /** Of all its steps, at its pace. */
        OptionalDouble training() {
            OptionalDouble token = secondsPerToken();
            return token.isPresent() ? OptionalDouble.of(token.getAsDouble() * cell.tokens()) : token;
        }

        /** From its begin to its end. */
        OptionalDouble total() {
            OptionalDouble token = secondsPerToken();
            return token.isPresent()
                    ? OptionalDouble.of(elapsed(newest.orElseThrow().at)
                            + token.getAsDouble() * Math.max(0, cell.tokens() - cell.tokensThrough(newest.get().step)))
                    : token;
        }

        private static double seconds(Instant from, Instant to) {
            return Duration.between(from, to).toMillis() / 1e3;
        }
    }

    private record Heard(Instant at, long step, double tokensPerSecond) {}

    /**
     * That the cells that run contradict the plan.
     *
     * @param factor how many times longer than planned they take
     * @param seconds that the run still takes
     * @param plannedSeconds that it would take by the plan
     */
    public record Surprise(double factor, double seconds, double plannedSeconds) {}

    private final SweepState state;
    private final ToDoubleFunction<String> expected;
    private final Map<String, Running> running = new HashMap<>();
    private boolean told;

    /** @param expected planned seconds of a cell, refined by those that have finished */
    TimeLeft(SweepState state, ToDoubleFunction<String> expected) {
        this.state = state;
        this.expected = expected;
    }

    /** Takes one more event in. */
    void apply(LedgerEvent event) {
        if (event instanceof LedgerEvent.Running begun) {
            Cell cell = state.cell(begun.cell()).orElseThrow().cell();
            running.put(begun.cell(), new Running(cell, begun.at()));
        } else if (event instanceof LedgerEvent.Ended ended) {
            running.remove(ended.report().cell());
        }
    }

    /** Takes news of a running attempt in. */
    void heard(LiveCells.Update update, Instant now) {
        Running cell = running.get(update.cell());
        if (cell == null) {
            return;
        }
        Heard heard = new Heard(now, update.step(), update.tokensPerSecond());
        if (update.step() > 0 && cell.first.isEmpty()) {
            cell.first = Optional.of(heard);
        }
        if (cell.first.isPresent()
                && cell.newest.map(before -> update.step() > before.step).orElse(true)) {
            cell.newest = Optional.of(heard);
        }
    }

    /** @param waiting planned seconds of the cells that have not begun, refined by those that have finished */
    double seconds(Instant now, int slots, double waiting) {
        double factor = factor();
        double left = waiting * factor;
        double longest = 0;
        for (Map.Entry<String, Running> entry : running.entrySet()) {
            double remaining = remaining(entry.getKey(), entry.getValue(), now, factor);
            left += remaining;
            longest = Math.max(longest, remaining);
        }
        return Math.max(longest, left / Math.max(1, slots));
    }

    private double remaining(String name, Running cell, Instant now, double factor) {
        OptionalDouble total = cell.total();
        return Math.max(0, total.orElseGet(() -> expected.applyAsDouble(name) * factor) - cell.elapsed(now));
    }

    /**
     * What training takes the cells that were heard of, over what was expected of them: a geometric mean, long ones counting
     * more. Plans know nothing of the start of trainers.
     */
    private double factor() {
        double logs = 0;
        double weights = 0;
        for (Map.Entry<String, Running> entry : running.entrySet()) {
            OptionalDouble training = entry.getValue().training();
            double planned = expected.applyAsDouble(entry.getKey());
            if (training.isPresent() && training.getAsDouble() > 0 && planned > 0) {
                double weight = training.getAsDouble();
                logs += weight * Math.log(training.getAsDouble() / planned);
                weights += weight;
            }
        }
        return weights > 0 ? Math.exp(logs / weights) : 1;
    }

    private double planned(Instant now, int slots, double waiting) {
        double left = waiting;
        double longest = 0;
        for (Map.Entry<String, Running> entry : running.entrySet()) {
            double remaining = Math.max(
                    0, expected.applyAsDouble(entry.getKey()) - entry.getValue().elapsed(now));
            left += remaining;
            longest = Math.max(longest, remaining);
        }
        return Math.max(longest, left / Math.max(1, slots));
    }

    /** Says once that the cells contradict the plan, as soon as they surely do. */
    Optional<Surprise> surprise(Instant now, int slots, double waiting) {
        double factor = factor();
        boolean sure = running.entrySet().stream().anyMatch(entry -> sure(entry.getKey(), entry.getValue(), now));
        if (told || !sure || (factor < SURPRISE && factor > 1 / SURPRISE)) {
            return Optional.empty();
        }
        double planned = planned(now, slots, waiting);
        double seconds = seconds(now, slots, waiting);
        if (Math.abs(seconds - planned) < FEW_SECONDS) {
            return Optional.empty();
        }
        told = true;
        return Optional.of(new Surprise(factor, seconds, planned));
    }

    /** By its pace over some time, or because it should have ended long ago, where its plan is more than a trainer's start. */
    private boolean sure(String name, Running cell, Instant now) {
        double planned = expected.applyAsDouble(name);
        return cell.newest.isPresent()
                && cell.stillOff(planned)
                && (cell.steady()
                        || (planned >= FEW_SECONDS
                                && cell.elapsed(now) > planned
                                && cell.total().isPresent()));
    }
}
