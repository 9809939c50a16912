package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Branch;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.data.ShardFixture;
import dev.powersweep.worker.data.ShardStore;
import dev.powersweep.worker.gpu.EmulatedDevice;
import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** A trainer's run on the engine for cards, with an emulated one, beside the same run on the CPU. */
class CardTrainingTest extends TrainerFixture {

    private static final long STEPS = 24;

    /** Evaluated at steps 10, 20 and 24. */
    private static final Cell CELL = Cells.tiny(STEPS, 4, 10_000, 3);

    private static final TrainingPlace CPU = new TrainingPlace.Network(KernelChoice.FAST);

    private static List<Frame> run(TrainingPlace place, Assignment assignment) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        FrameWriter writer = new FrameWriter(out);
        writer.write(new CellRun(assignment, new ShardStore(), place, writer, StopSignal.ofProcess()).run());
        return out.toString(StandardCharsets.UTF_8)
                .lines()
                .map(line -> CellJson.read(line, Frame.class))
                .toList();
    }

    private static List<Frame> onCard(Assignment assignment) {
        try (EmulatedDevice device = new EmulatedDevice(Threads.BACKWARDS)) {
            return run(new TrainingPlace.Card(device), assignment);
        }
    }

    private Assignment with(
            Cell cell, String checkpoints, Optional<Path> resume, List<Long> branches, List<String> ears) {
        return new Assignment(
                cell,
                1,
                shards.toString(),
                scratch.resolve(checkpoints).toString(),
                resume.map(Path::toString),
                0,
                0,
                EVERY_STEP,
                branches,
                ears);
    }

    private static <F extends Frame> List<F> of(List<Frame> frames, Class<F> type) {
        return frames.stream().filter(type::isInstance).map(type::cast).toList();
    }

    private static StepTable table(List<Frame> frames) throws Exception {
        StepTable table = new StepTable();
        table.add(frames);
        return table;
    }

    @Test
    void theRunIsTheCpusInRoundingAlone() throws Exception {
        List<Frame> expected = run(CPU, assignment(CELL, "cpu"));
        List<Frame> frames = onCard(assignment(CELL, "card"));
        assertThat(frames).first().isInstanceOf(Frame.Started.class);
        Frame.Finished finished = (Frame.Finished) frames.get(frames.size() - 1);
        assertThat(finished.step()).isEqualTo(STEPS);
        assertThat(finished.finalTrainingLoss())
                .isCloseTo(((Frame.Finished) expected.get(expected.size() - 1)).finalTrainingLoss(), within(1e-5));
        assertThat(table(frames).rows()).hasSize((int) STEPS);
        List<Frame.Evaluation> evaluations = of(frames, Frame.Evaluation.class);
        List<Frame.Evaluation> those = of(expected, Frame.Evaluation.class);
        assertThat(evaluations).extracting(Frame.Evaluation::step).containsExactly(10L, 20L, 24L);
        for (int i = 0; i < those.size(); i++) {
            assertThat(evaluations.get(i).loss()).isCloseTo(those.get(i).loss(), within(1e-5));
            assertThat(evaluations.get(i).tokens()).isEqualTo(those.get(i).tokens());
        }
    }

    /** A trunk's checkpoint from one device is where the other goes on; and steps do not run past a branch. */
    @Test
    void eachDeviceGoesOnFromTheOthersCheckpoint() throws Exception {
        for (boolean first : new boolean[] {true, false}) {
            String name = first ? "from-card" : "from-cpu";
            Assignment trunk = with(CELL, name, Optional.empty(), List.of(7L, 13L), List.of());
            List<Frame> whole = first ? onCard(trunk) : run(CPU, trunk);
            List<Frame.Checkpoint> checkpoints = of(whole, Frame.Checkpoint.class);
            assertThat(checkpoints).extracting(Frame.Checkpoint::step).containsExactly(7L, 13L, 24L);
            Assignment rest = with(
                    CELL, name + "-rest", Optional.of(Path.of(checkpoints.get(1).file())), List.of(), List.of());
            List<Frame> resumed = first ? run(CPU, rest) : onCard(rest);
            assertThat(((Frame.Started) resumed.get(0)).step()).isEqualTo(13);
            assertThat(((Frame.Finished) resumed.get(resumed.size() - 1)).finalTrainingLoss())
                    .isCloseTo(((Frame.Finished) whole.get(whole.size() - 1)).finalTrainingLoss(), within(1e-5));
        }
    }

    @Test
    void aCellThatDivergesEndsAtTheSameStep() throws Exception {
        TrainingRule rule = CELL.training();
        Cell wild = new Cell(
                CELL.shape(),
                CELL.data(),
                new TrainingRule(
                        30,
                        0,
                        rule.schedule(),
                        rule.beta1(),
                        rule.beta2(),
                        rule.epsilon(),
                        0,
                        0,
                        0,
                        rule.initialStandardDeviation(),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        new TrainingRule.Divergence(1, 2)),
                new EvaluationRule(10, 64, List.of(ShardManifest.VALIDATION)),
                4);
        Frame.Outcome expected = last(run(CPU, assignment(wild, "wild-cpu")));
        Frame.Outcome outcome = last(onCard(assignment(wild, "wild-card")));
        assertThat(expected).isInstanceOf(Frame.Diverged.class);
        assertThat(outcome).isInstanceOf(Frame.Diverged.class);
        assertThat(outcome.step()).isEqualTo(expected.step());
    }

    @Test
    void productsAreMadeInTheNumbersThatTheCellAsksFor() throws Exception {
        for (Precision precision : Precision.values()) {
            try (EmulatedDevice device = new EmulatedDevice(Threads.BACKWARDS)) {
                List<Frame> frames = run(new TrainingPlace.Card(device), assignment(in(precision), precision.word()));
                assertThat(last(frames)).isInstanceOf(Frame.Finished.class);
                assertThat(device.multiplied()).containsExactly(precision);
            }
        }
    }

    @Test
    void aCpuRefusesNumbersThatItDoesNotMultiply() throws Exception {
        TrainingPlace portable = new TrainingPlace.Network(KernelChoice.PORTABLE);
        assertThat(refusal(portable, Precision.BFLOAT16))
                .isEqualTo(
                        "training.precision = bfloat16 needs a GPU of compute capability 8.0 or more and PowerSweep's"
                                + " kernels for it, or a CPU with AVX512-BF16 or AMX; here the portable kernels multiply in"
                                + " float32 alone");
        assertThat(refusal(CPU, Precision.TF32))
                .isEqualTo("training.precision = tf32 needs a GPU of compute capability 8.0 or more and PowerSweep's"
                        + " kernels for it; here no CPU multiplies such numbers");
    }

    private String refusal(TrainingPlace place, Precision precision) {
        Frame.Failed refused = (Frame.Failed) last(run(place, assignment(in(precision), "refused")));
        assertThat(refused.failure()).isEqualTo(FailureClass.UNSUPPORTED_DEVICE);
        return refused.message();
    }

    /** Four steps. */
    private static Cell in(Precision precision) {
        Cell cell = Cells.tiny(4, 4, 10_000, 3);
        return new Cell(cell.shape(), cell.data(), cell.training().with(precision), cell.evaluation(), cell.seed());
    }

    @Test
    void whatTheEngineCannotDoIsBadInput() {
        Frame.Failed listener = (Frame.Failed)
                last(onCard(with(CELL, "ears", Optional.empty(), List.of(), List.of("com.example.Listener"))));
        assertThat(listener.failure()).isEqualTo(FailureClass.BAD_INPUT);
        assertThat(listener.message())
                .contains("run.listeners names com.example.Listener")
                .contains("resources.gpus: 0");
        Cell wide = Cells.of(ModelShape.gpt(1, 512, 1, 8, 256), new DataRule(ShardFixture.CORPUS, 2, 2, 1000), 1);
        Frame.Failed head = (Frame.Failed) last(onCard(assignment(wide, "wide")));
        assertThat(head.failure()).isEqualTo(FailureClass.BAD_INPUT);
        assertThat(head.message()).contains("heads of width 512");
        DataRule growing = new DataRule(
                ShardFixture.CORPUS, 4, 2, 1000, Optional.of(new BatchWarmup(List.of(new BatchWarmup.Stage(1, 1, 1)))));
        Cell warmed = Cells.of(ModelShape.gpt(1, 16, 1, 8, 256), growing, 1);
        List<Frame> frames = onCard(assignment(warmed, "warmed"));
        Frame.Failed batches = (Frame.Failed) last(frames);
        assertThat(batches.failure()).isEqualTo(FailureClass.BAD_INPUT);
        assertThat(batches.message())
                .contains("training.batchWarmup begins with batches of 1 sequences, and on GPUs every step has the same"
                        + " batch, 2; train on CPUs (resources.gpus: 0) or without training.batchWarmup");
        assertThat(frames).noneMatch(Frame.Steps.class::isInstance);
        DataRule branched =
                new DataRule(ShardFixture.CORPUS, 4, 4, 1000, Optional.empty(), Optional.of(new Branch(2, 2, 1)));
        Cell branch = Cells.of(
                ModelShape.gpt(1, 16, 1, 8, 256),
                branched,
                warmed.training().with(new Schedule.SharedTrunk(0.2)),
                warmed.evaluation(),
                1);
        assertThat(((Frame.Failed) last(onCard(assignment(branch, "branch")))).message())
                .contains(
                        "grid.branches goes from batches of 2 to 4 sequences, and on GPUs every step has the same batch;"
                                + " train on CPUs (resources.gpus: 0) or without grid.branches");
    }

    private static Frame.Outcome last(List<Frame> frames) {
        return (Frame.Outcome) frames.get(frames.size() - 1);
    }
}
