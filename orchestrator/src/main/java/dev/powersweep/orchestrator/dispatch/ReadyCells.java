package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.plan.StepKind;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.function.Predicate;

/**
 * Cells that may begin, longest first by predictions that are refined all the while: one queue a kind of step, since a
 * refinement changes the order between kinds only.
 */
final class ReadyCells {

    /**
     * @param predictedSeconds as planned
     * @param microBatch for the next attempt; 0 for the trainer's choice
     */
    record Waiting(
            String cell, StepKind kind, double predictedSeconds, long memoryBytes, int microBatch, Instant notBefore) {}

    private static final Comparator<Waiting> LONGEST_FIRST =
            Comparator.comparingDouble(Waiting::predictedSeconds).reversed().thenComparing(Waiting::cell);

    private static final class Queue {
        private final PriorityQueue<Waiting> cells = new PriorityQueue<>(LONGEST_FIRST);
        private double predictedSeconds;
    }

    private final Refinement refinement;
    private final Map<StepKind, Queue> queues = new LinkedHashMap<>();
    private int size;

    ReadyCells(Refinement refinement) {
        this.refinement = refinement;
    }

    void add(Waiting waiting) {
        Queue queue = queues.computeIfAbsent(waiting.kind(), kind -> new Queue());
        queue.cells.add(waiting);
        queue.predictedSeconds += waiting.predictedSeconds();
        size++;
    }

    /** Takes out the longest one of those that fit now; empty when none does. */
    Optional<Waiting> poll(Predicate<Waiting> fits) {
        Queue best = null;
        double longest = -1;
        for (Map.Entry<StepKind, Queue> entry : queues.entrySet()) {
            // Equal kinds need equal memory, so the first one tells for all.
            Waiting first = entry.getValue().cells.peek();
            if (first == null || !fits.test(first)) {
                continue;
            }
            double seconds = first.predictedSeconds() * refinement.ratio(entry.getKey());
            if (seconds > longest
                    || (seconds == longest
                            && first.cell().compareTo(best.cells.element().cell()) < 0)) {
                best = entry.getValue();
                longest = seconds;
            }
        }
        if (best == null) {
            return Optional.empty();
        }
        Waiting taken = best.cells.remove();
        best.predictedSeconds = best.cells.isEmpty() ? 0 : best.predictedSeconds - taken.predictedSeconds();
        size--;
        return Optional.of(taken);
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** Refined predictions of all of them together. */
    double seconds() {
        double sum = 0;
        for (Map.Entry<StepKind, Queue> entry : queues.entrySet()) {
            sum += entry.getValue().predictedSeconds * refinement.ratio(entry.getKey());
        }
        return sum;
    }
}
