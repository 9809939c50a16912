package dev.powersweep.orchestrator.dispatch;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.StoredName;
import java.time.Instant;
import java.util.Map;

/** Something that happened to a sweep; one line of the ledger. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event")
@JsonSubTypes({
    @JsonSubTypes.Type(value = LedgerEvent.DriverStarted.class, name = "driver-started"),
    @JsonSubTypes.Type(value = LedgerEvent.Submitted.class, name = "submitted"),
    @JsonSubTypes.Type(value = LedgerEvent.CorpusRead.class, name = "corpus-read"),
    @JsonSubTypes.Type(value = LedgerEvent.Planned.class, name = "planned"),
    @JsonSubTypes.Type(value = LedgerEvent.Running.class, name = "running"),
    @JsonSubTypes.Type(value = LedgerEvent.Ended.class, name = "ended"),
    @JsonSubTypes.Type(value = LedgerEvent.Requested.class, name = "requested"),
    @JsonSubTypes.Type(value = LedgerEvent.HostExcluded.class, name = "host-excluded"),
    @JsonSubTypes.Type(value = LedgerEvent.Merged.class, name = "merged"),
    @JsonSubTypes.Type(value = LedgerEvent.SweepStopped.class, name = "sweep-stopped")
})
public sealed interface LedgerEvent {
    Instant at();

    /**
     * The first event of each epoch.
     *
     * @param fences per earlier epoch the last segment that counts; what its driver wrote after that is void
     */
    record DriverStarted(
            Instant at, long epoch, Map<Long, Long> fences, String host, long pid, String application, String version)
            implements LedgerEvent {
        public DriverStarted {
            fences = Map.copyOf(fences);
        }
    }

    record Submitted(Instant at, String sweep, String corpusHash, String specification, RunPolicy policy)
            implements LedgerEvent {
        public Submitted {
            StoredName.corpus(corpusHash);
        }
    }

    /**
     * What a corpus was read from.
     *
     * @param files number of them
     * @param bytes of all of them, as they are stored
     * @param kinds in words, with the number of each
     */
    record CorpusRead(Instant at, String corpusHash, long files, long bytes, String kinds) implements LedgerEvent {
        public CorpusRead {
            StoredName.corpus(corpusHash);
        }
    }

    /** A cell that the sweep holds from now on; a later one for the same cell brings newer predictions. */
    record Planned(Instant at, String name, Cell cell, double predictedSeconds, long memoryBytes)
            implements LedgerEvent {
        public Planned {
            StoredName.corpus(cell.data().corpusHash());
        }
    }

    /** An attempt was handed to Spark. */
    record Running(Instant at, String cell, int attempt, int microBatchSequences) implements LedgerEvent {
        public Running {
            StoredName.cell(cell);
        }
    }

    record Ended(Instant at, AttemptReport report) implements LedgerEvent {}

    /** A user asked for the cell again; from its beginning unless it can go on from a checkpoint. */
    record Requested(Instant at, String cell, Beginning beginning) implements LedgerEvent {
        public Requested {
            StoredName.cell(cell);
        }
    }

    /**
     * A host gets no more cells of this driver as long as there are others.
     *
     * @param reason its last failure
     */
    record HostExcluded(Instant at, String host, String reason) implements LedgerEvent {}

    /**
     * Small files of a table are now one large one: the moment from which they do not count any more. What it stands for
     * is recorded beside it.
     *
     * @param number of the merge within its table, unique among drivers
     */
    record Merged(Instant at, String table, String number) implements LedgerEvent {
        public Merged {
            StoredName.table(table);
            StoredName.file(number);
        }
    }

    /** The circuit breaker, or a user, ended the run before all cells ended. */
    record SweepStopped(Instant at, String reason) implements LedgerEvent {}

    enum Beginning {
        /** From the newest checkpoint. */
        RESUME,
        /** What is stored of the cell is replaced. */
        AFRESH
    }
}
