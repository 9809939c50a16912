package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.dispatch.AttemptAction;
import dev.powersweep.orchestrator.dispatch.AttemptInput;
import dev.powersweep.orchestrator.dispatch.AttemptMachine;
import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.AttemptState;
import dev.powersweep.orchestrator.dispatch.Endings;
import dev.powersweep.orchestrator.dispatch.Fault;
import dev.powersweep.orchestrator.dispatch.LiveCells;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.TrainerExit;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.TrainerCommand;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** An attempt on a virtual executor: the real state machine, a virtual store and a virtual trainer. */
final class VirtualAttempt {
    private static final int CHECKPOINT_STEPS = 3;
    private static final int ABORTED = 134;
    private static final int TERMINATED = 143;

    /** What befalls an attempt from outside its cell. */
    enum Mishap {
        NONE,
        ABORTS,
        HANGS,
        TERMINATED,
        STORAGE_FAILS,
        TRAINER_IO,
        /** What is stored reports an error all the same. */
        STORAGE_LIES,
        CHECKPOINT_DAMAGED
    }

    record Update(String cell, int attempt, long step, long storedStep, String executor) implements LiveCells.Update {
        @Override
        public double tokensPerSecond() {
            return 0;
        }
    }

    private final World world;
    private final VirtualCell cell;
    private final AttemptOrder order;
    private final VirtualExecutor executor;
    private final VirtualStore store;
    private final AttemptMachine machine;
    private final Mishap mishap;
    private final long mishapAt;
    private AttemptState state = AttemptMachine.begin().state();
    private int claim;
    private boolean trainerLives;
    private boolean over;

    VirtualAttempt(World world, VirtualCell cell, AttemptOrder order, VirtualExecutor executor, VirtualStore store) {
        this.world = world;
        this.cell = cell;
        this.order = order;
        this.executor = executor;
        this.store = store;
        this.machine = new AttemptMachine(order, world.policy(), executor.host());
        SplittableRandom random = world.random();
        this.mishap = world.mishap(cell);
        this.mishapAt = 1 + random.nextLong(cell.steps());
    }

    AttemptOrder order() {
        return order;
    }

    VirtualCell cell() {
        return cell;
    }

    void begin() {
        carryOut(AttemptMachine.begin().actions());
    }

    /** Its executor is gone, without a word. */
    void vanish() {
        over = true;
        trainerLives = false;
    }

    private void feed(AttemptInput input) {
        if (over) {
            return;
        }
        AttemptMachine.Step next = machine.on(state, input, world.now());
        state = next.state();
        carryOut(next.actions());
        if (!over && state.phase() instanceof AttemptState.Phase.Ended ended) {
            over = true;
            trainerLives = false;
            world.reported(this, executor, report(ended.outcome()));
        }
    }

    private void carryOut(List<AttemptAction> actions) {
        for (AttemptAction action : actions) {
            Optional<AttemptInput> answer;
            try {
                answer = carryOut(action);
            } catch (VirtualStore.Fenced e) {
                feed(new AttemptInput.Thrown(fault(action, Fault.Kind.FENCED, "replaced", Optional.empty())));
                return;
            } catch (Thrown e) {
                feed(new AttemptInput.Thrown(e.fault));
                return;
            }
            answer.ifPresent(this::feed);
            if (over) {
                return;
            }
        }
    }

    private static final class Thrown extends Exception {
        private static final long serialVersionUID = 1L;
        private final transient Fault fault;

        Thrown(Fault fault) {
            this.fault = fault;
        }
    }

    private static Fault fault(AttemptAction action, Fault.Kind kind, String sentence, Optional<String> path) {
        return new Fault(action.stage(), kind, sentence, "stack", path);
    }

