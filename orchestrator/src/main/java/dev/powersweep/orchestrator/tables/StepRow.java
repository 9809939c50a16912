package dev.powersweep.orchestrator.tables;

import java.util.OptionalDouble;

/**
 * One optimiser step; each (cell, step) appears once, from one lineage of attempts. What a program that is not ours does
 * not tell is absent, and steps that it does not report have no row.
 */
public record StepRow(
        @Column("identity of the cell") String cell,
        @Column(value = "attempt that computed the step", unit = "1") int attempt,
        @Column(value = "optimiser step, from 1", unit = "steps") long step,
        @Column(value = "tokens seen after the step", unit = "tokens") long tokens,
        @Column(value = "mean training loss of the step's batch before the update", unit = "nats/token") double loss,
        @Column(value = "learning rate of the update", unit = "1") OptionalDouble learningRate,
        @Column(value = "global L2 norm of the gradient before clipping", unit = "nats/token")
                OptionalDouble gradientNorm,
        @Column(
                        value = "|G_small|², mean squared gradient norm of a micro-batch; absent when the batch is a"
                                + " single micro-batch",
                        unit = "(nats/token)²")
                OptionalDouble gradientSquareSmall,
        @Column(value = "|G_big|², squared norm of the full batch gradient", unit = "(nats/token)²")
                OptionalDouble gradientSquareBig,
        @Column(value = "wall time of the step", unit = "s") OptionalDouble seconds) {

    /** Of a trainer that tells all of it. */
    public StepRow(
            String cell,
            int attempt,
            long step,
            long tokens,
            double loss,
            double learningRate,
            double gradientNorm,
            OptionalDouble gradientSquareSmall,
            OptionalDouble gradientSquareBig,
            double seconds) {
        this(
                cell,
                attempt,
                step,
                tokens,
                loss,
                OptionalDouble.of(learningRate),
                OptionalDouble.of(gradientNorm),
                gradientSquareSmall,
                gradientSquareBig,
                OptionalDouble.of(seconds));
    }
}
