package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.checkpoint.WeightsExport;
import dev.powersweep.worker.data.EvaluationWindows;
import dev.powersweep.worker.data.Shard;
import dev.powersweep.worker.data.ShardFixture;
import dev.powersweep.worker.data.ShardStore;
import dev.powersweep.worker.data.TrainingWindows;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.StepRecord;
import dev.powersweep.worker.train.TrainingSession;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whole runs against PyTorch in double precision from the same weights on the same batches. The golden files are made by
 * {@code src/test/python/torch_peer.py train cell.json weights.npz batches.npz NAME.json --double} from what this test
 * writes below the directory that the variable {@value #INPUTS} names.
 */
class PyTorchAgreementTest {
    private static final String INPUTS = "TORCH_INPUTS";
    private static final int STEPS = 20;

    /** The two ends of the range of choices. */
    enum Golden {
        GPT2(
                ModelShape.gpt(2, 32, 2, 16, 256),
                new TrainingRule(
                        3e-3,
                        5,
                        new Schedule.Cosine(0.1),
                        0.9,
                        0.95,
                        1e-8,
                        0.1,
                        1.0,
                        0,
                        0.02,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT)),
        ROTARY(
                new ModelShape(
                        2,
                        48,
                        3,
                        100,
                        16,
                        256,
                        Activation.SQUARED_RELU,
                        Positions.ROTARY,
                        Normalization.RMS_NORM,
                        Embeddings.UNTIED),
                new TrainingRule(
                        1e-2,
                        0,
                        new Schedule.Linear(0.2),
                        0.8,
                        0.9,
                        1e-6,
                        0.3,
                        0.2,
                        0,
                        0.05,
                        OptionalInt.of(16),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT));

        final Cell cell;

        Golden(ModelShape shape, TrainingRule rule) {
            cell = Cells.of(
                    shape,
                    new DataRule(ShardFixture.CORPUS, STEPS, 4, 3000),
                    rule,
                    new EvaluationRule(STEPS, 512, List.of(ShardManifest.VALIDATION)),
                    0);
        }

        String file() {
            return "torch-" + name().toLowerCase(Locale.ROOT) + ".json";
        }
    }

    @TempDir
    Path scratch;

    private Shard shard;

    @BeforeEach
    void writeShard() {
        ShardFixture.words(scratch, 1, 20_000, 2_000);
        shard = new ShardStore().open(scratch);
    }

    @ParameterizedTest
    @EnumSource
    void fastKernelsTakeTheStepsThatPyTorchTakes(Golden golden) throws Exception {
        if (System.getenv(INPUTS) != null) {
            writeInputs(golden.cell, Path.of(System.getenv(INPUTS), golden.name()));
        }
        JsonNode expected;
        try (InputStream file = PyTorchAgreementTest.class.getResourceAsStream(golden.file())) {
            expected = new ObjectMapper().readTree(file);
        }
        assertThat(expected.get("loss")).hasSize(STEPS);
        try (TrainingSession session = open(golden.cell)) {
            for (int i = 0; i < STEPS; i++) {
                StepRecord step = session.step();
                double norm = expected.get("gradientNorm").get(i).doubleValue();
                assertThat(step.loss())
                        .as("loss of step %d", i + 1)
                        .isCloseTo(expected.get("loss").get(i).doubleValue(), within(2e-5));
                assertThat(step.gradientNorm())
                        .as("gradient norm of step %d", i + 1)
                        .isCloseTo(norm, within(2e-4 * norm));
            }
            EvaluationWindows held = EvaluationWindows.of(golden.cell, shard, ShardManifest.VALIDATION);
            EvaluationResult result = session.evaluate(held, held.tokens());
            JsonNode last = expected.get("evaluations").get(0);
            assertThat(last.get("step").intValue()).isEqualTo(STEPS);
            assertThat(result.loss())
                    .isCloseTo(last.get(ShardManifest.VALIDATION).doubleValue(), within(2e-5));
            // It has learned: a test of steps that change nothing would be none.
            assertThat(result.loss()).isLessThan(expected.get("loss").get(0).doubleValue() - 1);
        }
    }

    private TrainingSession open(Cell cell) {
        return TrainingSession.create(cell, TrainingWindows.of(cell, shard), KernelChoice.FAST, 0);
    }

    private void writeInputs(Cell cell, Path directory) throws Exception {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("cell.json"), CellJson.line(cell));
        BatchesExport.write(cell, shard, STEPS, directory.resolve("batches.npz"));
        try (TrainingSession session = open(cell)) {
            WeightsExport.write(session.layout(), session.state().parameters(), directory.resolve("weights.npz"));
        }
    }
}