    private Optional<AttemptInput> carryOut(AttemptAction action) throws VirtualStore.Fenced, Thrown {
        if (executor.failsAt(action)) {
            throw new Thrown(fault(
                    action,
                    executor.sickness().orElseThrow() == VirtualExecutor.Sickness.FULL_DISK
                            ? Fault.Kind.NO_SPACE
                            : Fault.Kind.IO,
                    "IOException: disk trouble",
                    Optional.of("/tmp/cache")));
        }
        if (action instanceof AttemptAction.OpenStore) {
            claim = store.claim(order.generation());
            return Optional.of(
                    claim == 0
                            ? new AttemptInput.FoundEnded(store.outcome().orElseThrow())
                            : new AttemptInput.Opened(store.step()));
        } else if (action instanceof AttemptAction.InstallShard) {
            if (cell.kind() == VirtualCell.Kind.THROWS) {
                throw new Thrown(fault(action, Fault.Kind.OTHER, "NoClassDefFoundError: Foo", Optional.empty()));
            }
            return Optional.of(new AttemptInput.ShardReady());
        } else if (action instanceof AttemptAction.FetchCheckpoint) {
            if (mishap == Mishap.CHECKPOINT_DAMAGED && store.step() > 0) {
                store.damage(claim);
            }
            return Optional.of(new AttemptInput.CheckpointFetched(
                    store.step() > 0 ? AttemptInput.Found.CHECKPOINT : AttemptInput.Found.NOTHING, store.step()));
        } else if (action instanceof AttemptAction.TakeTrunk) {
            takeTrunk();
            return Optional.of(new AttemptInput.TrunkTaken(store.step()));
        } else if (action instanceof AttemptAction.TakeTrainer) {
            store.keepTrunk(claim, order.branchSteps());
            if (executor.sickness().equals(Optional.of(VirtualExecutor.Sickness.NO_DEVICE))) {
                return Optional.of(new AttemptInput.NoTrainer(Endings.neverReady(
                        new TrainerExit(TrainerCommand.EXIT_UNSUPPORTED_DEVICE, false, true, ""),
                        executor.host(),
                        ": no driver")));
            }
            return Optional.of(new AttemptInput.TrainerReady("cpu"));
        } else if (action instanceof AttemptAction.Send) {
            trainerLives = true;
            world.in(0.5, this::started);
            world.in(order.timeoutSeconds() + 1, () -> feed(new AttemptInput.Ticked()));
            tickLater();
            return Optional.of(new AttemptInput.Sent());
        } else if (action instanceof AttemptAction.Commit commit) {
            if (mishap == Mishap.STORAGE_FAILS && commit.step() >= mishapAt) {
                throw new Thrown(fault(
                        action, Fault.Kind.IO, "IOException: connection reset, cell " + cell.id(), Optional.empty()));
            }
            store.commit(
                    claim, commit.rows(), commit.step(), commit.checkpoint().isPresent(), commit.outcome());
            world.committed(cell, commit);
            if (mishap == Mishap.STORAGE_LIES && commit.step() >= mishapAt) {
                throw new Thrown(
                        fault(action, Fault.Kind.IO, "IOException: broken pipe, cell " + cell.id(), Optional.empty()));
            }
            return Optional.of(
                    new AttemptInput.Committed(store.step(), commit.rows().size()));
        } else if (action instanceof AttemptAction.Tell) {
            world.tell(
                    executor,
                    new Update(
                            cell.id(),
                            order.attempt(),
                            state.known().step(),
                            state.known().stored(),
                            executor.id()));
        } else if (action instanceof AttemptAction.AskHost) {
            return Optional.of(new AttemptInput.HostAnswered(executor.sickness().map(sick -> sick + " at /tmp/cache")));
        } else if (action instanceof AttemptAction.AskToStop) {
            trainerLives = false;
            world.in(1, () -> feed(new AttemptInput.Exited(new TrainerExit(TERMINATED, false, true, ""))));
        } else if (action instanceof AttemptAction.End) {
            trainerLives = false;
            return Optional.of(new AttemptInput.Done());
        }
        return Optional.empty();
    }

