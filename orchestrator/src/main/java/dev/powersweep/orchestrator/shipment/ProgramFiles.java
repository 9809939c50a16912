package dev.powersweep.orchestrator.shipment;

import dev.powersweep.orchestrator.spec.TrainerSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Program;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** A specification's program with its files, as they were when it was submitted. */
public final class ProgramFiles {
    private final Program program;
    private final ShippedFiles files;

    private ProgramFiles(Program program, ShippedFiles files) {
        this.program = program;
        this.files = files;
    }

    /**
     * Reads the files.
     *
     * @param beside folder of the specification
     * @throws UserError naming the file that is missing, too large or named like another one
     */
    public static ProgramFiles read(TrainerSpec trainer, Path beside, Configuration configuration) {
        ShippedFiles files = ShippedFiles.read("trainer.files", trainer.files(), beside, configuration);
        return new ProgramFiles(
                new Program(
                        trainer.command(),
                        files.files(),
                        trainer.environment(),
                        trainer.arguments(),
                        trainer.parameters()),
                files);
    }

    /** The program with the hashes of its files. */
    public Program program() {
        return program;
    }

    /** Puts what the directory does not hold yet into it. */
    public void store(SweepDirectory directory, Configuration configuration) {
        files.store(directory, configuration);
    }
}
