package dev.powersweep.fitting.runs;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What one number of an observation means. Every law says by these names what it needs.
 *
 * <p>Units are those of the caller: a law's exponents and losses do not depend on whether {@code N} counts parameters or
 * billions of them, but coefficients do, and so does everything that multiplies two columns (compute).
 */
public enum Quantity {
    /** Model size in parameters, under whichever convention (non-embedding, total) the caller keeps throughout. */
    N(
            "n",
            "parameters",
            List.of(
                    "n",
                    "params",
                    "parameters",
                    "param_count",
                    "parameter_count",
                    "parameters_count",
                    "n_params",
                    "num_params",
                    "num_parameters",
                    "number_of_parameters",
                    "n_parameters",
                    "model_params",
                    "model_parameters",
                    "model_size",
                    "non_embedding_parameters",
                    "non_embedding_params",
                    "n_non_embedding",
                    "params_non_embedding",
                    "nonembedding_params",
                    "model_size_params",
                    "eff_params",
                    "effective_params",
                    "total_params",
                    "total_parameters")),
    /** Tokens seen in training, with repetitions. */
    D(
            "d",
            "tokens",
            List.of(
                    "d",
                    "tokens",
                    "n_tokens",
                    "num_tokens",
                    "number_of_tokens",
                    "tokens_seen",
                    "training_tokens",
                    "train_tokens",
                    "num_training_tokens",
                    "num_train_tokens",
                    "n_training_tokens",
                    "n_train_tokens",
                    "training_tokens_seen",
                    "trained_tokens",
                    "tokens_trained",
                    "consumed_tokens",
                    "tokens_consumed",
                    "processed_tokens",
                    "tokens_processed",
                    "token_count",
                    "total_tokens",
                    "dataset_tokens",
                    "dataset_size",
                    "data_size")),
    /** Cross-entropy at the end of the run, nats per token. */
    LOSS(
            "loss",
            "nats/token",
            List.of(
                    "loss",
                    "val_loss",
                    "validation_loss",
                    "eval_loss",
                    "test_loss",
                    "final_loss",
                    "final_val_loss",
                    "final_validation_loss",
                    "cross_entropy",
                    "cross_entropy_loss",
                    "nll",
                    "l",
                    "train_loss",
                    "training_loss",
                    "val_bpb",
                    "bits_per_byte",
                    "bpb")),
    /** Batch size in tokens. */
    B(
            "b",
            "tokens/step",
            List.of("b", "batch", "batch_tokens", "batch_size_tokens", "tokens_per_batch", "tokens_per_step")),
    /** Optimiser steps. */
    S(
            "s",
            "steps",
            List.of(
                    "s",
                    "steps",
                    "n_steps",
                    "num_steps",
                    "optimizer_steps",
                    "optimiser_steps",
                    "training_steps",
                    "train_steps",
                    "num_train_steps")),
    /** Training compute. */
    C(
            "c",
            "FLOPs",
            List.of(
                    "c",
                    "flops",
                    "compute",
                    "training_flops",
                    "training_flop",
                    "train_flops",
                    "train_flop",
                    "total_flops",
                    "total_flop",
                    "training_compute",
                    "train_compute",
                    "flop",
                    "compute_flops",
                    "compute_budget",
                    "flop_budget",
                    "flops_budget",
                    "budget")),
    /** Unique tokens in the corpus; {@code D/U} is the number of epochs. */
    U("u", "tokens", List.of("u", "unique_tokens", "n_unique_tokens", "unique")),
    /** Peak learning rate. */
    LEARNING_RATE("lr", "1", List.of("lr", "learning_rate", "peak_lr", "peak_learning_rate", "max_lr")),
    /** Step within a run at which the loss was measured, for training curves. */
    STEP("step", "steps", List.of("step", "global_step", "iteration", "iter")),
    /** Weight of the row in every objective; 1 when absent. */
    WEIGHT("weight", "1", List.of("weight", "weights", "w")),
    /**
     * Tokens that a run had seen where a branch began from its state (Merrill et al. 2025). No header is taken for it: it is
     * named by whoever has branches.
     */
    BRANCH("branch", "tokens", List.of()),
    /** Standard error of the loss, of the evaluation alone. No header is taken for it. */
    LOSS_ERROR("loss_error", "nats/token", List.of());

    private final String label;
    private final String unit;
    private final List<String> headers;

    Quantity(String label, String unit, List<String> headers) {
        this.label = label;
        this.unit = unit;
        this.headers = headers;
    }

    /** The name scripts use, lower case. */
    public String label() {
        return label;
    }

    /** The unit in which the column is counted. */
    public String unit() {
        return unit;
    }

    /** The name with its unit, for sentences: {@code b (tokens/step)}; a pure number has none. */
    public String described() {
        return unit.equals("1") ? label : label + " (" + unit + ")";
    }

    /** Common header names, lower case, the scripted name first; none where the column is never guessed. */
    public List<String> headers() {
        return headers;
    }

    /** The column that a header names, without regard to case, blanks and hyphens. */
    public static Optional<Quantity> ofHeader(String header) {
        String key = header.strip().toLowerCase(Locale.ROOT).replace(' ', '_').replace('-', '_');
        for (Quantity column : values()) {
            if (column.headers.contains(key)) {
                return Optional.of(column);
            }
        }
        return Optional.empty();
    }
}
