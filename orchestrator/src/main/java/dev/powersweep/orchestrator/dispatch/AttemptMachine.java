package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.dispatch.AttemptAction.AskHost;
import dev.powersweep.orchestrator.dispatch.AttemptAction.AskToStop;
import dev.powersweep.orchestrator.dispatch.AttemptAction.Commit;
import dev.powersweep.orchestrator.dispatch.AttemptAction.DropDamagedShard;
import dev.powersweep.orchestrator.dispatch.AttemptAction.End;
import dev.powersweep.orchestrator.dispatch.AttemptAction.KeepLog;
import dev.powersweep.orchestrator.dispatch.AttemptAction.Tell;
import dev.powersweep.orchestrator.dispatch.AttemptState.Garbage;
import dev.powersweep.orchestrator.dispatch.AttemptState.Known;
import dev.powersweep.orchestrator.dispatch.AttemptState.Phase;
import dev.powersweep.orchestrator.dispatch.AttemptState.Question;
import dev.powersweep.orchestrator.dispatch.AttemptState.TrainerHealth;
import dev.powersweep.orchestrator.dispatch.AttemptState.Watch;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One attempt as a state machine: (state, input) → (state, actions). The supervisor carries the actions out and says
 * what came of them; it decides nothing.
 *
 * <pre>
 * STORE → SHARD → CHECKPOINT → [TRUNK] → TRAINER → SEND → training → ending → ended
 *   └──── whatever is thrown ──────────────────────────────┴──→ [asking host] ──┘
 * </pre>
 *
 * <p>Rows are stored with the checkpoint that stands for them. A checkpoint at the last step waits for the outcome, so
 * that both are stored in one step.
 */
public final class AttemptMachine {
    /** For a trainer that was asked to stop to write its checkpoint. */
    private static final double STOP_GRACE_SECONDS = 20;
    /** For a trainer that writes other things than frames to die of what they tell about. */
    private static final double LAST_WORDS_SECONDS = 3;

    private static final int GARBAGE_LENGTH = 200;

    /** What follows from an input. */
    public record Step(AttemptState state, List<AttemptAction> actions) {
        public Step {
            actions = List.copyOf(actions);
        }
    }

    private final AttemptOrder order;
    private final RunPolicy policy;
    private final Cell cell;
    private final String host;

    /** @param host for messages */
    public AttemptMachine(AttemptOrder order, RunPolicy policy, String host) {
        this.order = order;
        this.policy = policy;
        this.cell = order.gridCell().cell();
        this.host = host;
    }

    /** The first state. */
    public static Step begin() {
        return new Step(AttemptState.NEW, List.of(new AttemptAction.OpenStore()));
    }

    /**
     * Takes one input in. An input that comes after the end changes nothing.
     *
     * @param now seconds of a clock that never goes back
     */
    public Step on(AttemptState state, AttemptInput input, double now) {
        Phase phase = state.phase();
        if (phase instanceof Phase.Ended) {
            return new Step(state, List.of());
        } else if (input instanceof AttemptInput.Done && phase instanceof Phase.Ending ending) {
            return new Step(new AttemptState(new Phase.Ended(ending.outcome()), state.known()), List.of());
        } else if (input instanceof AttemptInput.Thrown thrown) {
            return thrown(state, thrown.fault());
        } else if (input instanceof AttemptInput.Committed committed) {
            Known known = state.known().committed(committed.storedStep(), committed.rows());
            // Storing may have taken longer than a trainer may be silent, and no frames were read meanwhile.
            Phase after = phase instanceof Phase.Training training
                    ? new Phase.Training(training.watch().heard(now))
                    : phase;
            return new Step(new AttemptState(after, known), List.of(new Tell()));
        } else if (input instanceof AttemptInput.CheckpointReplaced) {
            return new Step(state, List.of());
        } else if (phase instanceof Phase.Preparing preparing) {
            return preparing(state, preparing.stage(), input, now);
        } else if (phase instanceof Phase.Training training) {
            return training(state, training.watch(), input, now);
        } else if (phase instanceof Phase.AskingHost asking && input instanceof AttemptInput.HostAnswered answer) {
            return end(state, answered(asking.question(), answer.trouble()), TrainerHealth.SICK);
        }
        return new Step(state, List.of());
    }

