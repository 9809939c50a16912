package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.cellstore.ParentRun;
import dev.powersweep.orchestrator.corpus.ReadFiles;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Openings;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.executor.CellTask;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.plan.TrainerMemory;
import dev.powersweep.orchestrator.publish.LiveBoard;
import dev.powersweep.orchestrator.publish.SweepBroadcast;
import dev.powersweep.orchestrator.publish.SweepProgress;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.orchestrator.tables.CellsTable;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Runs a planned sweep on Spark, or goes on with one.
 *
 * <p>A cell that has ended is not trained again, whatever is submitted; a cell that was cut short goes on from its
 * checkpoint; failed cells wait for {@link #rerun}. May be called again after any failure, on any machine.
 */
public final class SweepRunner {
    private static final Logger LOG = LogManager.getLogger(SweepRunner.class);

    /** Spark configuration: local path of the trainer's jar on every host, instead of the application jar's. */
    public static final String TRAINER_JAR = "spark.powersweep.trainerJar";

    private static final double ROOM_TO_SPARE = 2;
    private static final long SMALLEST_CAP_BYTES = 512L << 20;

    private final JavaSparkContext spark;
    private final Configuration configuration;
    private final Lease.Timing timing;
    private final int filesToMerge;

    public SweepRunner(JavaSparkContext spark) {
        this(spark, Lease.Timing.DEFAULT);
    }

    SweepRunner(JavaSparkContext spark, Lease.Timing timing) {
        this(spark, timing, Compactor.FILES);
    }

    SweepRunner(JavaSparkContext spark, Lease.Timing timing, int filesToMerge) {
        this.spark = spark;
        this.configuration = spark.hadoopConfiguration();
        this.timing = timing;
        this.filesToMerge = filesToMerge;
    }

    /**
     * Refuses a directory that holds a sweep of another name; touches nothing. To be asked before a corpus is written.
     *
     * @return whether the directory holds this sweep already
     */
    public static boolean holds(SweepDirectory directory, Configuration configuration, String sweep) {
        Optional<LedgerEvent.Submitted> stored = stored(directory, configuration);
        stored.ifPresent(submitted -> requireName(directory, submitted, sweep));
        return stored.isPresent();
    }

    /** The specification that the directory's sweep was last submitted with; empty where it holds none. */
    public static Optional<String> specification(SweepDirectory directory, Configuration configuration) {
        return stored(directory, configuration).map(LedgerEvent.Submitted::specification);
    }

    /** Refuses a directory that holds another sweep than the plan's; touches nothing. */
    public static void refuseAnother(SweepDirectory directory, Configuration configuration, SweepPlan plan) {
        stored(directory, configuration).ifPresent(submitted -> requireSame(directory, submitted, plan));
    }

    /**
     * Refuses a directory whose driver lives on this very machine, before a cluster is asked for executors. Whoever lives
     * elsewhere is found out when the lease is taken.
     */
    public static void refuseWhileDrivenHere(SweepDirectory directory, Configuration configuration) {
        try {
            Lease.refuseWhileHeldHere(directory.storage(configuration), directory);
        } catch (IOException e) {
            throw new UserError("cannot read " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    private static Optional<LedgerEvent.Submitted> stored(SweepDirectory directory, Configuration configuration) {
        try {
            Storage storage = directory.storage(configuration);
            return storage.list(directory.ledger()).isEmpty()
                    ? Optional.empty()
                    : LedgerReader.read(storage, directory).submitted();
        } catch (IOException e) {
            throw new UserError("cannot read " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    /**
     * Trains what the plan holds and the directory does not.
     *
     * @throws UserError when the directory holds a different sweep, another driver runs it, or it cannot be written
     */
    public SweepSummary run(SweepPlan plan, SweepDirectory directory, SweepProgress progress)
            throws InterruptedException {
        refuseGpusOnLocalMaster(spark.master(), plan.policy().gpusPerCell());
        // Before the lease is taken, so that a wrong directory is left as it is; and again under the lease.
        refuseAnother(directory, configuration, plan);
        Set<String> wanted =
                plan.cells().stream().map(cell -> cell.gridCell().cell().id()).collect(Collectors.toSet());
        return drive(directory, progress, wanted::contains, state -> {
            state.submitted().ifPresent(stored -> requireSame(directory, stored, plan));
            Instant now = Instant.now();
            List<LedgerEvent> events = new ArrayList<>(Openings.submitted(state, plan, now));
            corpusRead(directory, plan.corpusHash(), now)
                    .filter(read -> state.corpusRead(read.corpusHash()).isEmpty())
                    .ifPresent(read -> events.add(1, read));
            return events;
        });
    }

    /**
     * Goes on with a stored sweep.
     *
     * @param chosen cells to take up; those of them that failed are tried again from their checkpoints, those that
     *     finished or diverged are trained afresh
     */
    public SweepSummary rerun(SweepDirectory directory, Predicate<CellRecord> chosen, SweepProgress progress)
            throws InterruptedException {
        return rerun(directory, chosen, Trust.NONE, progress);
    }

    /** @param trust for programs that the directory names */
    public SweepSummary rerun(
            SweepDirectory directory, Predicate<CellRecord> chosen, Trust trust, SweepProgress progress)
            throws InterruptedException {
        SweepState before = LedgerReader.open(directory, configuration);
        refuseGpusOnLocalMaster(
                spark.master(), before.submitted().orElseThrow().policy().gpusPerCell());
        Set<String> wanted = before.cells().stream()
                .filter(chosen)
                .map(cell -> cell.cell().id())
                .collect(Collectors.toSet());
        RunPolicy asked = before.submitted().orElseThrow().policy();
        TrainerMemory.require(
                before.cells().stream()
                        .filter(cell -> wanted.contains(cell.cell().id()))
                        .collect(Collectors.toMap(CellRecord::name, CellRecord::cell, (one, same) -> one)),
                asked.trainerMemoryBytes() > 0 ? OptionalLong.of(asked.trainerMemoryBytes()) : OptionalLong.empty(),
                sharedMemoryBytes());
        return drive(directory, progress, wanted::contains, state -> {
            trust.require(
                    directory,
                    state.submitted().orElseThrow().policy(),
                    state.cells().stream()
                            .filter(cell -> wanted.contains(cell.cell().id()))
                            .flatMap(cell -> cell.cell().program().stream())
                            .toList());
            return Openings.requested(state, wanted, Instant.now());
        });
    }

    private interface Opening {
        /** Events that bring the state to where the run begins. */
        List<LedgerEvent> events(SweepState state);
    }

    private SweepSummary drive(
            SweepDirectory directory, SweepProgress progress, Predicate<String> wanted, Opening opening)
            throws InterruptedException {
        Storage storage = storage(directory);
        AtomicReference<Optional<LiveNumbers>> live = new AtomicReference<>(Optional.empty());
        LiveBoard board = new LiveBoard();
        try (Ledger ledger =
                Ledger.open(storage, directory, spark.sc().applicationId(), version(), timing, live::get)) {
            SweepState state = ledger.initialState();
            List<LedgerEvent> events = new ArrayList<>(Openings.abandoned(state, Instant.now()));
            events.forEach(state::apply);
            int known = state.cells().size();
            List<LedgerEvent> begin = opening.events(state);
            begin.forEach(state::apply);
            events.addAll(begin);
            int planned = state.cells().size() - known;
            store(ledger, events);
            prepare(storage, directory, state);

            RunPolicy policy = state.submitted().orElseThrow().policy();
            List<String> cells = state.cells().stream()
                    .filter(cell -> !cell.state().terminal())
                    .map(cell -> cell.cell().id())
                    .filter(wanted)
                    .toList();
            CellsSnapshot snapshot = new CellsSnapshot(storage, directory);
            SweepBroadcast broadcast = new SweepBroadcast(spark.sc());
            Compactor compactor = new Compactor(
                    storage, directory, ledger.epoch(), event -> ledger.append(List.of(event)), filesToMerge);
            reconcile(compactor, state, directory);
            SweepProgress watching = SweepProgress.both(progress, SweepProgress.both(broadcast, compactor));
            spark.sc().addSparkListener(board);
            spark.sc().addSparkListener(broadcast.curves());
            try (SparkAttempts attempts = new SparkAttempts(spark, setting(directory, state, policy))) {
                watching.opened(state, directory, attempts.slots(Set.of()));
                SweepLoop loop = new SweepLoop(
                        ledger, state, cells, sharedMemoryBytes(), attempts, board, watching, live, snapshot::offer);
                if (!cells.isEmpty()) {
                    loop.run();
                }
                watching.close();
                ParentRun.releaseAll(storage, directory, state, Set.copyOf(cells));
                snapshot.finish(state);
                loop.ledgerFailure().ifPresent(failure -> {
                    throw new UserError(
                            "the sweep stopped because its ledger cannot be written: " + failure.getMessage()
                                    + "; what had ended before is stored, submit again to go on",
                            failure);
                });
                return summary(state, loop, planned, cells.size());
            } finally {
                compactor.close();
                spark.sc().removeSparkListener(broadcast.curves());
                spark.sc().removeSparkListener(board);
            }
        }
    }

    private static void reconcile(Compactor compactor, SweepState state, SweepDirectory directory) {
        try {
            compactor.reconcile(state);
        } catch (IOException e) {
            throw new UserError("cannot bring the tables of " + directory.root() + " into order: " + e.getMessage(), e);
        }
    }

    private static void store(Ledger ledger, List<LedgerEvent> events) {
        if (!events.isEmpty()) {
            try {
                ledger.append(events).join();
            } catch (java.util.concurrent.CompletionException e) {
                throw new UserError(
                        "the ledger cannot be written: " + e.getCause().getMessage(), e);
            }
        }
    }

    private static void prepare(Storage storage, SweepDirectory directory, SweepState state) {
        try {
            for (Table<?> table : Table.ALL) {
                storage.makeDirectory(directory.table(table.name()));
            }
            storage.replace(
                    directory.specification(),
                    state.submitted().orElseThrow().specification().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UserError("cannot write to " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    private Storage storage(SweepDirectory directory) {
        try {
            return directory.storage(configuration);
        } catch (IOException e) {
            throw new UserError("cannot reach " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    private CellTask.Setting setting(SweepDirectory directory, SweepState state, RunPolicy policy) {
        long largest = state.cells().stream()
                .mapToLong(cell -> cell.planned().memoryBytes())
                .max()
                .orElse(0);
        return new CellTask.Setting(
                directory.root().toString(),
                policy,
                trainerMemoryBytes(policy, largest),
                Optional.ofNullable(spark.getConf().get(TRAINER_JAR, null)));
    }

    /** Cap on the arrays of each trainer of a sweep whose largest cell is predicted to need {@code largestBytes}. */
    static long trainerMemoryBytes(RunPolicy policy, long largestBytes) {
        return policy.trainerMemoryBytes() > 0
                ? policy.trainerMemoryBytes()
                : Math.max(SMALLEST_CAP_BYTES, Math.round(ROOM_TO_SPARE * largestBytes));
    }

    private static double sharedFlops(SweepState state) {
        return state.cells().stream()
                .mapToDouble(cell -> cell.last()
                        .flatMap(AttemptReport::shared)
                        .map(shared -> cell.cell()
                                .counts()
                                .trainingFlops(cell.cell().tokensThrough(shared.steps()))
                                .orElse(0))
                        .orElse(0.0))
                .sum();
    }

    private static SweepSummary summary(SweepState state, SweepLoop loop, int planned, int begun) {
        return new SweepSummary(
                planned,
                begun,
                state.count(CellState.FINISHED),
                state.count(CellState.DIVERGED),
                state.count(CellState.FAILED),
                state.count(CellState.PLANNED) + state.count(CellState.RUNNING) + state.count(CellState.INTERRUPTED),
                loop.totals().begun(),
                loop.totals().tokens(),
                loop.seconds(),
                loop.packing(),
                sharedFlops(state),
                loop.stopped());
    }

    /** What the corpus was read from, as it was noted beside it. */
    private Optional<LedgerEvent.CorpusRead> corpusRead(SweepDirectory directory, String hash, Instant now) {
        return ReadFiles.find(directory, hash, configuration)
                .map(read -> new LedgerEvent.CorpusRead(now, hash, read.files().size(), read.bytes(), read.kinds()));
    }

    private static void requireSame(SweepDirectory directory, LedgerEvent.Submitted stored, SweepPlan plan) {
        requireName(directory, stored, plan.name());
        if (!stored.corpusHash().equals(plan.corpusHash())) {
            throw different(
                    directory, "a sweep over corpus " + stored.corpusHash(), "one over corpus " + plan.corpusHash());
        }
    }

    private static void requireName(SweepDirectory directory, LedgerEvent.Submitted stored, String sweep) {
        if (!stored.sweep().equals(sweep)) {
            throw different(directory, "the sweep \"" + stored.sweep() + "\"", "\"" + sweep + "\"");
        }
    }

    private static UserError different(SweepDirectory directory, String stored, String submitted) {
        return new UserError(directory.root() + " holds " + stored + ", not " + submitted
                + ": choose another --output; nothing was changed");
    }

    /** Spark's local mode would wait for GPUs for ever. */
    public static void refuseGpusOnLocalMaster(String master, int gpusPerCell) {
        if (gpusPerCell > 0 && master.startsWith("local") && !master.startsWith("local-cluster")) {
            throw new UserError("resources.gpus = " + gpusPerCell + " cannot run on --master "
                    + master + ": Spark's local mode schedules no GPUs; start a standalone master and worker"
                    + " on this machine instead");
        }
    }

    /** What all trainers together may take, where one machine carries all of them; 0 where Spark spreads them. */
    private long sharedMemoryBytes() {
        return spark.isLocal() ? LocalMemory.forTrainers() : 0;
    }

    private static String version() {
        String version = SweepRunner.class.getPackage().getImplementationVersion();
        return version == null ? "(unpackaged)" : version;
    }

    /** Rewrites the cells table on a thread of its own, so that slow storage does not delay the loop. */
    private static final class CellsSnapshot {
        private static final double SECONDS_BETWEEN = 10;

        private final Storage storage;
        private final SweepDirectory directory;
        private long last = System.nanoTime();
        private Thread writing = new Thread();

        CellsSnapshot(Storage storage, SweepDirectory directory) {
            this.storage = storage;
            this.directory = directory;
        }

        void offer(SweepState state) {
            if ((System.nanoTime() - last) / 1e9 >= SECONDS_BETWEEN && !writing.isAlive()) {
                last = System.nanoTime();
                List<CellRow> rows = CellsTable.byName(state);
                writing = new Thread(() -> write(rows), "cells-table");
                writing.setDaemon(true);
                writing.start();
            }
        }

        void finish(SweepState state) throws InterruptedException {
            writing.join();
            write(CellsTable.byName(state));
        }

        private void write(List<CellRow> rows) {
            try {
                CellsTable.write(storage, directory, rows);
            } catch (IOException e) {
                LOG.warn("the cells table could not be written; fit and report make it anew from the ledger", e);
            }
        }
    }
}
