package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.cellstore.CellStore;
import dev.powersweep.orchestrator.cellstore.ParentRun;
import dev.powersweep.orchestrator.dispatch.AttemptAction;
import dev.powersweep.orchestrator.dispatch.AttemptInput;
import dev.powersweep.orchestrator.dispatch.AttemptInput.Found;
import dev.powersweep.orchestrator.dispatch.AttemptMachine;
import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.AttemptState;
import dev.powersweep.orchestrator.dispatch.AttemptState.Known;
import dev.powersweep.orchestrator.dispatch.AttemptState.TrainerHealth;
import dev.powersweep.orchestrator.dispatch.Fault;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.executor.CellSupervisor.Context;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.executor.trainer.TrainerKey;
import dev.powersweep.orchestrator.executor.trainer.TrainerPool;
import dev.powersweep.orchestrator.executor.trainer.TrainerSeat;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellListeners;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Carries one attempt out, from its order to its report: does what {@link AttemptMachine} asks for and tells it what
 * came of it. Decides nothing itself.
 */
final class Attempt {
    private static final Logger LOG = LogManager.getLogger(Attempt.class);
    private static final long POLL_MILLIS = 200;

    private final Context context;
    private final AttemptOrder order;
    private final Cell cell;
    private final String id;
    private final List<String> gpuAddresses;
    private final Stopping stopping;
    private final AttemptMachine machine;
    private final LiveReports live;
    private final Path scratch;
    private final Instant startedAt = Instant.now();
    private final long started = System.nanoTime();

    private AttemptState state = AttemptMachine.begin().state();
    private Optional<CellStore> store = Optional.empty();
    private Optional<Path> shard = Optional.empty();
    private Optional<Path> checkpoint = Optional.empty();
    private Optional<TrainerLink> session = Optional.empty();
    private TrainerHealth trainerAtEnd = TrainerHealth.SICK;
    private String log = "";

    Attempt(Context context, AttemptOrder order, List<String> gpuAddresses, Stopping stopping) {
        this.context = context;
        this.order = order;
        this.cell = order.gridCell().cell();
        this.id = cell.id();
        this.gpuAddresses = gpuAddresses;
        this.stopping = stopping;
        this.machine = new AttemptMachine(order, context.policy(), context.host());
        this.live = new LiveReports(context, order);
        this.scratch = context.scratch().resolve(id + "-" + order.attempt() + "-" + Long.toHexString(started));
    }

    AttemptReport run() {
        try {
            carryOut(AttemptMachine.begin().actions());
            while (!(state.phase() instanceof AttemptState.Phase.Ended)) {
                listen();
            }
            tellLoss();
            return report();
        } finally {
            // In this order: a trainer that hangs must not find its scratch gone.
            try {
                session.ifPresent(each -> each.end(trainerAtEnd));
            } finally {
                HostCache.deleteAll(scratch);
            }
        }
    }

    /** Steps that only a checkpoint would have saved. */
    private void tellLoss() {
        Known known = state.known();
        boolean again = ((AttemptState.Phase.Ended) state.phase()).outcome() instanceof Outcome.Interrupted;
        if (cell.program().isPresent() && again && known.step() > known.stored()) {
            LOG.warn(
                    "cell {}: {} after its last checkpoint (step {}) are trained again; name checkpoints more often to lose"
                            + " less",
                    order.gridCell().name(),
                    known.step() - known.stored() == 1 ? "a step" : known.step() - known.stored() + " steps",
                    known.stored());
        }
    }

    private void listen() {
        TrainerLink talking = session.orElseThrow();
        if (stopping.requested()) {
            feed(new AttemptInput.StopRequested());
        }
        try {
            talking.poll(POLL_MILLIS).ifPresent(this::feed);
        } catch (InterruptedException e) {
            feed(thrown(e, Fault.Stage.TRAINING));
        }
        feed(new AttemptInput.Ticked());
    }

    private void feed(AttemptInput input) {
        AttemptMachine.Step next = machine.on(state, input, seconds());
        state = next.state();
        carryOut(next.actions());
    }

