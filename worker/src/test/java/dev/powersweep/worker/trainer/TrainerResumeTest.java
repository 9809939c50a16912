package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Branch;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.checkpoint.CheckpointDirectory;
import dev.powersweep.worker.shard.ShardManifest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Trainers that are killed, stopped or branched off, and go on bit for bit. */
class TrainerResumeTest extends TrainerFixture {
    @Test
    void twoProcessesGiveTheSameBitsWhateverElseTheyTrained() throws Exception {
        Cell cell = Cells.tiny(80, 4, 3000, 5);
        StepTable alone = undisturbed(cell);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.next();
            trainer.send(assignment(Cells.tiny(50, 2, 2000, 6), "other"));
            trainer.untilOutcome();
            trainer.send(assignment(cell, "again"));
            StepTable afterAnother = new StepTable();
            afterAnother.add(trainer.untilOutcome());
            assertThat(afterAnother).isEqualTo(alone);
        }
    }

    @Test
    void killedAtRandomStepsItGoesOnBitIdentically() throws Exception {
        killAndResume(3);
    }

    @Test
    @Tag("nightly")
    void killedTwentyTimesAtRandomStepsItGoesOnBitIdentically() throws Exception {
        killAndResume(20);
    }

    private void killAndResume(int kills) throws Exception {
        // Several epochs, dropout and a divergence window, so that every piece of state counts.
        TrainingRule rule = Cells.rule(3e-3, OptionalInt.empty());
        TrainingRule withDropout = new TrainingRule(
                rule.peakLearningRate(),
                rule.warmupSteps(),
                rule.schedule(),
                rule.beta1(),
                rule.beta2(),
                rule.epsilon(),
                rule.weightDecay(),
                rule.gradientClip(),
                0.1,
                rule.initialStandardDeviation(),
                rule.mupBaseWidth(),
                rule.earlyStopping(),
                rule.divergence());
        Cell base = Cells.tiny(100L * (kills + 1), 4, 3000, 7);
        Cell cell = Cells.of(
                base.shape(),
                base.data(),
                withDropout,
                new EvaluationRule(25, 512, List.of(ShardManifest.VALIDATION)),
                7);
        StepTable expected = undisturbed(cell);

        Random random = new Random(SEED);
        StepTable found = new StepTable();
        Optional<Path> newest = Optional.empty();
        for (int kill = 0; kill < kills; kill++) {
            long reached =
                    found.rows().keySet().stream().mapToLong(step -> step).max().orElse(0);
            long target = Math.min(cell.data().steps() - 1, reached + 1 + random.nextInt(150));
            try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
                // A checkpoint every few steps: some kills hit one being written.
                trainer.send(assignment(cell, kill + 1, "killed", newest, 0.005));
                List<Frame> frames = new ArrayList<>(
                        trainer.until(frame -> frame instanceof Frame.Steps steps && steps.firstStep() >= target));
                trainer.kill();
                frames.addAll(trainer.rest());
                trainer.exitStatus();
                found.add(frames);
            }
            newest = CheckpointDirectory.open(scratch.resolve("killed"), cell).newest();
        }
        assertThat(newest).as("seed %d", SEED).isPresent();
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, kills + 1, "killed", newest, 0));
            List<Frame> frames = trainer.untilOutcome();
            assertThat(((Frame.Started) frames.get(1)).step()).isPositive();
            assertThat(frames).last().isInstanceOf(Frame.Finished.class);
            found.add(frames);
        }
        assertThat(found).as("seed %d", SEED).isEqualTo(expected);
    }

    @Test
    void aBranchOffATrunkIsBitIdenticalToTheCellTrainedAlone() throws Exception {
        Cell trunk = branch(200, 0.2);
        Cell small = branch(60, 0.2);
        Cell middle = branch(125, 0.4);
        // Two batches that the one at the branch is compared with, from one state.
        Cell wide = otherBatch(trunk, 110, 130, 8, 1.4);
        Cell narrow = otherBatch(trunk, 110, 150, 2, 0.7);
        assertThat(List.of(trunk, small, middle, wide, narrow))
                .extracting(Cell::trunk)
                .containsOnly(trunk.trunk());
        assertThat(List.of(trunk.id(), small.id(), middle.id(), wide.id(), narrow.id()))
                .doesNotHaveDuplicates();
        Map<Cell, StepTable> alone = Map.of(
                small, undisturbed(small),
                middle, undisturbed(middle),
                wide, undisturbed(wide),
                narrow, undisturbed(narrow));
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.next();
            Assignment all = assignment(trunk, "trunk");
            trainer.send(new Assignment(
                    all.cell(),
                    1,
                    all.shardDirectory(),
                    all.checkpointDirectory(),
                    Optional.empty(),
                    0,
                    0.005,
                    EVERY_STEP,
                    List.of(small.trunkSteps(), middle.trunkSteps(), wide.trunkSteps()),
                    List.of()));
            List<Frame> trained = trainer.untilOutcome();
            for (Cell cell : List.of(small, wide, narrow, middle)) {
                StepTable table = new StepTable();
                Optional<Path> state = Optional.empty();
                for (Frame frame : trained) {
                    if (state.isEmpty()) {
                        table.add(List.of(frame));
                    }
                    if (frame instanceof Frame.Checkpoint checkpoint && checkpoint.step() == cell.trunkSteps()) {
                        state = Optional.of(Path.of(checkpoint.file()));
                    }
                }
                trainer.send(assignment(cell, 1, "branch", state, 0));
                List<Frame> branch = trainer.untilOutcome();
                assertThat(((Frame.Started) branch.get(0)).step()).isEqualTo(cell.trunkSteps());
                table.add(branch);
                assertThat(table).isEqualTo(alone.get(cell));
            }
            // Beyond its own cooldown a cell has nothing to give.
            Optional<Path> cooled =
                    CheckpointDirectory.open(scratch.resolve("branch"), middle).newest();
            assertThat(failed(trainer, assignment(trunk, 1, "c", cooled, 0)).message())
                    .contains(" is of cell " + middle.id() + ", not of " + trunk.id());
        }
    }

    private static Cell otherBatch(Cell trunk, long at, long steps, int sequences, double rateFactor) {
        DataRule data = trunk.data();
        return trunk.reading(new DataRule(
                data.corpusHash(),
                steps,
                sequences,
                data.uniqueTokens(),
                Optional.empty(),
                Optional.of(new Branch(at, data.batchSequences(), rateFactor))));
    }

    private static Cell branch(long steps, double cooldown) {
        Cell base = Cells.tiny(steps, 4, 3000, 9);
        return Cells.of(
                base.shape(),
                base.data(),
                Cells.rule(3e-3, OptionalInt.empty()).with(new Schedule.SharedTrunk(cooldown)),
                base.evaluation(),
                9);
    }

    @Test
    void askedToStopItWritesACheckpointAndGoesOnFromItBitIdentically() throws Exception {
        Cell cell = Cells.tiny(20_000, 4, 3000, 8);
        StepTable found = new StepTable();
        Path checkpoint;
        long stoppedAt;
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, "stopped"));
            found.add(trainer.until(frame -> frame instanceof Frame.Steps steps && steps.firstStep() >= 37));
            trainer.terminate();
            List<Frame> frames = trainer.untilOutcome();
            found.add(frames);
            Frame.Interrupted interrupted = (Frame.Interrupted) frames.get(frames.size() - 1);
            Frame.Checkpoint written = (Frame.Checkpoint) frames.get(frames.size() - 2);
            assertThat(written.step()).isEqualTo(interrupted.step());
            stoppedAt = interrupted.step();
            checkpoint = Path.of(written.file());
            assertThat(trainer.exitStatus()).isEqualTo(143);
        }
        assertThat(found.rows()).hasSize(Math.toIntExact(stoppedAt));
        long compared = stoppedAt + 30;
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, 2, "stopped", Optional.of(checkpoint), 0));
            found.add(trainer.until(frame -> frame instanceof Frame.Steps steps && steps.firstStep() >= compared));
        }
        StepTable expected = new StepTable();
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, "undisturbed"));
            expected.add(trainer.until(frame -> frame instanceof Frame.Steps steps && steps.firstStep() >= compared));
        }
        for (long step = 1; step <= compared; step++) {
            assertThat(found.rows().get(step))
                    .as("step %d", step)
                    .isEqualTo(expected.rows().get(step));
        }
    }
}
