package dev.powersweep.orchestrator.tables;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * One cell of the sweep: what it is, where it stands, what came out, and what is needed to run it again. The parts are
 * for readers of the code; in the table all columns stand side by side.
 */
public record CellRow(
        Standing standing,
        Shape shape,
        Scale scale,
        Rule rule,
        Result result,
        Execution execution,
        Provenance provenance) {

    public record Standing(
            @Column("identity of the cell: a hash of its content") String cell,
            @Column("readable name, unique within the sweep") String name,
            @Column("name of the sweep") String sweep,
            @Column("PLANNED, RUNNING, FINISHED, DIVERGED, FAILED or INTERRUPTED") String state,
            @Column(value = "attempts begun", unit = "1") int attempts,
            @Column("failure class of the last attempt; absent when it did not fail") Optional<String> failureClass,
            @Column("why the last attempt ended as it did, in one sentence") Optional<String> message) {}

    /** Of a model whose inside only its own program knows most is absent. */
    public record Shape(
            @Column(value = "blocks, n_layer", unit = "1") OptionalInt layers,
            @Column(value = "residual width, d_model", unit = "1") OptionalInt width,
            @Column(value = "attention heads per block", unit = "1") OptionalInt heads,
            @Column(value = "inner width of the feed-forward map, d_ff", unit = "1") OptionalInt feedForward,
            @Column(value = "context length, n_ctx", unit = "tokens") int context,
            @Column(value = "token kinds", unit = "1") OptionalInt vocabulary,
            @Column("activation of the feed-forward map") Optional<String> activation,
            @Column("kind of position encoding") Optional<String> positions,
            @Column("kind of normalisation") Optional<String> normalization,
            @Column("whether the unembedding is tied to the token embedding") Optional<String> embeddings,
            @Column(
                            value =
                                    "N, without embeddings, norms and biases; absent until the program of a foreign model has"
                                            + " reported it",
                            unit = "parameters")
                    OptionalLong nonEmbeddingParameters,
            @Column(value = "token and position embeddings, and an untied unembedding", unit = "parameters")
                    OptionalLong embeddingParameters,
            @Column(value = "gains and biases of the norms", unit = "parameters") OptionalLong normParameters,
            @Column(value = "all that the optimiser updates", unit = "parameters") OptionalLong totalParameters) {}

    public record Scale(
            @Column(value = "B in sequences, after a warm-up of the batch or a branch", unit = "sequences")
                    int batchSequences,
            @Column(value = "B in tokens", unit = "tokens") long batchTokens,
            @Column(value = "S, optimiser steps planned", unit = "steps") long steps,
            @Column(value = "of these, the first ones with smaller batches; absent for none", unit = "steps")
                    OptionalLong batchWarmupSteps,
            @Column(value = "tokens of these first steps", unit = "tokens") OptionalLong batchWarmupTokens,
            @Column(
                            value =
                                    "tokens of the trunk before a branch with another batch; absent for a run of its own. B is the"
                                            + " branch's",
                            unit = "tokens")
                    OptionalLong branchTokens,
            @Column(value = "B of the trunk, in tokens; absent for a run of its own", unit = "tokens")
                    OptionalLong trunkBatchTokens,
            @Column(
                            value =
                                    "learning rate of the branch, from its first step to its last; absent for a run of its own",
                            unit = "1")
                    OptionalDouble branchLearningRate,
            @Column(value = "D, tokens planned: B·S without a warm-up of the batch or a branch", unit = "tokens")
                    long tokens,
            @Column(value = "U, unique tokens the run may see", unit = "tokens") long uniqueTokens,
            @Column(value = "D/U", unit = "epochs") double epochs,
            @Column(value = "C = 6·N·D, after Kaplan et al. 2020", unit = "FLOPs") OptionalDouble kaplanFlops,
            @Column(value = "training FLOPs with unembedding and attention counted", unit = "FLOPs")
                    OptionalDouble trainingFlops) {}

    public record Rule(
            @Column(value = "learning rate after warm-up", unit = "1") double peakLearningRate,
            @Column(value = "steps of linear warm-up", unit = "steps") long warmupSteps,
            @Column("schedule after warm-up") String schedule,
            @Column(value = "AdamW first-moment decay", unit = "1") double beta1,
            @Column(value = "AdamW second-moment decay", unit = "1") double beta2,
            @Column(value = "AdamW denominator term", unit = "1") double epsilon,
            @Column(value = "decoupled weight decay", unit = "1") double weightDecay,
            @Column(value = "largest gradient norm; 0 for no clipping", unit = "nats/token") double gradientClip,
            @Column(value = "share dropped while training", unit = "1") double dropout,
            @Column(
                            "in what numbers products were made: `float32`, `tf32` or `bfloat16`; absent in tables from before there was a choice")
                    Optional<String> precision,
            @Column(value = "the spec's replicate number", unit = "1") long seed,
            @Column("identity of text, split and tokenizer; absent where a program brings its own data")
                    Optional<String> corpusHash,
            @Column("the whole cell as JSON: enough to train it again") String cellJson) {}

    public record Result(
            @Column(value = "optimiser steps done", unit = "steps") long stepsDone,
            @Column(value = "tokens seen", unit = "tokens") long tokensDone,
            @Column(value = "training loss at the end, as the trainer reports it", unit = "nats/token")
                    OptionalDouble trainLoss,
            @Column(value = "loss on the first evaluation set at the end", unit = "nats/token")
                    OptionalDouble validationLoss,
            @Column(value = "standard error of validation_loss", unit = "nats/token")
                    OptionalDouble validationStandardError,
            @Column(value = "validation_loss per byte of text", unit = "bits/byte")
                    OptionalDouble validationBitsPerByte,
            @Column("whether the early-stopping rule ended the cell; absent until it finishes")
                    Optional<Boolean> stoppedEarly,
            @Column(
                            value =
                                    "first steps that another cell's training of the shared trunk served for; absent for none; their rows"
                                            + " in steps and evals are that cell's",
                            unit = "steps")
                    OptionalLong sharedSteps,
            @Column("the cell that trained them") Optional<String> trunkCell,
            @Column(value = "training FLOPs of the steps that the cell did itself", unit = "FLOPs")
                    OptionalDouble spentFlops) {}

    public record Execution(
            @Column(value = "expected time on one slot", unit = "s") double predictedSeconds,
            @Column(value = "expected resident memory of the trainer", unit = "bytes")
                    OptionalLong predictedMemoryBytes,
            @Column(value = "training and evaluation, last attempt", unit = "s") OptionalDouble seconds,
            @Column(value = "steps alone, last attempt", unit = "s") OptionalDouble trainingSeconds,
            @Column(value = "tokens over seconds of the steps, last attempt", unit = "tokens/s")
                    OptionalDouble tokensPerSecond,
            @Column(value = "supervision around the training, last attempt: trainer, files, tables", unit = "s")
                    OptionalDouble overheadSeconds,
            @Column(value = "largest resident memory of the trainer process", unit = "bytes")
                    OptionalLong peakMemoryBytes,
            @Column("when the last attempt began") Optional<Instant> startedAt,
            @Column("when the last attempt ended") Optional<Instant> endedAt,
            @Column("host of the last attempt") Optional<String> host,
            @Column("Spark executor of the last attempt") Optional<String> executor,
            @Column(value = "micro-batch of the last attempt, of a batch of size B", unit = "sequences")
                    OptionalInt microBatchSequences,
            @Column("log of the last attempt, below DIR") Optional<String> log) {}

    public record Provenance(
            @Column("version of PowerSweep") Optional<String> version,
            @Column("commit that PowerSweep was built from") Optional<String> gitCommit,
            @Column("array backend of the trainer") Optional<String> backend,
            @Column("kernel set of the trainer") Optional<String> kernels,
            @Column("device of the trainer") Optional<String> device,
            @Column(value = "threads of the trainer", unit = "1") OptionalInt threads,
            @Column("Java of the trainer") Optional<String> java,
            @Column("BLAS of the trainer") Optional<String> blas,
            @Column("CPU of the trainer") Optional<String> cpu,
            @Column("all that the trainer says of itself, as a JSON object") Optional<String> provenance,
            @Column(value = "files that the corpus was read from; 0 for the bundled text", unit = "1")
                    OptionalLong corpusFiles,
            @Column(value = "of these files as they are stored", unit = "bytes") OptionalLong corpusBytes,
            @Column("how many of each kind they are, e.g. 2 JSON Lines (gzip), 1 text") Optional<String> corpusKinds) {}
}
