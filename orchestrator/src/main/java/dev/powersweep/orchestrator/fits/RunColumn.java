package dev.powersweep.orchestrator.fits;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A quantity that a table of runs may hold, and the header names it is known by. */
public enum RunColumn {
    /** Model parameters; which convention (with or without embeddings) is the table's own. */
    N(
            "model parameters",
            List.of(
                    "n",
                    "nonembedding",
                    "nonembeddingparams",
                    "nonembeddingparameters",
                    "nonembparams",
                    "nnonembedding",
                    "params",
                    "parameters",
                    "nparams",
                    "nparameters",
                    "numparams",
                    "numparameters",
                    "parametercount",
                    "paramcount",
                    "effparams",
                    "modelsize",
                    "modelparams",
                    "modelparameters",
                    "totalparameters",
                    "totalparams")),
    /** Tokens seen, D = B·S. */
    D(
            "training tokens",
            List.of(
                    "d",
                    "tokens",
                    "ntokens",
                    "numtokens",
                    "tokensseen",
                    "trainingtokens",
                    "traintokens",
                    "tokencount",
                    "datatokens",
                    "datasize")),
    /** Cross-entropy, nats per token. */
    LOSS(
            "loss in nats per token",
            List.of(
                    "loss",
                    "valloss",
                    "validationloss",
                    "finalvalidationloss",
                    "finalvalloss",
                    "finalloss",
                    "evalloss",
                    "testloss",
                    "l",
                    "trainloss",
                    "trainingloss")),
    /** Training compute, FLOPs. */
    C("compute in FLOPs", List.of("c", "flops", "flop", "compute", "trainingflops", "trainflops", "totalflops")),
    /** Batch, tokens a step consumes. */
    B("batch size in tokens", List.of("b", "batchtokens", "batchsizetokens", "tokensperbatch", "tokensperstep")),
    /** Optimiser steps to the row's loss. */
    S(
            "optimiser steps",
            List.of("s", "steps", "nsteps", "numsteps", "optimizersteps", "optimisersteps", "trainingsteps")),
    /** Unique tokens, U; D/U epochs. */
    U("unique tokens", List.of("u", "uniquetokens", "unique", "uniquedata", "nuniquetokens")),
    /** What groups the rows of one run. */
    RUN("name of the run", List.of("run", "runid", "runname", "name", "id", "cell", "trial", "experiment")),
    /** Step of a row within its run. */
    STEP("step within the run", List.of("step", "iteration", "iter", "globalstep")),
    /** Weight of a row in the objective. */
    WEIGHT("weight of the row", List.of("weight", "weights", "w"));

    private final String meaning;
    private final List<String> headers;

    RunColumn(String meaning, List<String> headers) {
        this.meaning = meaning;
        this.headers = headers;
    }

    /** The name used in {@code --columns} and in messages: the constant in lower case. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    public String meaning() {
        return meaning;
    }

    /** Whether its cells are text rather than numbers. */
    public boolean text() {
        return this == RUN;
    }

    /** Header names it is known by, best first: lower case, letters and digits alone. */
    List<String> headers() {
        return headers;
    }

    static Optional<RunColumn> ofKey(String key) {
        for (RunColumn column : values()) {
            if (column.key().equals(key.strip().toLowerCase(Locale.ROOT))) {
                return Optional.of(column);
            }
        }
        return Optional.empty();
    }

    /** A header as it is compared: case, blanks, hyphens, underscores and points do not matter. */
    static String normal(String header) {
        StringBuilder kept = new StringBuilder(header.length());
        for (int i = 0; i < header.length(); i++) {
            char c = header.charAt(i);
            if (Character.isLetterOrDigit(c)) {
                kept.append(c);
            }
        }
        return kept.toString().toLowerCase(Locale.ROOT);
    }
}
