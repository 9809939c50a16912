package dev.powersweep.orchestrator.tables;

import java.util.OptionalDouble;
import java.util.OptionalLong;

/** One evaluation of a cell on one held-out set; each (cell, step, set) appears once. */
public record EvalRow(
        @Column("identity of the cell") String cell,
        @Column(value = "attempt that computed it", unit = "1") int attempt,
        @Column(value = "optimiser steps done", unit = "steps") long step,
        @Column(value = "tokens seen", unit = "tokens") long tokens,
        @Column("name of the evaluation set") String set,
        @Column(value = "mean loss over the scored tokens", unit = "nats/token") double loss,
        @Column(value = "standard error of that mean, over sequences", unit = "nats/token")
                OptionalDouble standardError,
        @Column(value = "loss per byte of text", unit = "bits/byte") OptionalDouble bitsPerByte,
        @Column(value = "tokens scored", unit = "tokens") OptionalLong tokensScored,
        @Column(value = "wall time of the evaluation", unit = "s") OptionalDouble seconds) {

    /** Of a trainer that tells all of it. */
    public EvalRow(
            String cell,
            int attempt,
            long step,
            long tokens,
            String set,
            double loss,
            double standardError,
            double bitsPerByte,
            long tokensScored,
            double seconds) {
        this(
                cell,
                attempt,
                step,
                tokens,
                set,
                loss,
                OptionalDouble.of(standardError),
                OptionalDouble.of(bitsPerByte),
                OptionalLong.of(tokensScored),
                OptionalDouble.of(seconds));
    }
}
