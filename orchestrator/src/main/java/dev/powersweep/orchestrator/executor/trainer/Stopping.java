package dev.powersweep.orchestrator.executor.trainer;

/** Whether the task that an attempt runs in was asked to stop. */
@FunctionalInterface
public interface Stopping {
    Stopping NEVER = () -> false;

    boolean requested();
}
