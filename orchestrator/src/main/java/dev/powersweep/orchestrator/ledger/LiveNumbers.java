package dev.powersweep.orchestrator.ledger;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What a living driver sees right now.
 *
 * @param tokensPerSecond of all running cells together
 * @param etaSeconds until all planned cells have ended; empty before there is anything to judge by
 */
public record LiveNumbers(double tokensPerSecond, OptionalDouble etaSeconds, List<RunningCell> running) {
    public LiveNumbers {
        running = List.copyOf(running);
    }

    /**
     * A cell in training.
     *
     * @param step optimiser steps done
     * @param loss newest training loss, nats/token; NaN before the first step
     */
    public record RunningCell(
            String cell,
            String name,
            int attempt,
            long step,
            long steps,
            double loss,
            double tokensPerSecond,
            String host) {}
}
