package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * A specification as a user names it. What lies at the user's hand is meant, whatever the default file system is.
 *
 * @param name as it was given
 * @param path with its file system
 */
record SpecificationFile(String name, Path path) {

    static SpecificationFile of(String name, Configuration configuration) {
        try {
            Path path = new Path(name);
            if (!path.toUri().isAbsolute() && Files.exists(java.nio.file.Path.of(name))) {
                path = new Path(java.nio.file.Path.of(name).toUri());
            }
            return new SpecificationFile(name, path.getFileSystem(configuration).makeQualified(path));
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError("cannot read the specification " + name + ": " + e.getMessage(), e);
        }
    }

    String text(Configuration configuration) {
        try {
            return new String(Storage.of(path, configuration).read(path), StandardCharsets.UTF_8);
        } catch (NoSuchFileException | FileNotFoundException e) {
            throw new UserError("there is no specification " + name + ": give the path of a YAML file", e);
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError("cannot read the specification " + name + ": " + e.getMessage(), e);
        }
    }
}
