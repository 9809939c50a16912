package dev.powersweep.orchestrator.program;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * The lines of one program, in their order, as the frames that a supervisor knows: steps gathered, what the program left
 * out completed, and what no program may say turned into its failure. Nothing comes after an outcome.
 */
public final class ProgramFrames {
    /** Rows of a frame at most. */
    private static final int MOST_ROWS = 8192;

    /** Characters of a line that is no frame, in a message. */
    private static final int MOST_SHOWN = 200;

    /** What a line, or the end, came to. */
    public sealed interface Heard {
        record Said(Frame frame) implements Heard {}

        /** A line that is no frame. */
        record Garbage(String line, String reason) implements Heard {}

        /** Something that the program's author would want to know. */
        record Note(String sentence) implements Heard {}
    }

    /**
     * What earlier attempts have left.
     *
     * @param step steps done; 0 at the beginning
     * @param loss of the newest of them; NaN where it is not known
     * @param evaluations at this step
     */
    public record Resumed(long step, double loss, List<Frame.Evaluation> evaluations) {
        public static final Resumed NOTHING = new Resumed(0, Double.NaN, List.of());

        public Resumed {
            evaluations = List.copyOf(evaluations);
        }
    }

    private final Cell cell;
    private final String id;
    private final long steps;
    private final Resumed resumed;
    private final LongSupplier peakMemory;
    private final StepRows pending = new StepRows(MOST_ROWS);
    private final Map<String, Frame.Evaluation> newest = new LinkedHashMap<>();
    private final Set<List<Object>> evaluated = new HashSet<>();
    private final Set<String> notes = new LinkedHashSet<>();
    private long lines;
    private long last;
    private double loss;
    /** Most steps between two reports. */
    private long interval = 1;

    private Optional<Heard.Garbage> garbage = Optional.empty();
    private boolean anyStep;
    /** Steps between the two that were reported last. */
    private long stride = 1;

    private double trainingSeconds;
    private double lastStepAt;
    private boolean ended;
    private boolean endedByItsWord;
    private long linesAfterEnd;

    /**
     * @param resumed where the program goes on
     * @param peakMemory bytes of its processes so far; 0 where that is not known
     */
    public ProgramFrames(Cell cell, Resumed resumed, LongSupplier peakMemory) {
        this.cell = cell;
        this.id = cell.id();
        this.steps = cell.data().steps();
        this.resumed = resumed;
        this.peakMemory = peakMemory;
        this.last = resumed.step();
        this.loss = resumed.loss();
        resumed.evaluations().forEach(this::remember);
    }

    /** Lines that came after the program itself had said how it ended, and were not read. */
    public long linesAfterEnd() {
        return linesAfterEnd;
    }

    /** Whether the program has said how it ended. */
    public boolean ended() {
        return ended;
    }

    /** Whether it has said so itself, by a frame. */
    public boolean endedByItsWord() {
        return endedByItsWord;
    }

    /** Whether steps wait for {@link #flush}. */
    public boolean gathers() {
        return !pending.isEmpty();
    }

    /**
     * Takes a line in.
     *
     * @param now seconds since the program was started
     */
    public List<Heard> line(String line, double now) {
        lines++;
        if (line.isBlank()) {
            return List.of();
        }
        if (ended) {
            linesAfterEnd += endedByItsWord ? 1 : 0;
            return List.of();
        }
        List<Heard> heard = new ArrayList<>();
        FrameLine read;
        try {
            read = FrameLine.read(line, id);
        } catch (IllegalArgumentException | ArithmeticException e) {
            heard.addAll(flush());
            Heard.Garbage wrong = new Heard.Garbage(line, "line " + lines + ": " + e.getMessage());
            garbage = garbage.or(() -> Optional.of(wrong));
            heard.add(wrong);
            return heard;
        }
        read.notes().stream().filter(notes::add).forEach(sentence -> heard.add(new Heard.Note(sentence)));
        if (read.frame() instanceof Frame.Steps rows) {
            steps(rows, now, heard);
        } else {
            heard.addAll(flush());
            other(read.frame(), now, heard);
        }
        return heard;
    }