    private Step preparing(AttemptState state, Fault.Stage stage, AttemptInput input, double now) {
        Known known = state.known();
        if (input instanceof AttemptInput.FoundEnded found) {
            return end(state, found.outcome(), TrainerHealth.WELL);
        } else if (input instanceof AttemptInput.Opened opened) {
            Known open = known.opened(opened.storedStep());
            return cell.data().hasCorpus()
                    ? prepare(Fault.Stage.SHARD, open, new AttemptAction.InstallShard())
                    : prepare(Fault.Stage.CHECKPOINT, open, new AttemptAction.FetchCheckpoint());
        } else if (input instanceof AttemptInput.ShardReady) {
            return prepare(Fault.Stage.CHECKPOINT, known, new AttemptAction.FetchCheckpoint());
        } else if (input instanceof AttemptInput.CheckpointFetched fetched) {
            Known resumed = known.opened(fetched.storedStep());
            return fetched.found() == AttemptInput.Found.NOTHING
                            && !order.parents().isEmpty()
                    ? prepare(Fault.Stage.TRUNK, resumed, new AttemptAction.TakeTrunk())
                    : prepare(Fault.Stage.TRAINER, resumed, new AttemptAction.TakeTrainer());
        } else if (input instanceof AttemptInput.TrunkTaken taken) {
            return prepare(Fault.Stage.TRAINER, known.opened(taken.storedStep()), new AttemptAction.TakeTrainer());
        } else if (input instanceof AttemptInput.NoTrainer none) {
            return end(state, none.outcome(), TrainerHealth.SICK);
        } else if (input instanceof AttemptInput.TrainerReady ready) {
            // What a program that is not ours does with its GPUs it does not tell.
            return cell.program().isEmpty()
                            && policy.gpusPerCell() > 0
                            && !ready.backend().equals("cuda")
                    ? end(state, Endings.fellBack(ready.backend(), policy.gpusPerCell()), TrainerHealth.SICK)
                    : prepare(Fault.Stage.SEND, known, new AttemptAction.Send());
        } else if (input instanceof AttemptInput.FoundDead dead) {
            return end(state, Endings.diedIdle(dead.exit()), TrainerHealth.SICK);
        } else if (input instanceof AttemptInput.Sent) {
            Watch watch = new Watch(now, now, OptionalDouble.empty(), Optional.empty());
            return new Step(new AttemptState(new Phase.Training(watch), known), List.of());
        }
        // A request to stop is handled where the trainer is waited for, and is repeated.
        return new Step(new AttemptState(new Phase.Preparing(stage), known), List.of());
    }

    private static Step prepare(Fault.Stage stage, Known known, AttemptAction action) {
        return new Step(new AttemptState(new Phase.Preparing(stage), known), List.of(action));
    }

    private Step training(AttemptState state, Watch watch, AttemptInput input, double now) {
        Known known = state.known();
        if (input instanceof AttemptInput.Said said) {
            return said(
                    new AttemptState(new Phase.Training(watch.heard(now)), known),
                    said.frame(),
                    now - watch.lastWord());
        } else if (input instanceof AttemptInput.Babbled babbled) {
            return new Step(
                    new AttemptState(
                            new Phase.Training(watch.garbage().isPresent() ? watch : watch.with(garbage(babbled, now))),
                            known),
                    List.of());
        } else if (input instanceof AttemptInput.Exited exited) {
            Outcome outcome = watch.askedToStop().isPresent()
                    ? Endings.stopped(true)
                    : Endings.exited(
                            exited.exit(), known.step(), watch.garbage().map(Garbage::text));
            return flushAndEnd(state, outcome);
        } else if (input instanceof AttemptInput.StopRequested
                && watch.askedToStop().isEmpty()) {
            return new Step(new AttemptState(new Phase.Training(watch.asked(now)), known), List.of(new AskToStop()));
        } else if (input instanceof AttemptInput.Ticked) {
            return overdue(watch, known, now)
                    .map(outcome -> flushAndEnd(state, outcome))
                    .orElseGet(() -> new Step(state, List.of()));
        }
        return new Step(state, List.of());
    }

