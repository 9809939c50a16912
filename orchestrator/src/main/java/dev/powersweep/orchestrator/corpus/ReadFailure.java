package dev.powersweep.orchestrator.corpus;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;

/** Why a file could not be read, and on which host. */
final class ReadFailure {
    private ReadFailure() {}

    /** A sentence that begins with the path; on a cluster it names the host that tried. */
    static String sentence(String path, Packing packing, Throwable failure) {
        String cause = CorpusJob.rootMessage(failure);
        if (failure instanceof Packing.UnpackException) {
            return path + " is refused: " + cause;
        }
        if (packing != Packing.NONE && !missingHere(path)) {
            return path + " cannot be unpacked as " + packing.title() + ": " + cause
                    + "; it is cut short or damaged, so fetch it again or leave it out";
        }
        if (onCluster()) {
            return path + " cannot be read on " + host() + ": " + cause
                    + "; give a path that all hosts of the cluster see, e.g. on HDFS, S3 or a shared file system";
        }
        return path + " cannot be read: " + cause;
    }

    /** Where on a cluster something happened, to go before what it was; empty in one process. */
    static String place() {
        return onCluster() ? "on " + host() + ": " : "";
    }

    private static boolean missingHere(String path) {
        return path.startsWith("file:")
                && !Files.isReadable(
                        Path.of(new org.apache.hadoop.fs.Path(path).toUri().getPath()));
    }

    private static boolean onCluster() {
        SparkEnv environment = SparkEnv.get();
        return TaskContext.get() != null && environment != null && !"driver".equals(environment.executorId());
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "a host without a name";
        }
    }
}
