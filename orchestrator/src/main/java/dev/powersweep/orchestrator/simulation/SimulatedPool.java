package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Trainers that only say how long they would have taken. The outcome of an attempt follows from the seed, the cell and the
 * attempt's number alone, not from the order of calls.
 */
final class SimulatedPool {
    /** Around every cell: shard and checkpoint copies, tables, the Spark job. */
    static final double OVERHEAD_SECONDS = 0.3;

    private final Hazards hazards;
    private final RunPolicy policy;
    private final long seed;
    private final Map<String, Double> done = new HashMap<>();
    private double lostSeconds;

    /** @param seconds after which the attempt ends in this report */
    record End(double seconds, AttemptReport report) {}

    SimulatedPool(Hazards hazards, RunPolicy policy, long seed) {
        this.hazards = hazards;
        this.policy = policy;
        this.seed = seed;
    }

    /** How long the cell takes undisturbed, overhead left out. */
    double trueSeconds(String cell, double predictedSeconds) {
        SplittableRandom random = random(cell, 0);
        double normal = Math.sqrt(-2 * Math.log(1 - random.nextDouble())) * Math.cos(2 * Math.PI * random.nextDouble());
        return predictedSeconds * Math.exp(hazards.durationSigma() * normal);
    }

    /** What the cell takes at least to come to its end, overhead counted. */
    double neededSeconds(String cell, double predictedSeconds) {
        SplittableRandom ofCell = random(cell, 1 << 20);
        ofCell.nextDouble();
        boolean diverges = ofCell.nextDouble() < hazards.diverges();
        double divergesAt = ofCell.nextDouble();
        boolean bug = ofCell.nextDouble() < hazards.bug();
        return OVERHEAD_SECONDS + (bug ? 0 : (diverges ? divergesAt : 1) * trueSeconds(cell, predictedSeconds));
    }

    /** Work that was done, not stored, and done again. */
    double lostSeconds() {
        return lostSeconds;
    }

    private SplittableRandom random(String cell, int attempt) {
        return new SplittableRandom(seed * 0x9E3779B97F4A7C15L + Long.parseUnsignedLong(cell, 16) + attempt);
    }

    /** What becomes of an attempt that begins at {@code begin}. */
    End attempt(AttemptOrder order, double predictedSeconds, Instant begin) {
        Cell cell = order.gridCell().cell();
        String id = cell.id();
        SplittableRandom ofCell = random(id, 1 << 20);
        boolean tooLarge = ofCell.nextDouble() < hazards.hostMemory();
        boolean diverges = ofCell.nextDouble() < hazards.diverges();
        double divergesAt = ofCell.nextDouble();
        boolean bug = ofCell.nextDouble() < hazards.bug();
        SplittableRandom random = random(id, order.attempt());
        double total = trueSeconds(id, predictedSeconds);
        double from = done.getOrDefault(id, 0.0);
        double end = diverges ? Math.max(from, divergesAt * total) : total;
        double left = end - from;
        if (bug) {
            return failed(
                    order,
                    FailureClass.BUG,
                    "index 3 out of bounds",
                    OVERHEAD_SECONDS,
                    begin,
                    from / total,
                    from / total);
        }
        if (tooLarge && order.microBatchSequences() == 0) {
            return failed(
                    order,
                    FailureClass.HOST_MEMORY,
                    "killed for memory",
                    OVERHEAD_SECONDS,
                    begin,
                    from / total,
                    from / total);
        }
        double lossAfter = -Math.log(1 - random.nextDouble()) * hazards.secondsBetweenLosses();
        double crashAfter =
                random.nextDouble() < hazards.nativeCrash() ? random.nextDouble() * left : Double.POSITIVE_INFINITY;
        double cut = Math.min(lossAfter, crashAfter);
        if (cut < left) {
            double stored = from + Math.floor(cut / policy.checkpointSeconds()) * policy.checkpointSeconds();
            done.put(id, stored);
            lostSeconds += from + cut - stored;
            return lossAfter < crashAfter
                    ? failed(
                            order,
                            FailureClass.LOST_EXECUTOR,
                            "executor lost",
                            OVERHEAD_SECONDS + cut,
                            begin,
                            from / total,
                            stored / total)
                    : failed(
                            order,
                            FailureClass.NATIVE_CRASH,
                            String.format(Locale.ROOT, "the trainer died of signal 6 after step %d", order.attempt()),
                            OVERHEAD_SECONDS + cut,
                            begin,
                            from / total,
                            stored / total);
        }
        double seconds = OVERHEAD_SECONDS + left;
        Outcome outcome =
                diverges ? new Outcome.Diverged("diverged: loss is NaN") : new Outcome.Finished(result(cell, seconds));
        return new End(seconds, report(order, outcome, seconds, begin, from / total, end / total));
    }

    private End failed(
            AttemptOrder order,
            FailureClass failure,
            String message,
            double seconds,
            Instant begin,
            double from,
            double stored) {
        Outcome outcome = Outcome.failed(failure, message, "last lines of the trainer\n".repeat(8));
        return new End(seconds, report(order, outcome, seconds, begin, from, stored));
    }

    private static Frame.Finished result(Cell cell, double seconds) {
        long steps = cell.data().steps();
        double loss =
                1.7 + 400 / Math.pow(cell.shape().nonEmbeddingParameters(), 0.34) + 410 / Math.pow(cell.tokens(), 0.28);
        Frame.Evaluation last = new Frame.Evaluation(
                cell.id(), steps, "validation", loss + 0.05, 0.004, 100_000, loss / Math.log(2), 1);
        return new Frame.Finished(cell.id(), steps, false, loss, List.of(last), seconds, seconds, 300L << 20);
    }

    private static AttemptReport report(
            AttemptOrder order, Outcome outcome, double seconds, Instant begin, double from, double to) {
        Cell cell = order.gridCell().cell();
        long steps = cell.data().steps();
        return new AttemptReport(
                cell.id(),
                order.attempt(),
                outcome,
                new AttemptReport.Work(
                        outcome instanceof Outcome.Finished ? steps : Math.round(to * steps),
                        Math.round(from * steps),
                        Optional.empty(),
                        seconds,
                        OVERHEAD_SECONDS,
                        order.microBatchSequences() == 0 ? cell.data().batchSequences() : order.microBatchSequences()),
                begin,
                begin.plusNanos(Math.round(seconds * 1e9)),
                new AttemptReport.Place("host", "1"),
                Optional.of(
                        new Frame.Ready(1, "cpu", "none", "cpu", 1, Map.of("powersweep", "simulated", "java", "17"))),
                "logs/" + cell.id() + "/attempt-" + order.attempt() + ".log");
    }
}