    private Optional<Outcome> overdue(Watch watch, Known known, double now) {
        if (watch.garbage().isPresent() && now - watch.garbage().get().at() > LAST_WORDS_SECONDS) {
            return Optional.of(broken(watch.garbage().get().text()));
        }
        if (watch.askedToStop().isPresent() && now - watch.askedToStop().getAsDouble() > STOP_GRACE_SECONDS) {
            return Optional.of(Endings.stopped(false));
        }
        if (now - watch.lastWord() > policy.hangSeconds()) {
            return Optional.of(Endings.stuck(policy.hangSeconds(), known.step()));
        }
        if (now - watch.sent() > order.timeoutSeconds()) {
            return Optional.of(Endings.overdue(
                    order.timeoutSeconds(), known.step(), cell.data().steps()));
        }
        return Optional.empty();
    }

    /** What the trainer said is not what a trainer says: whose fault that is depends on whose program it is. */
    private Outcome broken(String message) {
        return cell.program().isPresent() ? Outcome.failed(FailureClass.PROGRAM, message, "") : Endings.broken(message);
    }

    private static Garbage garbage(AttemptInput.Babbled babbled, double now) {
        String line = babbled.line().length() <= GARBAGE_LENGTH
                ? babbled.line()
                : babbled.line().substring(0, GARBAGE_LENGTH) + "…";
        return new Garbage("the trainer wrote a line that is no frame (" + babbled.reason() + "): " + line, now);
    }

    /** @param silence seconds since the word before */
    private Step said(AttemptState heard, Frame frame, double silence) {
        if (frame instanceof Frame.Outcome outcome) {
            return concluded(heard, outcome);
        }
        // A checkpoint at the last step was no part of an end after all.
        List<AttemptAction> actions = new ArrayList<>(flush(heard.known()));
        Known known = heard.known().holding(Optional.empty());
        AttemptState state = new AttemptState(heard.phase(), known);
        if (frame instanceof Frame.Started begun) {
            if (begun.step() != known.resumedFrom()) {
                return end(
                        state,
                        broken("the trainer began at step " + begun.step() + " instead of " + known.resumedFrom()),
                        TrainerHealth.SICK,
                        actions);
            }
            known = known.started(begun.microBatchSequences());
            actions.add(new Tell());
        } else if (frame instanceof Frame.Steps rows) {
            // A program that is not ours need not report every step.
            long next = known.step() + 1;
            if (cell.program().isPresent() ? rows.firstStep() < next : rows.firstStep() != next) {
                return end(
                        state,
                        broken("the trainer reported step " + rows.firstStep() + " after step " + known.step()),
                        TrainerHealth.SICK,
                        actions);
            }
            if (rows.rows() > 0) {
                known = known.plus(rows, rows.loss()[rows.rows() - 1], rate(rows, known.step(), silence));
                actions.add(new Tell());
            }
        } else if (frame instanceof Frame.Evaluation evaluation) {
            known = known.plus(evaluation);
        } else if (frame instanceof Frame.Size size) {
            known = known.sized(size.counts());
        } else if (frame instanceof Frame.Checkpoint checkpoint) {
            known = known.holding(Optional.of(checkpoint));
            if (checkpoint.step() < cell.data().steps()) {
                actions.addAll(flush(known));
                known = known.holding(Optional.empty());
            }
        } else {
            return end(
                    state,
                    broken("the trainer said " + frame.getClass().getSimpleName() + " in the middle of a cell"),
                    TrainerHealth.SICK,
                    actions);
        }
        return new Step(new AttemptState(heard.phase(), known), actions);
    }