    /** As the real one does: the newest state that any of the others has kept and whose rows are all there. */
    private void takeTrunk() throws VirtualStore.Fenced {
        store.keepTrunk(claim, order.branchSteps());
        TreeMap<Long, VirtualStore> offers = new TreeMap<>();
        for (String parent : order.parents()) {
            VirtualStore stored = world.store(parent);
            stored.states().stream()
                    .filter(step -> step <= cell.trunkSteps())
                    .forEach(step -> offers.putIfAbsent(step, stored));
        }
        for (Map.Entry<Long, VirtualStore> offer : offers.descendingMap().entrySet()) {
            if (mishap != Mishap.CHECKPOINT_DAMAGED && store.adopt(claim, offer.getValue(), offer.getKey())) {
                return;
            }
        }
    }

    private void tickLater() {
        world.in(world.policy().hangSeconds() + 0.5, () -> feed(new AttemptInput.Ticked()));
    }

    private void say(Frame frame) {
        if (trainerLives) {
            feed(new AttemptInput.Said(frame));
            tickLater();
        }
    }

    private void started() {
        int microBatch = order.microBatchSequences() == 0 ? 8 : order.microBatchSequences();
        say(new Frame.Started(cell.id(), order.attempt(), state.known().resumedFrom(), microBatch));
        if (cell.kind() == VirtualCell.Kind.NEEDS_SMALL_MICRO_BATCH && microBatch > 2) {
            say(failed(FailureClass.HOST_MEMORY, "no memory"));
        } else {
            world.in(world.stepSeconds(), () -> step(state.known().step() + 1));
        }
    }

    private Frame failed(FailureClass failure, String message) {
        return new Frame.Failed(cell.id(), state.known().step(), failure, message, "", 1);
    }

    private void step(long step) {
        if (!trainerLives || over) {
            return;
        }
        if (step == mishapAt && misbehaves()) {
            return;
        }
        if (cell.late(step) && cell.kind() == VirtualCell.Kind.POISON) {
            world.lose(executor);
            return;
        }
        double loss = cell.loss(step);
        double[] one = {loss};
        say(new Frame.Steps(cell.id(), step, one, one, one, one, one, one));
        if (cell.late(step) && cell.kind() == VirtualCell.Kind.DIVERGES) {
            say(new Frame.Diverged(cell.id(), step, "loss is NaN", 1));
        } else if (cell.late(step) && cell.kind() == VirtualCell.Kind.HAS_A_BUG) {
            say(failed(FailureClass.BUG, "index 3 out of bounds in " + cell.id()));
        } else {
            goOn(step, loss);
        }
    }

    private void goOn(long step, double loss) {
        if (step % CHECKPOINT_STEPS == 0
                || step == cell.steps()
                || order.branchSteps().contains(step)) {
            say(new Frame.Evaluation(cell.id(), step, "validation", loss, 0.1, 100, 1, 1));
            say(new Frame.Checkpoint(cell.id(), step, "/tmp/" + step, 1, "sha"));
        }
        if (step == cell.steps()) {
            say(new Frame.Finished(cell.id(), step, false, loss, List.of(), 1, 1, 1));
        } else {
            world.in(world.stepSeconds(), () -> step(step + 1));
        }
    }

    private boolean misbehaves() {
        switch (mishap) {
            case ABORTS -> exit(ABORTED);
            case TERMINATED -> exit(TERMINATED);
            case HANGS -> {}
            case TRAINER_IO -> say(failed(FailureClass.IO, "checkpoint cannot be read, cell " + cell.id()));
            case NONE, STORAGE_FAILS, STORAGE_LIES, CHECKPOINT_DAMAGED -> {
                return false;
            }
        }
        return true;
    }

    private void exit(int status) {
        trainerLives = false;
        feed(new AttemptInput.Exited(new TrainerExit(status, false, true, "last words")));
    }

    private AttemptReport report(Outcome outcome) {
        return new AttemptReport(
                cell.id(),
                order.attempt(),
                outcome,
                new AttemptReport.Work(
                        outcome.trouble().isEmpty()
                                ? Math.max(state.known().step(), store.step())
                                : state.known().stored(),
                        state.known().resumedFrom(),
                        store.shared(),
                        1,
                        0.1,
                        state.known().microBatch()),
                Instant.EPOCH,
                Instant.EPOCH,
                new AttemptReport.Place(executor.host(), executor.id()),
                Optional.empty(),
                "");
    }
}
