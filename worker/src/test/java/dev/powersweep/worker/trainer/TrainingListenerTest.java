package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.data.ShardFixture;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.StepRecord;
import dev.powersweep.worker.train.TrainingListener;
import dev.powersweep.worker.train.TrainingSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Listeners of users, found on the class path of a real trainer. */
class TrainingListenerTest {

    @TempDir
    Path scratch;

    /** Tells what it sees through the process's log. */
    public static final class Teller implements TrainingListener {
        @Override
        public void onStart(Cell cell, TrainingSession session) {
            System.err.println("heard start at " + session.stepsDone());
        }

        @Override
        public void iterationDone(Cell cell, TrainingSession session, StepRecord step) {
            System.err.println("heard step " + step.step() + " " + step.loss() + " with "
                    + session.state().parameters().remaining() / Float.BYTES + " parameters");
        }

        @Override
        public void onEvaluation(Cell cell, String set, long step, EvaluationResult result) {
            System.err.println("heard evaluation " + step + " " + set + " " + result.loss());
        }

        @Override
        public void onCheckpoint(Cell cell, long step, Path file) {
            System.err.println("heard checkpoint " + step + " " + Files.exists(file));
        }
    }

    /** Fails in the third step. */
    public static final class Stumbler implements TrainingListener {
        @Override
        public void iterationDone(Cell cell, TrainingSession session, StepRecord step) {
            if (step.step() == 3) {
                throw new IllegalArgumentException("no more");
            }
        }
    }

    private Assignment assignment(Cell cell) {
        Path shards = scratch.resolve("shard");
        ShardFixture.words(shards, 1, 20_000, 2_000);
        return new Assignment(
                cell, 1, shards.toString(), scratch.resolve("checkpoints").toString(), Optional.empty(), 0, 0, 0);
    }

    private Path announced(String listener) throws Exception {
        Path services = Files.createDirectories(scratch.resolve("listeners/META-INF/services"));
        Files.writeString(services.resolve(TrainingListener.class.getName()), listener);
        return scratch.resolve("listeners");
    }

    @Test
    void hearsEveryStepEvaluationAndCheckpoint() throws Exception {
        Cell cell = Cells.tiny(20, 2, 1000, 0);
        try (TrainerProcess trainer =
                TrainerProcess.startWithFolder(scratch, announced(Teller.class.getName()), "serve")) {
            trainer.next();
            trainer.send(assignment(cell));
            List<Frame> frames = trainer.untilOutcome();
            assertThat(frames).last().isInstanceOf(Frame.Finished.class);
            StepTable table = new StepTable();
            table.add(frames);
            assertThat(trainer.log()).contains("heard start at 0").contains("heard checkpoint 20 true");
            assertThat(trainer.log().lines().filter(line -> line.startsWith("heard step ")))
                    .hasSize(20)
                    .allMatch(line -> line.endsWith(" parameters"));
            assertThat(trainer.log().lines().filter(line -> line.startsWith("heard evaluation ")))
                    .hasSameSizeAs(table.evaluations().keySet());
        }
    }

    @Test
    void oneThatThrowsFailsTheCellByItsName() throws Exception {
        try (TrainerProcess trainer =
                TrainerProcess.startWithFolder(scratch, announced(Stumbler.class.getName()), "serve")) {
            trainer.next();
            trainer.send(assignment(Cells.tiny(20, 2, 1000, 0)));
            List<Frame> frames = trainer.untilOutcome();
            Frame.Failed failed = (Frame.Failed) frames.get(frames.size() - 1);
            assertThat(failed.step()).isEqualTo(3);
            assertThat(failed.failure()).isEqualTo(FailureClass.BUG);
            assertThat(failed.message()).contains(Stumbler.class.getName()).contains("no more");
        }
    }

    @Test
    void oneThatCannotBeMadeIsRefusedBeforeAnythingRuns() throws Exception {
        try (TrainerProcess trainer = TrainerProcess.startWithFolder(scratch, announced("no.such.Listener"), "serve")) {
            assertThat(trainer.exitStatus()).isEqualTo(Main.EXIT_USAGE);
            assertThat(trainer.log()).contains("no.such.Listener").contains("class path");
        }
    }
}
