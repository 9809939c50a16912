package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.TrainerCommand;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.checkpoint.CheckpointFile;
import dev.powersweep.worker.checkpoint.Progress;
import dev.powersweep.worker.checkpoint.Section;
import dev.powersweep.worker.data.ShardStore;
import dev.powersweep.worker.data.TrainingWindows;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.shard.ShardManifest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Real processes, as a supervisor runs them. */
class TrainerProcessTest extends TrainerFixture {
    @Test
    void servesOneCellAfterTheOtherAndEndsWithItsInput() throws Exception {
        Cell first = Cells.tiny(60, 4, 4000, 0);
        Cell second = Cells.of(ModelShape.gpt(1, 32, 4, 16, 256), first.data(), 1);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            Frame.Ready ready = (Frame.Ready) trainer.next();
            assertThat(ready.pid()).isEqualTo(trainer.pid());
            assertThat(ready.backend()).isEqualTo("cpu");
            assertThat(ready.threads()).isEqualTo(1);
            assertThat(ready.provenance())
                    .containsEntry("dl4j", "1.0.0-M2.1")
                    .containsEntry("openblas", "0.3.19")
                    .containsEntry("onednn", "2.5.2")
                    .containsKeys("java", "os", "cpu", "commit", "powersweep");
            assertThat(ready.provenance().get("commit")).doesNotContain("$");

            trainer.send(assignment(first, "checkpoints"));
            List<Frame> frames = trainer.untilOutcome();
            assertThat(frames.get(0)).isInstanceOf(Frame.Started.class);
            StepTable table = new StepTable();
            table.add(frames);
            assertThat(table.rows().keySet()).hasSize(60).contains(1L, 60L);
            assertThat(table.evaluations().keySet())
                    .containsExactlyInAnyOrder(
                            "10 validation",
                            "20 validation",
                            "30 validation",
                            "40 validation",
                            "50 validation",
                            "60 validation");
            Frame.Finished finished = (Frame.Finished) frames.get(frames.size() - 1);
            assertThat(finished.cell()).isEqualTo(first.id());
            assertThat(finished.step()).isEqualTo(60);
            assertThat(finished.stoppedEarly()).isFalse();
            assertThat(finished.finalEvaluations()).hasSize(1);
            // From the ln 256 = 5.5 nats of a guess: the text has 16 kinds of bytes.
            assertThat(finished.finalEvaluations().get(0).loss()).isLessThan(5.0);
            assertThat(finished.peakMemoryBytes()).isBetween(30L << 20, 1L << 30);
            Frame.Checkpoint checkpoint = (Frame.Checkpoint) frames.get(frames.size() - 2);
            assertThat(checkpoint.step()).isEqualTo(60);
            assertThat(CheckpointFile.open(Path.of(checkpoint.file())).header().cell())
                    .isEqualTo(first);

            trainer.send(assignment(second, "checkpoints"));
            assertThat(trainer.untilOutcome()).last().isInstanceOf(Frame.Finished.class);
            trainer.endInput();
            assertThat(trainer.exitStatus()).isZero();
        }
    }

    @Test
    void anIdleTrainerAskedToStopEndsAtOnce() throws Exception {
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            assertThat(trainer.next()).isInstanceOf(Frame.Ready.class);
            trainer.terminate();
            assertThat(trainer.exitStatus()).isEqualTo(143);
        }
    }

    @Test
    void whatCannotBeTrainedFailsInOneSentenceAndTheNextCellIsStillTrained() throws Exception {
        Cell sound = Cells.tiny(12, 2, 1000, 0);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.next();

            trainer.sendLine("{\"cell\": 1}");
            Frame.Failed nonsense = (Frame.Failed) trainer.next();
            assertThat(nonsense.cell()).isEqualTo(Failures.UNKNOWN_CELL);
            assertThat(nonsense.failure()).isEqualTo(FailureClass.BAD_INPUT);
            assertThat(nonsense.message()).startsWith("The line is not a valid Assignment: cell: ");

            Frame.Failed tooLong = failed(trainer, assignment(Cells.tiny(12, 2, 20_001, 0), "c"));
            assertThat(tooLong.failure()).isEqualTo(FailureClass.BAD_INPUT);
            assertThat(tooLong.message())
                    .isEqualTo("data.uniqueTokens = 20001 is more than the 20000 training tokens of the shard in "
                            + shards + "; lower it or add text.");

            Path foreign = Files.writeString(scratch.resolve("notes.txt"), "these are no weights at all, but a note");
            Frame.Failed notOurs = failed(trainer, assignment(sound, 1, "c", Optional.of(foreign), 0));
            assertThat(notOurs.failure()).isEqualTo(FailureClass.BAD_INPUT);
            assertThat(notOurs.message())
                    .isEqualTo(foreign + " is not a checkpoint of a trainer; give a file that a trainer wrote.");

            Path blocked = Files.writeString(scratch.resolve("blocked"), "a file where a directory should be");
            Frame.Failed unwritable = failed(trainer, assignment(sound, "blocked/below"));
            assertThat(unwritable.failure()).isEqualTo(FailureClass.IO);
            assertThat(unwritable.message())
                    .startsWith("The checkpoint directory " + blocked.resolve("below") + " cannot be used: ");

            trainer.send(assignment(sound, "c"));
            List<Frame> frames = trainer.untilOutcome();
            assertThat(frames).last().isInstanceOf(Frame.Finished.class);

            Path good = Path.of(((Frame.Checkpoint) frames.get(frames.size() - 2)).file());
            byte[] bytes = Files.readAllBytes(good);
            Path cut = Files.write(scratch.resolve("cut.ckpt"), Arrays.copyOf(bytes, bytes.length / 2));
            Frame.Failed truncated = failed(trainer, assignment(sound, 2, "c", Optional.of(cut), 0));
            assertThat(truncated.failure()).isEqualTo(FailureClass.IO);
            assertThat(truncated.message()).startsWith("The checkpoint " + cut + " is truncated or damaged: ");
            assertThat(truncated.detail()).contains("CheckpointException");
        }
    }

    @Test
    void aModelBeyondTheCapFailsForMemoryAndLeavesTheProcessAlive() throws Exception {
        Cell base = Cells.tiny(2, 2, 1000, 0);
        // 16 bytes a parameter for 57 M of them.
        Cell large = Cells.of(ModelShape.gpt(8, 768, 8, 8, 256), base.data(), 0);
        TrainerCommand.Resources little =
                new TrainerCommand.Resources(1, 64L << 20, Optional.empty(), Optional.empty());
        try (TrainerProcess trainer = TrainerProcess.start(scratch, little, "serve")) {
            trainer.next();
            Frame.Failed failed = failed(trainer, assignment(large, "c"));
            assertThat(failed.failure()).as(failed.detail()).isEqualTo(FailureClass.HOST_MEMORY);
            trainer.endInput();
            assertThat(trainer.exitStatus()).isZero();
        }
    }

    /** A host with a full disk is no device that does not suit the cell, which another host can train. */
    @Test
    void librariesThatFindNoRoomAreTheHostsFaultWithThePlaceAndTheRemedy() throws Exception {
        try (TrainerProcess trainer = TrainerProcess.startWithoutRoom(scratch, "serve")) {
            assertThat(trainer.exitStatus()).isEqualTo(1);
            assertThat(trainer.log())
                    .contains("trainer: ND4J cannot start its backend for ")
                    .contains(scratch.resolve("libraries").toString())
                    .containsAnyOf("free some", "delete that if they are damaged");
        }
    }

    @Test
    void aFarTooLargeLearningRateIsADivergenceWithItsStep() throws Exception {
        Cell base = Cells.tiny(400, 2, 1000, 0);
        TrainingRule wild = Cells.rule(1e4, OptionalInt.empty());
        Cell cell = Cells.of(base.shape(), base.data(), wild, base.evaluation(), 0);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, "c"));
            List<Frame> frames = trainer.untilOutcome();
            Frame.Diverged diverged = (Frame.Diverged) frames.get(frames.size() - 1);
            StepTable table = new StepTable();
            table.add(frames);
            assertThat(diverged.step()).isBetween(2L, 399L);
            assertThat(table.rows()).hasSize(Math.toIntExact(diverged.step()));
            assertThat(diverged.reason()).isNotBlank();
        }
    }

    /** It is over before it has been above its bound for a window's length. */
    @Test
    void aRunThatEndsAboveItsBoundHasDiverged() throws Exception {
        Cell base = Cells.tiny(30, 2, 1000, 0);
        Cell cell = Cells.of(base.shape(), base.data(), Cells.rule(30, OptionalInt.empty()), base.evaluation(), 0);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, "c"));
            List<Frame> frames = trainer.untilOutcome();
            StepTable table = new StepTable();
            table.add(frames);
            Frame.Diverged diverged = (Frame.Diverged) frames.get(frames.size() - 1);
            assertThat(diverged.step()).isEqualTo(30);
            assertThat(table.rows()).hasSize(30);
            assertThat(diverged.reason())
                    .matches("evaluation loss .* at the end of the run: above 6\\.5452 nats/token");
        }
    }

    @Test
    void evaluationsThatNoLongerImproveEndTheRunEarly() throws Exception {
        Cell base = Cells.tiny(5000, 4, 200, 0);
        // 200 unique tokens are soon memorised, and the held-out loss rises.
        Cell cell = Cells.of(
                base.shape(),
                base.data(),
                Cells.rule(1e-2, OptionalInt.of(3)),
                new EvaluationRule(50, 1024, List.of(ShardManifest.VALIDATION)),
                0);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, "c"));
            List<Frame> frames = trainer.untilOutcome();
            Frame.Finished finished = (Frame.Finished) frames.get(frames.size() - 1);
            assertThat(finished.stoppedEarly()).isTrue();
            assertThat(finished.step()).isLessThan(5000);
            List<Double> losses = frames.stream()
                    .filter(frame -> frame instanceof Frame.Evaluation)
                    .map(frame -> ((Frame.Evaluation) frame).loss())
                    .toList();
            int best = losses.indexOf(losses.stream().min(Double::compare).orElseThrow());
            assertThat(losses).hasSize(best + 1 + 3);
            // The checkpoint remembers that it stopped: resuming adds nothing.
            Path checkpoint = Path.of(((Frame.Checkpoint) frames.get(frames.size() - 2)).file());
            trainer.send(assignment(cell, 2, "c", Optional.of(checkpoint), 0));
            List<Frame> again = trainer.untilOutcome();
            assertThat(again).hasSize(2);
            assertThat(((Frame.Finished) again.get(1)).finalEvaluations()).isEqualTo(finished.finalEvaluations());
        }
    }

    @Test
    void trainTakesABareCellAndEndsWithItsStatus() throws Exception {
        Cell cell = Cells.tiny(20, 2, 1000, 0);
        Path file = Files.writeString(scratch.resolve("cell.json"), CellJson.line(cell));
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "train", file.toString())) {
            assertThat(trainer.exitStatus()).isEqualTo(Main.EXIT_USAGE);
            assertThat(trainer.log())
                    .contains("trainer: " + file + " holds a bare cell; give --shards DIR, the directory with its"
                            + " shard.json.");
        }
        String checkpoints = scratch.resolve("by-hand").toString();
        try (TrainerProcess trainer = TrainerProcess.start(
                scratch, "train", file.toString(), "--shards", shards.toString(), "--checkpoints", checkpoints)) {
            assertThat(trainer.untilOutcome()).last().isInstanceOf(Frame.Finished.class);
            assertThat(trainer.exitStatus()).isZero();
        }
        try (TrainerProcess trainer = TrainerProcess.start(
                scratch,
                "train",
                file.toString(),
                "--shards=" + shards,
                "--checkpoints=" + checkpoints,
                "--resume=newest")) {
            List<Frame> frames = trainer.untilOutcome();
            assertThat(((Frame.Started) frames.get(1)).step()).isEqualTo(20);
            assertThat(trainer.exitStatus()).isZero();
        }
    }

    @Test
    void weightsAreExportedForNd4jAndNumpy() throws Exception {
        Cell cell = Cells.tiny(20, 2, 1000, 0);
        Path checkpoint;
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, "c"));
            List<Frame> frames = trainer.untilOutcome();
            checkpoint = Path.of(((Frame.Checkpoint) frames.get(frames.size() - 2)).file());
        }
        Map<String, INDArray> initial =
                exported(Files.writeString(scratch.resolve("cell.json"), CellJson.line(cell)), "initial.npz");
        Map<String, INDArray> trained = exported(checkpoint, "trained.npz");
        ParameterLayout layout = new ParameterLayout(cell.shape());
        assertThat(trained.keySet())
                .containsExactlyInAnyOrderElementsOf(layout.tensors().stream()
                        .map(ParameterLayout.Tensor::name)
                        .toList());
        assertThat(initial.keySet()).isEqualTo(trained.keySet());
        ByteBuffer flat =
                ByteBuffer.allocate((int) layout.length() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        CheckpointFile.open(checkpoint).restore(cell, layout, List.of(new Section(Section.PARAMETERS, flat)));
        for (ParameterLayout.Tensor tensor : layout.tensors()) {
            INDArray array = trained.get(tensor.name());
            assertThat(array.shape()).isEqualTo(tensor.shape());
            for (long i = 0; i < tensor.length(); i++) {
                assertThat(array.getFloat(i)).isEqualTo(flat.getFloat((int) (tensor.offset() + i) * Float.BYTES));
            }
        }
        assertThat(initial.get("block.1.feedForwardNorm.gain").meanNumber().floatValue())
                .isEqualTo(1.0f);
        assertThat(trained.get("block.1.feedForwardNorm.gain").meanNumber().floatValue())
                .isNotEqualTo(1.0f);
    }

    /** A checkpoint of somebody else's directory, whose header is quoted where it is refused. */
    @Test
    void whatACheckpointSaysDoesNothingToATerminalAndForgesNoLine() throws Exception {
        Path checkpoint = scratch.resolve("hostile.ckpt");
        CheckpointFile.write(
                checkpoint,
                Cells.tiny(100, 2, 1000, 0),
                40,
                "\u001b]0;owned\u0007\u009b1A\u202e\r\ntrainer: all is well",
                new Progress(OptionalDouble.empty(), 0, 0, OptionalDouble.empty(), List.of()),
                List.of(new Section(Section.PARAMETERS, ByteBuffer.allocate(1 << 17))));
        for (String target : List.of("model.zip", "weights.npz")) {
            String file = scratch.resolve(target).toString();
            try (TrainerProcess trainer = TrainerProcess.start(scratch, "export", checkpoint.toString(), file)) {
                assertThat(trainer.exitStatus()).isEqualTo(Main.EXIT_USAGE);
                assertThat(trainer.log())
                        .contains("]0;owned", "\n  trainer: all is well")
                        .doesNotContain("\ntrainer: all is well");
                assertThat(trainer.log().replace("\n", "")).matches("[^\\p{Cntrl}\\p{Cf}\\u0080-\\u009f]*");
            }
        }
    }

    @Test
    void batchesAreExportedAsTheRunReadsThem() throws Exception {
        Cell cell = Cells.tiny(30, 3, 1000, 0);
        Path file = Files.writeString(scratch.resolve("cell.json"), CellJson.line(cell));
        String weights = scratch.resolve("weights.npz").toString();
        Path batches = scratch.resolve("batches.npz");
        try (TrainerProcess trainer =
                TrainerProcess.start(scratch, "export", file.toString(), weights, "--batches", batches.toString())) {
            assertThat(trainer.exitStatus()).isEqualTo(Main.EXIT_USAGE);
            assertThat(trainer.log()).contains("give --shards DIR, the directory with its shard.json");
        }
        try (TrainerProcess trainer = TrainerProcess.start(
                scratch,
                "export",
                file.toString(),
                weights,
                "--batches=" + batches,
                "--steps=25",
                "--shards=" + shards)) {
            assertThat(trainer.exitStatus()).as(trainer.log()).isZero();
        }
        Map<String, INDArray> arrays = Nd4j.createFromNpzFile(batches.toFile());
        assertThat(arrays.keySet()).containsExactlyInAnyOrder("training", "evaluation.validation");
        int context = cell.shape().context();
        INDArray training = arrays.get("training");
        assertThat(training.shape()).containsExactly(25, 3, context + 1);
        TrainingWindows windows = TrainingWindows.of(cell, new ShardStore().open(shards));
        int[] inputs = new int[3 * context];
        int[] targets = new int[3 * context];
        for (int step = 1; step <= 25; step++) {
            windows.batch(step, inputs, targets);
            for (int i = 0; i < inputs.length; i++) {
                assertThat(training.getInt(step - 1, i / context, i % context)).isEqualTo(inputs[i]);
                assertThat(training.getInt(step - 1, i / context, i % context + 1))
                        .isEqualTo(targets[i]);
            }
        }
        assertThat(arrays.get("evaluation.validation").shape()).containsExactly(64 / context, context + 1);
    }

    private Map<String, INDArray> exported(Path source, String name) throws Exception {
        Path target = scratch.resolve(name);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "export", source.toString(), target.toString())) {
            assertThat(trainer.exitStatus()).as(trainer.log()).isZero();
        }
        return Nd4j.createFromNpzFile(target.toFile());
    }

    @Test
    void aTrainerWhoseReaderIsGoneEndsByItself() throws Exception {
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(Cells.tiny(1_000_000, 2, 1000, 0), "c"));
            trainer.until(frame -> frame instanceof Frame.Steps);
            trainer.hangUp();
            assertThat(trainer.exitStatus()).isEqualTo(Main.EXIT_NOT_FINISHED);
        }
    }

    @Test
    void aBackendThatIsNotThereIsAnErrorAndNeverReplacedByAnother() throws Exception {
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve", "--backend", "cuda")) {
            assertThat(trainer.exitStatus()).isEqualTo(3);
            assertThat(trainer.rest()).isEmpty();
            assertThat(trainer.log()).contains("--backend cuda was asked for, but ND4J started CpuBackend");
        }
    }

    @Test
    void severalCellsAtOnceNeedTheKernelsForCards() throws Exception {
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve", "--cells", "2")) {
            assertThat(trainer.exitStatus()).isEqualTo(3);
            assertThat(trainer.rest()).isEmpty();
            assertThat(trainer.log())
                    .contains("--cells 2 is for GPUs on kernels of our own; train one cell at a time"
                            + " (resources.cellsPerGpu: 1).");
        }
    }
}
