package dev.powersweep.orchestrator.results;

import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.worker.cell.CellState;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * One cell of a sweep and what it brought.
 *
 * @param id identity of the cell
 * @param name readable, unique within the sweep
 * @param problem failure class and sentence of the last attempt, where it failed
 * @param parameters N, non-embedding; NaN, as what follows from it, until the program of a foreign model has reported it
 * @param totalParameters with embeddings and norms; NaN where it is not known
 * @param tokens D planned
 * @param tokensDone tokens seen so far
 * @param uniqueTokens U
 * @param batchTokens B
 * @param kaplanFlops C = 6·N·D
 * @param trainingFlops with unembedding and attention
 * @param seed the spec's replicate number
 * @param learningRate peak
 * @param schedule of the learning rate after warm-up
 * @param warmupSteps of linear warm-up
 * @param validationLoss nats per token at the end
 * @param standardError of the validation loss
 * @param bitsPerByte of the validation loss
 * @param trainLoss nats per token at the end
 * @param tokensPerSecond of the last attempt
 * @param stoppedEarly by its own rule
 * @param batchWarmup smaller batches at the beginning; empty for one batch size throughout
 * @param settings what else varies in the sweep, by path; cells of different settings are no replicates of each other
 */
public record CellResult(
        String id,
        String name,
        CellState state,
        Optional<String> problem,
        int attempts,
        double parameters,
        double totalParameters,
        double tokens,
        double tokensDone,
        double uniqueTokens,
        double batchTokens,
        double kaplanFlops,
        double trainingFlops,
        long seed,
        double learningRate,
        String schedule,
        long warmupSteps,
        OptionalDouble validationLoss,
        OptionalDouble standardError,
        OptionalDouble bitsPerByte,
        OptionalDouble trainLoss,
        OptionalDouble seconds,
        OptionalDouble tokensPerSecond,
        boolean stoppedEarly,
        Optional<BatchWarmup> batchWarmup,
        Map<String, String> settings) {

    /**
     * First steps of a run, with batches below B.
     *
     * @param tokens of these steps
     */
    public record BatchWarmup(long steps, double tokens) {}

    /** Of one batch size throughout. */
    public CellResult(
            String id,
            String name,
            CellState state,
            Optional<String> problem,
            int attempts,
            double parameters,
            double totalParameters,
            double tokens,
            double tokensDone,
            double uniqueTokens,
            double batchTokens,
            double kaplanFlops,
            double trainingFlops,
            long seed,
            double learningRate,
            String schedule,
            long warmupSteps,
            OptionalDouble validationLoss,
            OptionalDouble standardError,
            OptionalDouble bitsPerByte,
            OptionalDouble trainLoss,
            OptionalDouble seconds,
            OptionalDouble tokensPerSecond,
            boolean stoppedEarly,
            Map<String, String> settings) {
        this(
                id,
                name,
                state,
                problem,
                attempts,
                parameters,
                totalParameters,
                tokens,
                tokensDone,
                uniqueTokens,
                batchTokens,
                kaplanFlops,
                trainingFlops,
                seed,
                learningRate,
                schedule,
                warmupSteps,
                validationLoss,
                standardError,
                bitsPerByte,
                trainLoss,
                seconds,
                tokensPerSecond,
                stoppedEarly,
                Optional.empty(),
                settings);
    }

    public CellResult {
        settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
    }

    /**
     * As its row in the {@code cells} table says.
     *
     * @param settings what else varies in the sweep, by path
     */
    public static CellResult of(CellRow row, Map<String, String> settings) {
        CellRow.Standing standing = row.standing();
        return new CellResult(
                standing.cell(),
                standing.name(),
                CellState.valueOf(standing.state()),
                problem(standing),
                standing.attempts(),
                number(row.shape().nonEmbeddingParameters()),
                number(row.shape().totalParameters()),
                row.scale().tokens(),
                row.result().tokensDone(),
                row.scale().uniqueTokens(),
                row.scale().batchTokens(),
                row.scale().kaplanFlops().orElse(Double.NaN),
                row.scale().trainingFlops().orElse(Double.NaN),
                row.rule().seed(),
                row.rule().peakLearningRate(),
                row.rule().schedule(),
                row.rule().warmupSteps(),
                row.result().validationLoss(),
                row.result().validationStandardError(),
                row.result().validationBitsPerByte(),
                row.result().trainLoss(),
                row.execution().seconds(),
                row.execution().tokensPerSecond(),
                row.result().stoppedEarly().orElse(false),
                batchWarmup(row.scale()),
                settings);
    }

    private static Optional<BatchWarmup> batchWarmup(CellRow.Scale scale) {
        return scale.batchWarmupSteps().isPresent()
                ? Optional.of(new BatchWarmup(
                        scale.batchWarmupSteps().getAsLong(),
                        scale.batchWarmupTokens().orElseThrow()))
                : Optional.empty();
    }

    private static double number(OptionalLong value) {
        return value.isPresent() ? value.getAsLong() : Double.NaN;
    }

    private static Optional<String> problem(CellRow.Standing standing) {
        if (standing.failureClass().isEmpty()) {
            return standing.message();
        }
        return Optional.of(standing.failureClass().get()
                + standing.message().map(message -> ": " + message).orElse(""));
    }

    /** The same as it would have ended at another learning rate. */
    public CellResult at(double rate, double loss) {
        return new CellResult(
                id,
                name,
                state,
                problem,
                attempts,
                parameters,
                totalParameters,
                tokens,
                tokensDone,
                uniqueTokens,
                batchTokens,
                kaplanFlops,
                trainingFlops,
                seed,
                rate,
                schedule,
                warmupSteps,
                OptionalDouble.of(loss),
                standardError,
                bitsPerByte,
                trainLoss,
                seconds,
                tokensPerSecond,
                stoppedEarly,
                batchWarmup,
                settings);
    }

    /** The same with N and C = 6·N·D counted otherwise. */
    public CellResult counted(Convention convention) {
        double counted = convention.parameters(this);
        return new CellResult(
                id,
                name,
                state,
                problem,
                attempts,
                counted,
                totalParameters,
                tokens,
                tokensDone,
                uniqueTokens,
                batchTokens,
                kaplanFlops / parameters * counted,
                trainingFlops,
                seed,
                learningRate,
                schedule,
                warmupSteps,
                validationLoss,
                standardError,
                bitsPerByte,
                trainLoss,
                seconds,
                tokensPerSecond,
                stoppedEarly,
                batchWarmup,
                settings);
    }

    /** S planned. */
    public double steps() {
        return batchWarmup
                .map(smaller -> smaller.steps() + (tokens - smaller.tokens()) / batchTokens)
                .orElse(tokens / batchTokens);
    }

    /** Whether every step had the batch {@link #batchTokens}. */
    public boolean constantBatch() {
        return batchWarmup.isEmpty();
    }

    /** Whether its final loss may be fitted: it ran to its end, the loss is a number, and N is known. */
    public boolean usable() {
        return state == CellState.FINISHED
                && parameters > 0
                && validationLoss.isPresent()
                && validationLoss.getAsDouble() > 0;
    }
}
