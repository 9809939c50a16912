package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spark.TaskHost;
import java.nio.file.Files;
import java.nio.file.Path;

/** Why a file could not be read, and on which host. */
final class ReadFailure {
    private ReadFailure() {}

    /** A sentence that begins with the path; on a cluster it names the host that tried. */
    static String sentence(String path, Compression packing, Throwable failure) {
        String cause = CorpusJob.rootMessage(failure);
        if (failure instanceof Compression.UnpackException) {
            return path + " is refused: " + cause;
        }
        if (packing != Compression.NONE && !missingHere(path)) {
            return path + " cannot be unpacked as " + packing.title() + ": " + cause
                    + "; it is cut short or damaged, so fetch it again or leave it out" + TaskHost.inWords();
        }
        return path + " cannot be read: " + cause + TaskHost.inWords();
    }

    private static boolean missingHere(String path) {
        return path.startsWith("file:")
                && !Files.isReadable(
                        Path.of(new org.apache.hadoop.fs.Path(path).toUri().getPath()));
    }
}
