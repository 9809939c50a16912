package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The layout of a sweep's directory, on any Hadoop file system.
 *
 * <p>Readers skip names that begin with {@code _} or {@code .}; writers finish a file under such a name and rename it.
 *
 * @param root DIR, fully qualified
 */
public record SweepDirectory(Path root) {
    private static final List<String> FOLDERS =
            List.of("ledger", "corpus", "programs", "tables", "merges", "checkpoints", "logs");

    /** DIR as a user writes it: a path without a scheme is on the default file system. */
    public static SweepDirectory at(String text, Configuration configuration) {
        try {
            Path path = new Path(text);
            return new SweepDirectory(path.getFileSystem(configuration).makeQualified(path));
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError("cannot use " + text + " as a directory: " + e.getMessage(), e);
        }
    }

    /** What it is kept on; see {@link Storage#below}. */
    public Storage storage(Configuration configuration) throws IOException {
        return Storage.below(root, configuration);
    }

    /** Throws {@link IOException} where a folder of the layout is a symbolic link, see {@link Storage#below}. */
    public void requireOwnFolders(Configuration configuration) throws IOException {
        Storage storage = storage(configuration);
        for (String folder : FOLDERS) {
            storage.exists(new Path(root, folder));
        }
    }

    /** The sweep's specification as it was last submitted. */
    public Path specification() {
        return new Path(root, "sweep.yaml");
    }

    public Path ledger() {
        return new Path(root, "ledger");
    }

    public Path corpus(String corpusHash) {
        return Storage.child(new Path(root, "corpus"), corpusHash);
    }

    /** A file of programs that train cells, by the hash of its content. */
    public Path programFile(String sha256) {
        return Storage.child(new Path(root, "programs"), sha256);
    }

    /** One of {@code cells}, {@code steps}, {@code evals}, {@code fits}. */
    public Path table(String name) {
        return Storage.child(new Path(root, "tables"), name);
    }

    /** Records of merged files of a table, and merged files that are not in the table yet. */
    public Path merges(String table) {
        return Storage.child(new Path(root, "merges"), table);
    }

    public Path checkpoints(String cellId) {
        return Storage.child(new Path(root, "checkpoints"), cellId);
    }

    public Path logs(String cellId) {
        return Storage.child(new Path(root, "logs"), cellId);
    }

    public Path fits() {
        return new Path(root, "fits.json");
    }

    public Path report() {
        return new Path(root, "report.html");
    }
}
