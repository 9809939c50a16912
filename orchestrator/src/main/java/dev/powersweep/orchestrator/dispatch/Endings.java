package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.TrainerCommand;
import java.util.Locale;
import java.util.Optional;

/** The one place that classifies the end of an attempt: from what was seen to an {@link Outcome}. */
public final class Endings {
    private static final String NO_SPACE = "No space left on device";

    private static final String ASKED_AGAIN = "the program asked to be tried again";
    private static final String FROM_OUTSIDE = "the trainer was ";

    private Endings() {}

    /** The trainer's own word. */
    static Outcome said(Frame.Outcome said) {
        if (said instanceof Frame.Finished finished) {
            return new Outcome.Finished(finished);
        } else if (said instanceof Frame.Diverged diverged) {
            return new Outcome.Diverged("diverged at step " + diverged.step() + ": " + diverged.reason());
        } else if (said instanceof Frame.Interrupted interrupted) {
            return Outcome.interrupted("the trainer was asked to stop at step " + interrupted.step());
        } else if (said instanceof Frame.Failed failed) {
            return Outcome.failed(failed.failure(), failed.message(), failed.detail());
        }
        throw new IllegalStateException("no such outcome: " + said);
    }

    /**
     * The trainer's output ended in the middle of a cell.
     *
     * @param garbage what it wrote instead of a frame before
     */
    static Outcome exited(TrainerExit exit, long lastStep, Optional<String> garbage) {
        if (exit.killedByUs()) {
            return shuttingDown();
        }
        FailureClass failure = ofExit(exit);
        if (failure == FailureClass.LOST_EXECUTOR) {
            return new Outcome.Interrupted(new Outcome.Trouble(
                    failure,
                    exit.killed()
                            ? FROM_OUTSIDE + "killed from outside, and not for want of memory"
                            : FROM_OUTSIDE + "terminated from outside",
                    exit.words()));
        }
        if (exit.ofProgram() && exit.status() == TrainerExit.TRY_AGAIN) {
            return Outcome.interrupted(ASKED_AGAIN + " (exit status " + exit.status() + ") after step " + lastStep);
        }
        String died = exit.ofProgram()
                ? "the program " + (exit.signalled() ? "died of " : "ended with ")
                : "the trainer died of ";
        String message = died + exit.text() + " after step " + lastStep;
        boolean told = failure == FailureClass.BUG || failure == FailureClass.PROGRAM;
        return Outcome.failed(
                failure, told && garbage.isPresent() ? message + "; " + garbage.get() : message, exit.words());
    }

    /**
     * A trainer ended before it was ready. It has not seen a cell yet and cannot have failed for its sake: Java,
     * libraries or disk of the host.
     *
     * @param excerpt of its standard error, as the end of a sentence
     */
    public static Outcome neverReady(TrainerExit exit, String host, String excerpt) {
        if (exit.killedByUs()) {
            return shuttingDown();
        }
        FailureClass failure = exit.status() == TrainerCommand.EXIT_UNSUPPORTED_DEVICE
                ? FailureClass.UNSUPPORTED_DEVICE
                : switch (ofExit(exit)) {
                    case BUG, NATIVE_CRASH -> FailureClass.BAD_NODE;
                    default -> ofExit(exit);
                };
        String message = (failure == FailureClass.BAD_NODE ? "host " + host + ": " : "") + "a trainer ended with "
                + exit.text() + " before it was ready" + excerpt;
        return failure == FailureClass.LOST_EXECUTOR
                ? Outcome.interrupted(message)
                : Outcome.failed(failure, message, exit.words());
    }