    private void steps(Frame.Steps rows, double now, List<Heard> heard) {
        if (rows.firstStep() <= last) {
            fail(regress(rows.firstStep()), now, heard);
            return;
        }
        if (rows.lastStep() > steps) {
            fail(
                    "reported step " + rows.lastStep() + ", and the cell has " + steps + " (POWERSWEEP_STEPS)",
                    now,
                    heard);
            return;
        }
        if (!pending.continues(rows)) {
            heard.addAll(flush());
        }
        if (anyStep || resumed.step() == 0) {
            interval = Math.max(interval, rows.firstStep() - last);
        }
        int finite = finite(rows.loss());
        Frame.Steps taken = finite < rows.rows() ? StepRows.head(rows, finite + 1) : rows;
        // A program may report every tenth step: what lies between two of them is done, too.
        stride = taken.rows() > 1 ? 1 : Math.max(1, taken.lastStep() - last);
        anyStep = true;
        last = taken.lastStep();
        loss = taken.loss()[taken.rows() - 1];
        for (double each : taken.seconds()) {
            trainingSeconds += each;
        }
        lastStepAt = now;
        pending.add(taken);
        if (finite < rows.rows()) {
            heard.addAll(flush());
            end(new Frame.Diverged(id, last, "training loss is " + loss, now), heard);
        } else if (pending.isFull()) {
            heard.addAll(flush());
        }
    }

    private String regress(long step) {
        if (!anyStep && resumed.step() > 0) {
            return "was given the checkpoint of step " + resumed.step() + " (POWERSWEEP_RESUME_FROM) and reported step "
                    + step + " next: it must go on with step " + (resumed.step() + 1)
                    + ", or name no checkpoints if it cannot go on from them";
        }
        return "reported step " + step + " after step " + last + ": steps count up, each is reported once";
    }

    private static int finite(double[] losses) {
        int count = 0;
        while (count < losses.length && Double.isFinite(losses[count])) {
            count++;
        }
        return count;
    }

    private void other(Frame frame, double now, List<Heard> heard) {
        endedByItsWord = frame instanceof Frame.Outcome;
        if (frame instanceof Frame.Evaluation evaluation) {
            evaluation(evaluation, now, heard);
        } else if (frame instanceof Frame.Checkpoint checkpoint) {
            checkpoint(checkpoint, now, heard);
        } else if (frame instanceof Frame.Finished finished) {
            finished(finished, now, heard);
        } else if (frame instanceof Frame.Diverged diverged) {
            end(new Frame.Diverged(id, last, diverged.reason(), now), heard);
        } else if (frame instanceof Frame.Interrupted) {
            end(new Frame.Interrupted(id, last, now), heard);
        } else if (frame instanceof Frame.Failed failed) {
            end(new Frame.Failed(id, last, failed.failure(), failed.message(), failed.detail(), now), heard);
        } else if (frame instanceof Frame.Started started && started.step() != resumed.step()) {
            fail(
                    resumed.step() == 0
                            ? "says that it begins at step " + started.step() + ", and was given no checkpoint"
                            : regress(started.step() + 1),
                    now,
                    heard);
        } else {
            heard.add(new Heard.Said(frame));
        }
    }

    private void evaluation(Frame.Evaluation given, double now, List<Heard> heard) {
        long step = given.step() == FrameLine.NEWEST ? last : given.step();
        if (step > steps) {
            fail("evaluated at step " + step + ", and the cell has " + steps + " (POWERSWEEP_STEPS)", now, heard);
            return;
        }
        Frame.Evaluation evaluation = new Frame.Evaluation(
                id,
                step,
                given.set(),
                given.loss(),
                given.standardError(),
                given.tokens(),
                given.bitsPerByte(),
                given.seconds());
        // A resumed program may well evaluate once more where its checkpoint was written.
        if (remember(evaluation)) {
            heard.add(new Heard.Said(evaluation));
        }
        if (!Double.isFinite(given.loss())) {
            end(new Frame.Diverged(id, last, "evaluation loss is " + given.loss(), now), heard);
        }
    }

    private boolean remember(Frame.Evaluation evaluation) {
        newest.put(evaluation.set(), evaluation);
        return evaluated.add(List.of(evaluation.step(), evaluation.set()));
    }

