package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellListeners;
import dev.powersweep.worker.cell.Program;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Whether what a sweep's directory asks to be run is run. Whoever may write to a directory may alter its results, but
 * what runs on the machines of whoever goes on with it comes from his own command line, settings or specification.
 */
public enum Trust {
    /** Nothing that the directory names is run. */
    NONE,
    /** The user has seen it and said so. */
    GIVEN;

    private static final int MOST_SHOWN = 10;

    private static String shown(Program program) {
        String files = shown(program.files());
        return program.shown()
                + (files.isEmpty() ? "" : ", with " + files)
                + (program.environment().isEmpty() ? "" : ", under " + program.environment());
    }

    private static String shown(CellListeners listeners) {
        String files = shown(listeners.files());
        return String.join(", ", listeners.classes()) + (files.isEmpty() ? "" : ", of " + files);
    }

    private static String shown(List<Program.File> files) {
        return files.stream()
                .map(file -> file.name() + " (SHA-256 " + file.sha256().substring(0, 12) + ")")
                .collect(Collectors.joining(", "));
    }

    /** Throws {@link UserError} where the directory names what is run and nobody said that it may be. */
    public void require(SweepDirectory directory, RunPolicy policy, Collection<Program> programs) {
        if (this == NONE && policy.trainerJava().isPresent()) {
            throw new UserError("the ledger of " + directory.root() + " asks to run trainers on the Java in "
                    + policy.trainerJava().get() + ", and whoever may write to that directory may have put it there:"
                    + " give --trust if it is right, or submit your own specification with powersweep run");
        }
        if (this == NONE && policy.listeners().isPresent()) {
            throw new UserError(
                    "the ledger of " + directory.root() + " asks to let training listeners see every step, and"
                            + " whoever may write to that directory may have put them there:\n  "
                            + shown(policy.listeners().get())
                            + "\n  give --trust if this is right, or submit your own specification with powersweep run");
        }
        if (this == NONE && !programs.isEmpty()) {
            throw new UserError(
                    "the ledger of " + directory.root() + " asks to run programs, and whoever may write to that"
                            + " directory may have put them there:\n  "
                            + programs.stream()
                                    .map(Trust::shown)
                                    .distinct()
                                    .limit(MOST_SHOWN)
                                    .collect(Collectors.joining("\n  "))
                            + "\n  give --trust if this is right, or submit your own specification with powersweep run");
        }
    }
}
