package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;

/**
 * Whether what a sweep's directory asks to be run is run. Whoever may write to a directory may alter its results, but
 * what runs on the machines of whoever goes on with it comes from his own command line, settings or specification.
 */
public enum Trust {
    /** Nothing that the directory names is run. */
    NONE,
    /** The user has seen it and said so. */
    GIVEN;

    /** Throws {@link UserError} where the directory names a program and nobody said that it may be run. */
    public void require(SweepDirectory directory, RunPolicy policy) {
        if (this == NONE && policy.trainerJava().isPresent()) {
            throw new UserError("the ledger of " + directory.root() + " asks to run trainers on the Java in "
                    + policy.trainerJava().get() + ", and whoever may write to that directory may have put it there:"
                    + " give --trust if it is right, or submit your own specification with powersweep run");
        }
    }
}