    private void checkpoint(Frame.Checkpoint given, double now, List<Heard> heard) {
        long step = given.step() == FrameLine.NEWEST ? last : given.step();
        if (step < last) {
            fail(
                    "named the checkpoint of step " + step + " after it had reported step " + last
                            + ": a checkpoint is named before later steps are reported",
                    now,
                    heard);
        } else if (step > steps) {
            fail("named a checkpoint of step " + step + ", and the cell has " + steps, now, heard);
        } else if (anyStep && step >= last + stride) {
            fail(
                    "named the checkpoint of step " + step + " after step " + last
                            + ": the steps that it has done are reported before",
                    now,
                    heard);
        } else if (step == 0) {
            heard.add(new Heard.Note("a checkpoint before the first step is not kept: there is nothing to go on from"));
        } else {
            last = step;
            heard.add(new Heard.Said(new Frame.Checkpoint(id, step, given.file(), given.bytes(), given.sha256())));
        }
    }

    private void finished(Frame.Finished given, double now, List<Heard> heard) {
        long step = given.step() == FrameLine.NEWEST ? given.stoppedEarly() ? last : steps : given.step();
        if (step > steps || (step < steps && !given.stoppedEarly())) {
            fail(
                    "says that it has finished at step " + step + " of " + steps
                            + ": where a rule of its own ends it early, it says \"stoppedEarly\": true",
                    now,
                    heard);
        } else {
            conclude(step, given.stoppedEarly(), now, heard);
        }
    }

    private void conclude(long step, boolean early, double now, List<Heard> heard) {
        if (garbage.isPresent()) {
            // However soon it ends afterwards: what the line would have said is not known.
            String line = garbage.get().line();
            fail(
                    "wrote a line that is no frame (" + garbage.get().reason() + "): "
                            + (line.length() <= MOST_SHOWN ? line : line.substring(0, MOST_SHOWN) + "…"),
                    now,
                    heard);
            return;
        }
        if (!anyStep && resumed.step() == 0) {
            fail(
                    "ended without having reported a step: it adds lines such as {\"frame\": \"step\", \"step\": 1,"
                            + " \"loss\": 5.4} to the file that POWERSWEEP_FRAMES names",
                    now,
                    heard);
            return;
        }
        if (step - last >= interval) {
            fail(
                    "ended at step " + last + " of " + steps
                            + ": where a rule of its own ends it early, it says so by {\"frame\": \"finished\","
                            + " \"stoppedEarly\": true}",
                    now,
                    heard);
            return;
        }
        List<Frame.Evaluation> evaluations = new ArrayList<>();
        Map<String, Frame.Evaluation> rest = new HashMap<>(newest);
        for (String set : cell.evaluation().sets()) {
            Frame.Evaluation evaluation = rest.remove(set);
            if (evaluation != null && evaluation.step() >= last) {
                evaluations.add(evaluation);
            }
        }
        newest.values().stream()
                .filter(each -> rest.containsKey(each.set()) && each.step() >= last)
                .forEach(evaluations::add);
        String first = cell.evaluation().sets().get(0);
        if (evaluations.stream().noneMatch(each -> each.set().equals(first))) {
            heard.add(new Heard.Note("there is no evaluation of the set \"" + first
                    + "\" after the last step, so the cell has no loss that laws can be fitted to"));
        }
        end(
                new Frame.Finished(
                        id,
                        step,
                        early,
                        loss,
                        evaluations,
                        now,
                        Double.isNaN(trainingSeconds) ? lastStepAt : trainingSeconds,
                        peakMemory.getAsLong()),
                heard);
    }

    private void fail(String clause, double now, List<Heard> heard) {
        heard.addAll(flush());
        end(new Frame.Failed(id, last, FailureClass.PROGRAM, "the program " + clause, "", now), heard);
    }

    private void end(Frame.Outcome outcome, List<Heard> heard) {
        ended = true;
        heard.add(new Heard.Said(outcome));
    }

    /** Where the program stands by its own word, for a checkpoint that it has just named. */
    public Resumed state() {
        return new Resumed(
                last,
                loss,
                newest.values().stream().filter(each -> each.step() == last).toList());
    }

    /** The steps gathered so far, as one frame. */
    public List<Heard> flush() {
        return pending.isEmpty() ? List.of() : List.of(new Heard.Said(pending.drain(id)));
    }

    /**
     * The program has ended, and all of its lines were taken in. A status other than 0 is left to whoever knows what
     * killed it.
     */
    public List<Heard> exited(int status, double now) {
        List<Heard> heard = new ArrayList<>(flush());
        if (!ended && status == 0) {
            conclude(steps, false, now, heard);
        }
        return heard;
    }
}