    /**
     * SIGKILL is taken for the kernel's out-of-memory killer unless that had nothing to do; other signals are crashes of
     * native code.
     */
    private static FailureClass ofExit(TrainerExit exit) {
        if (exit.killed() && exit.memorySufficed()) {
            return FailureClass.LOST_EXECUTOR;
        }
        if (exit.killed() || exit.saysOutOfMemory()) {
            return FailureClass.HOST_MEMORY;
        }
        if (exit.terminated()) {
            return FailureClass.LOST_EXECUTOR;
        }
        if (exit.saysOutOfGpuMemory()) {
            return FailureClass.GPU_MEMORY;
        }
        if (exit.ofProgram() && !exit.signalled()) {
            return exit.status() == TrainerCommand.EXIT_UNSUPPORTED_DEVICE
                    ? FailureClass.UNSUPPORTED_DEVICE
                    : FailureClass.PROGRAM;
        }
        return exit.signalled() ? FailureClass.NATIVE_CRASH : FailureClass.BUG;
    }

    /** The system would not start a trainer. */
    public static Outcome notStarted(String host, String reason) {
        return Outcome.failed(FailureClass.BAD_NODE, "host " + host + ": no trainer can be started: " + reason, "");
    }

    public static Outcome notReadyInTime(double seconds, String excerpt) {
        return Outcome.failed(
                FailureClass.TIMEOUT,
                String.format(Locale.ROOT, "a trainer did not become ready within %.0f s%s", seconds, excerpt),
                "");
    }

    public static Outcome notReadyButSaid(String said) {
        return Outcome.failed(FailureClass.BUG, "a trainer said something else before it was ready: " + said, "");
    }

    static Outcome fellBack(String backend, int gpus) {
        return Outcome.failed(
                FailureClass.UNSUPPORTED_DEVICE,
                "the trainer fell back to backend " + backend + " although the cell asks for " + gpus + " GPU",
                "");
    }

    /** It died while idle; what it died of was another cell's. */
    static Outcome diedIdle(String exit) {
        return Outcome.interrupted("an idle trainer had ended with " + exit);
    }

    static Outcome broken(String message) {
        return Outcome.failed(FailureClass.BUG, message, "");
    }

    static Outcome stuck(double seconds, long lastStep) {
        return Outcome.failed(
                FailureClass.TIMEOUT,
                String.format(
                        Locale.ROOT, "the trainer was stuck: no word for %.0f s after step %d", seconds, lastStep),
                "");
    }

    static Outcome overdue(double seconds, long lastStep, long steps) {
        return Outcome.failed(
                FailureClass.TIMEOUT,
                String.format(
                        Locale.ROOT,
                        "not done after %.0f s, at step %d of %d; raise run.timeoutSeconds if it is only slow",
                        seconds,
                        lastStep,
                        steps),
                "");
    }

    static Outcome stopped(boolean inTime) {
        return Outcome.interrupted(
                inTime ? "the task was killed" : "the task was killed, and its trainer did not stop in time");
    }

    private static Outcome shuttingDown() {
        return Outcome.interrupted("the executor is shutting down");
    }

    /**
     * Something was thrown.
     *
     * @param host for the message
     * @param hostTrouble what is wrong with the host, asked after the failure; see {@link #asksHost}
     */
    public static Outcome thrown(Fault fault, String host, Optional<String> hostTrouble) {
        return switch (fault.kind()) {
            case FENCED -> Outcome.interrupted(fault.sentence());
            case KILLED -> Outcome.interrupted("the task was killed");
            case OUT_OF_MEMORY -> Outcome.failed(FailureClass.HOST_MEMORY, fault.sentence(), fault.stack());
            case OTHER -> Outcome.failed(FailureClass.BUG, fault.sentence(), fault.stack());
            case IO, NO_SPACE -> blamed(fault, host, hostTrouble);
        };
    }

