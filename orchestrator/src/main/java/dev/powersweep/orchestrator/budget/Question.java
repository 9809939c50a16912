package dev.powersweep.orchestrator.budget;

/** What is given; the rest is chosen so that the loss is lowest for the compute. */
public sealed interface Question {
    /** @param compute C = 6·N·D */
    record Flops(double compute) implements Question {}

    /** @param loss nats per token to be reached with the least compute */
    record Loss(double loss) implements Question {}

    /** @param tokens D of the compute-optimal run */
    record Tokens(double tokens) implements Question {}

    /** @param parameters N of the compute-optimal run */
    record Parameters(double parameters) implements Question {}
}
