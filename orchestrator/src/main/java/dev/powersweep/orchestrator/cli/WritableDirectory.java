package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Asks a file system whether a directory can be written, before anything is computed for it. */
final class WritableDirectory {
    private WritableDirectory() {}

    /**
     * Throws {@link UserError} where a file stands in its place: a corpus that is looked for below it would be told to be damaged.
     */
    static void refuseFile(SweepDirectory directory, Configuration configuration) {
        try {
            if (directory
                    .root()
                    .getFileSystem(configuration)
                    .getFileStatus(directory.root())
                    .isFile()) {
                throw new UserError(
                        directory.root() + " is a file, and a sweep needs a directory; choose another --output");
            }
        } catch (FileNotFoundException nothingThere) {
            // A sweep that is new.
        } catch (IOException e) {
            throw new UserError(
                    "cannot look at " + directory.root() + ": " + e.getMessage() + "; choose another --output", e);
        }
    }

    /** Throws {@link UserError} when no file can be made in it, or a folder of it is a link. */
    static void require(SweepDirectory directory, Configuration configuration) {
        Path probe = new Path(directory.root(), "_probe-" + UUID.randomUUID());
        try {
            FileSystem files = directory.root().getFileSystem(configuration);
            files.create(probe, false).close();
            files.delete(probe, false);
            directory.requireOwnFolders(configuration);
        } catch (IOException e) {
            throw new UserError(
                    "cannot write to " + directory.root() + ": " + e.getMessage() + "; choose another --output", e);
        }
    }
}
