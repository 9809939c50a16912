package dev.powersweep.orchestrator.run;

/** Whether the task that an attempt runs in was asked to stop. */
@FunctionalInterface
interface Stopping {
    Stopping NEVER = () -> false;

    boolean requested();
}