    /** What follows an action that failed is left out: the machine hears of the failure and asks anew. */
    private void carryOut(List<AttemptAction> actions) {
        for (AttemptAction action : actions) {
            Optional<AttemptInput> answer;
            try {
                answer = carryOut(action);
            } catch (Throwable e) {
                feed(thrown(e, action.stage()));
                return;
            }
            answer.ifPresent(this::feed);
        }
    }

    private AttemptInput thrown(Throwable failure, Fault.Stage stage) {
        Fault fault = Faults.of(failure, stage, List.of(context.cache().place(), context.scratch()));
        if (fault.kind() == Fault.Kind.OTHER || fault.kind() == Fault.Kind.OUT_OF_MEMORY) {
            LOG.error("attempt {} of cell {} failed", order.attempt(), id, failure);
        }
        return new AttemptInput.Thrown(fault);
    }

    private Optional<AttemptInput> carryOut(AttemptAction action) throws IOException, InterruptedException {
        if (action instanceof AttemptAction.OpenStore) {
            return Optional.of(openStore());
        } else if (action instanceof AttemptAction.InstallShard) {
            shard = Optional.of(context.cache()
                    .shard(context.storage(), context.directory(), cell.data().corpusHash()));
            return Optional.of(new AttemptInput.ShardReady());
        } else if (action instanceof AttemptAction.FetchCheckpoint) {
            checkpoint = opened().fetchCheckpoint(Files.createDirectories(scratch));
            return Optional.of(new AttemptInput.CheckpointFetched(
                    checkpoint.isPresent() ? Found.CHECKPOINT : Found.NOTHING, opened().step()));
        } else if (action instanceof AttemptAction.TakeTrunk) {
            takeTrunk();
            return Optional.of(new AttemptInput.TrunkTaken(opened().step()));
        } else if (action instanceof AttemptAction.TakeTrainer) {
            return Optional.of(takeTrainer());
        } else if (action instanceof AttemptAction.Send) {
            return Optional.of(send());
        } else if (action instanceof AttemptAction.Commit commit) {
            return commit(commit);
        } else if (action instanceof AttemptAction.Tell) {
            live.tell(state.known());
        } else if (action instanceof AttemptAction.AskToStop) {
            session.ifPresent(TrainerLink::askToStop);
        } else if (action instanceof AttemptAction.DropDamagedShard) {
            context.cache().dropDamagedShard(context.directory(), cell.data().corpusHash());
        } else if (action instanceof AttemptAction.AskHost) {
            return Optional.of(new AttemptInput.HostAnswered(
                    HostProbe.trouble(List.of(context.scratch(), context.cache().root()))));
        } else if (action instanceof AttemptAction.KeepLog) {
            keepLog();
        } else if (action instanceof AttemptAction.End end) {
            trainerAtEnd = end.trainer();
            return Optional.of(new AttemptInput.Done());
        }
        return Optional.empty();
    }

    private AttemptInput openStore() throws IOException {
        CellStore open =
                CellStore.open(context.storage(), context.directory(), id, order.attempt(), order.generation());
        store = Optional.of(open);
        return open.outcome().isPresent()
                ? new AttemptInput.FoundEnded(open.outcome().get().outcome())
                : new AttemptInput.Opened(open.step());
    }

    private CellStore opened() {
        return store.orElseThrow();
    }

    /** Takes over what another cell has trained for this one too. */
    private void takeTrunk() throws IOException {
        Optional<ParentRun.Inherited> found =
                new ParentRun(context.storage(), context.directory(), order).find(scratch);
        if (found.isPresent()) {
            ParentRun.Inherited inherited = found.get();
            // A cell that trains the trunk on keeps what it took over, for those that follow.
            opened().keepTrunk(order.branchSteps());
            opened().adopt(inherited.checkpoint(), inherited.steps(), inherited.evals(), inherited.shared());
            checkpoint = Optional.of(inherited.checkpoint().path());
        }
    }

