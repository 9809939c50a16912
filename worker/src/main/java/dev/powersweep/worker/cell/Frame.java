package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import java.util.Map;

/**
 * One line of JSON that a trainer writes to its standard output.
 *
 * <p>A trainer started with {@code serve} writes {@link Ready}, then reads one {@link Assignment} a line from standard
 * input and answers each with {@link Started}, any number of {@link Steps}, {@link Evaluation} and {@link Checkpoint},
 * and exactly one {@link Outcome}; it ends at the end of its input. Nothing else is written to standard output.
 *
 * <p>One that was started for several cells at once, {@code serve --cells N}, reads the next line while cells are in
 * training: frames of different cells mix. It takes {@link StopOrder}, too, which ends one of them.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "frame")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Frame.Ready.class, name = "ready"),
    @JsonSubTypes.Type(value = Frame.Started.class, name = "started"),
    @JsonSubTypes.Type(value = Frame.Size.class, name = "model"),
    @JsonSubTypes.Type(value = Frame.Steps.class, name = "steps"),
    @JsonSubTypes.Type(value = Frame.Evaluation.class, name = "evaluation"),
    @JsonSubTypes.Type(value = Frame.Checkpoint.class, name = "checkpoint"),
    @JsonSubTypes.Type(value = Frame.Finished.class, name = "finished"),
    @JsonSubTypes.Type(value = Frame.Diverged.class, name = "diverged"),
    @JsonSubTypes.Type(value = Frame.Interrupted.class, name = "interrupted"),
    @JsonSubTypes.Type(value = Frame.Failed.class, name = "failed")
})
public sealed interface Frame {

    /**
     * The trainer can take a cell.
     *
     * @param provenance versions, Java, BLAS, CPU, kernel set, device: what a results row needs to be re-run
     */
    record Ready(long pid, String backend, String kernels, String device, int threads, Map<String, String> provenance)
            implements Frame {
        public Ready {
            provenance = Map.copyOf(provenance);
        }
    }

    /** What is said of one cell. */
    sealed interface OfCell extends Frame permits Started, Size, Steps, Evaluation, Checkpoint, Outcome {
        /** Its id. */
        String cell();
    }

    /**
     * @param step steps already done by the checkpoint resumed from; 0 for a fresh start
     * @param microBatchSequences the micro-batch in use
     */
    record Started(String cell, int attempt, long step, int microBatchSequences) implements OfCell {}

    /** What the model's size is, where only its program knows. */
    record Size(String cell, ModelCounts counts) implements OfCell {}

    /**
     * The steps since the last such frame, one array element a step; {@code rows} consecutive steps from
     * {@code firstStep} (the first step of a run is 1).
     *
     * @param loss mean training loss of the step's batch before the update, nats/token
     * @param learningRate used by the update; NaN, as all that follow, where the trainer does not tell
     * @param gradientNorm global L2 norm before clipping
     * @param gradientSquareSmall |G_small|², mean over micro-batches of the squared norm of a micro-batch gradient; NaN
     *     when the batch is a single micro-batch
     * @param gradientSquareBig |G_big|², squared norm of the full batch gradient
     * @param seconds wall time of the step
     */
    record Steps(
            String cell,
            long firstStep,
            double[] loss,
            double[] learningRate,
            double[] gradientNorm,
            double[] gradientSquareSmall,
            double[] gradientSquareBig,
            double[] seconds)
            implements OfCell {
        public int rows() {
            return loss.length;
        }

        public long lastStep() {
            return firstStep + loss.length - 1;
        }
    }

    /**
     * @param step optimiser steps done
     * @param set name of the evaluation set
     * @param loss mean loss, nats/token
     * @param standardError of that mean, over sequences; NaN where the trainer does not tell
     * @param tokens scored; 0 where the trainer does not tell
     * @param bitsPerByte loss in bits per byte of text; NaN where the trainer does not tell
     */
    record Evaluation(
            String cell,
            long step,
            String set,
            double loss,
            double standardError,
            long tokens,
            double bitsPerByte,
            double seconds)
            implements OfCell {}

    /**
     * A checkpoint is complete on local disk; every step up to {@code step} has been reported before this frame.
     *
     * @param file absolute path
     * @param sha256 of the file
     */
    record Checkpoint(String cell, long step, String file, long bytes, String sha256) implements OfCell {}

    /** The last frame of an assignment. */
    sealed interface Outcome extends OfCell permits Finished, Diverged, Interrupted, Failed {
        /** Steps done when it ended. */
        long step();
    }

    /**
     * @param stoppedEarly whether the cell's early-stopping rule ended it before its last step
     * @param seconds of this attempt, training and evaluation
     * @param trainingSeconds of this attempt, steps alone
     * @param peakMemoryBytes of the trainer process; 0 where it is not known
     */
    record Finished(
            String cell,
            long step,
            boolean stoppedEarly,
            double finalTrainingLoss,
            List<Evaluation> finalEvaluations,
            double seconds,
            double trainingSeconds,
            long peakMemoryBytes)
            implements Outcome {
        public Finished {
            finalEvaluations = List.copyOf(finalEvaluations);
        }
    }

    record Diverged(String cell, long step, String reason, double seconds) implements Outcome {}

    /** The trainer was asked to stop (SIGTERM) and has written a checkpoint. */
    record Interrupted(String cell, long step, double seconds) implements Outcome {}

    record Failed(String cell, long step, FailureClass failure, String message, String detail, double seconds)
            implements Outcome {}
}
