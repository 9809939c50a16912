package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.program.ProgramFrames.Heard;
import java.time.Instant;

/** Sees what passes between a supervisor and a program, and may kill the program in the middle as a failing host would. */
public interface ProgramWitness {
    ProgramWitness NONE = new ProgramWitness() {};

    /**
     * How a program left.
     *
     * @param status exit status, 128 plus the number of the signal for a killed process; -1 where it had to be killed
     * @param linesAfterEnd that it wrote after it had said how it ended; nobody reads them
     * @param processesLeft that it had started and that lived on
     * @param lastLine when it wrote its last line, however late that was read
     */
    record Leave(int status, long linesAfterEnd, int processesLeft, Instant lastLine) {}

    /**
     * It has said something, and the supervisor has taken it in.
     *
     * @return whether to kill the program here: nothing that it wrote after this is read
     */
    default boolean kills(Heard heard) {
        return false;
    }

    /** It has gone. */
    default void left(Leave leave) {}
}