    private AttemptInput takeTrainer() throws IOException, InterruptedException {
        opened().keepTrunk(order.branchSteps());
        if (cell.program().isPresent()) {
            session = Optional.of(new ProgramSession(context, order, checkpoint, gpuAddresses, scratch));
            return new AttemptInput.TrainerReady("");
        }
        try {
            boolean shared = context.policy().cellsAtOnce() > 1 && order.company() == AttemptOrder.Company.ANY;
            TrainerKey key = CellSupervisor.key(
                    context, shared ? context.policy() : context.policy().alone(), gpuAddresses);
            TrainerSeat trainer = shared
                    ? context.pool().shared().take(key, id, stopping)
                    : new TrainerSeat.Sole(context.pool(), context.pool().take(key, stopping));
            session = Optional.of(new TrainerSession(trainer));
            return new AttemptInput.TrainerReady(trainer.ready().backend());
        } catch (TrainerPool.StartException e) {
            return new AttemptInput.NoTrainer(e.outcome(context.host()));
        }
    }

    private AttemptInput send() {
        return session.orElseThrow()
                .send(new Assignment(
                        cell,
                        order.attempt(),
                        shard.map(Path::toString).orElse(""),
                        scratch.resolve("checkpoints").toString(),
                        checkpoint.map(Path::toString),
                        order.microBatchSequences(),
                        context.policy().checkpointSeconds(),
                        context.policy().reportSeconds(),
                        order.branchSteps(),
                        context.policy().listeners().map(CellListeners::classes).orElse(List.of())));
    }

    private Optional<AttemptInput> commit(AttemptAction.Commit commit) throws IOException {
        Optional<CellStore.LocalCheckpoint> file = commit.checkpoint()
                .map(frame -> new CellStore.LocalCheckpoint(Path.of(frame.file()), frame.bytes(), frame.sha256()));
        FrameRows rows = FrameRows.of(cell, order.attempt(), commit);
        try {
            opened().commit(
                            file,
                            commit.step(),
                            rows.steps(),
                            rows.evals(),
                            commit.outcome().map(this::report));
        } catch (NoSuchFileException e) {
            if (commit.outcome().isPresent()
                    || file.isEmpty()
                    || Files.exists(file.get().path())) {
                throw e;
            }
            return Optional.of(new AttemptInput.CheckpointReplaced());
        }
        if (commit.outcome().isPresent() && order.beginning() == AttemptOrder.Beginning.OWN) {
            opened().shared().ifPresent(shared -> ParentRun.release(context.storage(), context.directory(), shared));
        }
        return Optional.of(
                new AttemptInput.Committed(opened().step(), commit.rows().size()));
    }

    private void keepLog() {
        if (log.isEmpty() && session.isPresent()) {
            log = session.get().keepLog(context, id, order.attempt());
        }
    }

    private double seconds() {
        return (System.nanoTime() - started) / 1e9;
    }

    private AttemptReport report() {
        Optional<AttemptReport> ended = session.isEmpty() ? store.flatMap(CellStore::outcome) : Optional.empty();
        return ended.isPresent()
                ? ended.get().of(order.attempt())
                : report(((AttemptState.Phase.Ended) state.phase()).outcome());
    }

    private AttemptReport report(Outcome said) {
        // What a program printed last often says why, whoever found that it failed.
        Outcome outcome =
                cell.program().isPresent() && session.isPresent() ? said.explained(session.get()::lastWords) : said;
        Known known = state.known();
        double all = seconds();
        double training = known.trainerSeconds() > 0 || session.isEmpty() ? known.trainerSeconds() : all;
        return new AttemptReport(
                id,
                order.attempt(),
                outcome,
                new AttemptReport.Work(
                        outcome.trouble().isEmpty() ? known.step() : known.stored(),
                        known.resumedFrom(),
                        store.flatMap(CellStore::shared),
                        training,
                        Math.max(0, all - training),
                        known.microBatch()),
                startedAt,
                Instant.now(),
                new AttemptReport.Place(context.host(), context.executor()),
                session.map(TrainerLink::ready),
                log,
                known.size());
    }
}
