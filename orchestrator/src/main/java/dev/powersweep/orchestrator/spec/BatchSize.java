package dev.powersweep.orchestrator.spec;

/** One entry of the batch-size axis. */
public sealed interface BatchSize {

    /** B in tokens; rounded to whole sequences. */
    record Tokens(long tokens) implements BatchSize {}

    record Sequences(int sequences) implements BatchSize {}
}