    /** Tokens per second since the word before; by the trainer's own clock where it tells. */
    private double rate(Frame.Steps rows, long stepBefore, double silence) {
        double seconds = 0;
        for (double each : rows.seconds()) {
            seconds += each;
        }
        long before = Double.isNaN(seconds) ? stepBefore : rows.firstStep() - 1;
        double tokens = cell.tokensThrough(rows.lastStep()) - cell.tokensThrough(before);
        return tokens / Math.max(Double.isNaN(seconds) ? silence : seconds, 1e-9);
    }

    private Step concluded(AttemptState state, Frame.Outcome said) {
        Known known = state.known().took(seconds(said));
        Outcome outcome = Endings.said(said);
        AttemptState after = new AttemptState(state.phase(), known);
        if (outcome.state().terminal() && outcome.trouble().isEmpty()) {
            // The log first: the report that is stored with the outcome names it.
            return end(
                    after,
                    outcome,
                    TrainerHealth.WELL,
                    List.of(new KeepLog(), new Commit(known.held(), known.step(), known.rows(), Optional.of(outcome))));
        }
        List<AttemptAction> actions = new ArrayList<>(flush(known));
        Known flushed = known.holding(Optional.empty());
        AttemptState rest = new AttemptState(state.phase(), flushed);
        if (Endings.asksHost(outcome)) {
            actions.add(new DropDamagedShard());
            actions.add(new AskHost());
            Question question = new Question.OfTrainer(outcome.trouble().orElseThrow());
            return new Step(new AttemptState(new Phase.AskingHost(question), flushed), actions);
        }
        boolean well = outcome.trouble()
                .filter(why -> why.failure() == FailureClass.BAD_INPUT)
                .isPresent();
        return end(rest, outcome, well ? TrainerHealth.WELL : TrainerHealth.SICK, actions);
    }

    private static double seconds(Frame.Outcome said) {
        if (said instanceof Frame.Finished finished) {
            return finished.seconds();
        } else if (said instanceof Frame.Diverged diverged) {
            return diverged.seconds();
        } else if (said instanceof Frame.Interrupted interrupted) {
            return interrupted.seconds();
        }
        return ((Frame.Failed) said).seconds();
    }

    private Step thrown(AttemptState state, Fault fault) {
        // Asking may itself fail, on a host as sick as that.
        if (state.phase() instanceof Phase.AskingHost asking && fault.stage() == Fault.Stage.HOST) {
            return end(state, answered(asking.question(), Optional.of(fault.sentence())), TrainerHealth.SICK);
        }
        Outcome outcome = Endings.thrown(fault, host, Optional.empty());
        if (Endings.asksHost(outcome)) {
            return new Step(
                    new AttemptState(new Phase.AskingHost(new Question.OfSupervisor(fault)), state.known()),
                    List.of(new AskHost()));
        }
        return end(state, outcome, TrainerHealth.SICK);
    }

    private Outcome answered(Question question, Optional<String> hostTrouble) {
        if (question instanceof Question.OfSupervisor supervisor) {
            return Endings.thrown(supervisor.fault(), host, hostTrouble);
        }
        return Endings.trainersIo(((Question.OfTrainer) question).trouble(), host, hostTrouble);
    }

    private Step flushAndEnd(AttemptState state, Outcome outcome) {
        return end(
                new AttemptState(state.phase(), state.known().holding(Optional.empty())),
                outcome,
                TrainerHealth.SICK,
                flush(state.known()));
    }

    /** Stores a checkpoint that waited for the outcome that might have followed it. */
    private static List<AttemptAction> flush(Known known) {
        return known.held().isPresent()
                ? List.of(new Commit(known.held(), known.step(), known.rows(), Optional.empty()))
                : List.of();
    }

    private static Step end(AttemptState state, Outcome outcome, TrainerHealth trainer) {
        return end(state, outcome, trainer, List.of());
    }

    private static Step end(AttemptState state, Outcome outcome, TrainerHealth trainer, List<AttemptAction> before) {
        List<AttemptAction> actions = new ArrayList<>(before);
        if (actions.stream().noneMatch(KeepLog.class::isInstance)) {
            actions.add(new KeepLog());
        }
        actions.add(new End(outcome, trainer));
        return new Step(new AttemptState(new Phase.Ending(outcome), state.known()), actions);
    }
}