    private static Outcome blamed(Fault fault, String host, Optional<String> hostTrouble) {
        boolean hosts = fault.stage() == Fault.Stage.HOST
                || hostTrouble.isPresent()
                || (fault.stage().writesLocally()
                        && (fault.kind() == Fault.Kind.NO_SPACE
                                || fault.localPath().isPresent()));
        if (!hosts) {
            return Outcome.failed(
                    FailureClass.IO,
                    fault.sentence() + ", while " + fault.stage().words(),
                    fault.stack());
        }
        String trouble = hostTrouble.orElseGet(() -> (fault.kind() == Fault.Kind.NO_SPACE ? "disk full" : "no access")
                + fault.localPath().map(path -> " at " + path).orElse(""));
        return onHost(host, trouble + ", while " + fault.stage().words() + "; " + fault.sentence(), fault.stack());
    }

    /** Whether the host is to be asked how it is before the failure can be classified. */
    static boolean asksHost(Outcome outcome) {
        return outcome.trouble().filter(why -> why.failure() == FailureClass.IO).isPresent();
    }

    /** A trainer's own I/O failure, once the host has been asked: a trainer writes nowhere but to its host. */
    static Outcome trainersIo(Outcome.Trouble trouble, String host, Optional<String> hostTrouble) {
        if (hostTrouble.isPresent()) {
            return onHost(host, hostTrouble.get() + "; " + trouble.message(), trouble.detail());
        }
        return trouble.message().contains(NO_SPACE) || trouble.detail().contains(NO_SPACE)
                ? onHost(host, "disk full; " + trouble.message(), trouble.detail())
                : new Outcome.Failed(trouble);
    }

    private static Outcome onHost(String host, String trouble, String detail) {
        return Outcome.failed(FailureClass.BAD_NODE, "host " + host + ": " + trouble, detail);
    }

    /** Spark's second try of a task: the executor of the first one is gone. */
    public static Outcome executorLost() {
        return Outcome.interrupted("the executor of this attempt was lost");
    }

    /** The same, with what Spark told of it. */
    public static Outcome executorLost(String executor, String host, String reason) {
        String first = reason.lines().findFirst().map(String::strip).orElse("");
        return new Outcome.Interrupted(new Outcome.Trouble(
                FailureClass.LOST_EXECUTOR,
                "executor " + executor + " on " + host + " was lost" + (first.isEmpty() ? "" : ": " + first),
                reason));
    }

    /**
     * A job failed at Spark's hands: its task cannot have, since a task reports what is thrown.
     *
     * @param reason first line of Spark's message
     * @param sparkStopped whether the context is gone
     */
    public static Outcome jobFailed(String reason, String detail, boolean sparkStopped) {
        boolean executors = sparkStopped
                || reason.contains("ExecutorLostFailure")
                || reason.contains("cancelled")
                || reason.contains("killed")
                || reason.contains("FetchFailed")
                || reason.contains("shut down")
                // The driver's blocks could not be had, so the task never began.
                || reason.contains("Failed to get broadcast")
                || reason.contains("Failed to connect")
                || reason.contains("Connection reset")
                || (reason.contains("Lost task") && reason.contains("Resubmitted"));
        Outcome.Trouble trouble =
                new Outcome.Trouble(executors ? FailureClass.LOST_EXECUTOR : FailureClass.BUG, reason, detail);
        return executors ? new Outcome.Interrupted(trouble) : new Outcome.Failed(trouble);
    }

    /** The driver itself could not carry the attempt out. */
    public static Outcome driverFailed(String sentence, String stack) {
        return Outcome.failed(FailureClass.BUG, sentence, stack);
    }

    /** A cell that kept losing its executors: see {@link Losses}. */
    static Outcome.Trouble suspicious(Outcome.Trouble last, int losses, boolean alone) {
        boolean asked = last.message().startsWith(ASKED_AGAIN);
        boolean ended = asked || last.message().startsWith(FROM_OUTSIDE);
        return new Outcome.Trouble(
                asked ? FailureClass.PROGRAM : last.failure(),
                (ended ? "it was interrupted " : "its executor was lost ") + losses
                        + " times in a row and the cell got no further"
                        + (alone ? ", while others did" : "") + "; the last time: " + last.message(),
                last.detail());
    }
}
