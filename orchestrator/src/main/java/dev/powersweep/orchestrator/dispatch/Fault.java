package dev.powersweep.orchestrator.dispatch;

import java.util.Optional;

/**
 * Something that was thrown while an attempt was carried out, in words.
 *
 * @param stage what the supervisor was doing
 * @param sentence class and message, one line
 * @param stack first lines of the stack trace
 * @param localPath that the failure names, where that is one of this host's own folders
 */
public record Fault(Stage stage, Kind kind, String sentence, String stack, Optional<String> localPath) {

    /** What an exception says of itself. */
    public enum Kind {
        /** Another attempt owns the cell now. */
        FENCED,
        /** The task was told to stop. */
        KILLED,
        /** A file or a connection failed. */
        IO,
        /** A file system was full. */
        NO_SPACE,
        OUT_OF_MEMORY,
        /** Every other exception and error. */
        OTHER
    }

    /** The steps of an attempt, in their order. */
    public enum Stage {
        /** Folders, locks and scratch of the host. */
        HOST("the host's folders were made", true),
        STORE("the cell's store was opened", false),
        SHARD("the corpus was copied to the host", true),
        CHECKPOINT("the checkpoint was copied to the host", true),
        TRUNK("the trunk's state was copied to the host", true),
        TRAINER("the trainer was installed and started", true),
        SEND("the trainer was given the cell", true),
        TRAINING("results were stored", false);

        private final String words;
        private final boolean writesLocally;

        Stage(String words, boolean writesLocally) {
            this.words = words;
            this.writesLocally = writesLocally;
        }

        /** For a message: "while ...". */
        String words() {
            return words;
        }

        /** Whether the host's own disk is what it writes to, so that a full one is the host's. */
        boolean writesLocally() {
            return writesLocally;
        }
    }
}
