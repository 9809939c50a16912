package dev.powersweep.orchestrator.ledger;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/** Whether a process of this machine that was noted down still runs. */
final class LiveProcess {
    private LiveProcess() {}

    /**
     * A process that has ended keeps its number until its parent asks for its exit status, which the first process of many
     * containers never does; to the Java library it is alive.
     *
     * @param start of the process, so that a reused number is told apart; empty when the system did not say
     * @return empty when it has ended
     */
    static Optional<ProcessHandle> of(long pid, Optional<Instant> start) {
        return ProcessHandle.of(pid)
                .filter(ProcessHandle::isAlive)
                .filter(process ->
                        start.isEmpty() || process.info().startInstant().equals(start))
                .filter(process -> !ended(pid));
    }

    private static boolean ended(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            char state = stat.charAt(stat.lastIndexOf(')') + 2);
            return state == 'Z' || state == 'X';
        } catch (IOException | IndexOutOfBoundsException e) {
            // No Linux, or gone since it was looked up.
            return false;
        }
    }
}
