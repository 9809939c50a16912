package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptInput;
import dev.powersweep.orchestrator.dispatch.AttemptState.TrainerHealth;
import dev.powersweep.orchestrator.executor.CellSupervisor.Context;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Frame;
import java.util.Optional;

/**
 * A trainer as an attempt uses it, ours or another program: how it is given its cell, where its frames come from, and how
 * it is stopped. What it says are inputs of the attempt's state machine.
 */
interface TrainerLink {
    /** What the trainer is. */
    Frame.Ready ready();

    /** Hands the assignment over; answered by Sent, FoundDead or NoTrainer. */
    AttemptInput send(Assignment assignment);

    /** What the trainer says within {@code millis}; empty when that is nothing. */
    Optional<AttemptInput> poll(long millis) throws InterruptedException;

    /** Asks it to write a checkpoint and end. */
    void askToStop();

    /** Gives the trainer back, or ends it and all that it has started. */
    void end(TrainerHealth health);

    /** The end of what it wrote beside its frames; empty when there is nothing. */
    String lastWords();

    /** Stores what the trainer wrote beside its frames; gives the path below DIR, empty when there is none. */
    String keepLog(Context context, String cell, int attempt);
}
