package dev.powersweep.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.model.RandomStream;
import dev.powersweep.worker.network.KernelSets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Whole steps whose products take bfloat16 factors, on processors that multiply them. */
class Bfloat16TrainingTest {

    private static final int CONTEXT = 16;
    private static final int VOCABULARY = 23;
    private static final int STEPS = 15;

    /** Each token follows from the one before it, one time in four by chance. */
    private static final BatchSource WORDS = (step, inputs, targets) -> {
        for (int i = 0; i < inputs.length; i += CONTEXT) {
            int token = (int) (RandomStream.bits(step, i) >>> 40) % VOCABULARY;
            for (int t = i; t < i + CONTEXT; t++) {
                inputs[t] = token;
                long chance = RandomStream.bits(step, 1_000_000L + t) >>> 40;
                token = (int) (chance % 4 == 0 ? chance / 4 : 5L * token + 1) % VOCABULARY;
                targets[t] = token;
            }
        }
    };

    private static Cell cell(Precision precision, double dropout) {
        TrainingRule rule = new TrainingRule(
                3e-3,
                5,
                new Schedule.Cosine(0.1),
                0.9,
                0.95,
                1e-8,
                0.1,
                1,
                dropout,
                0.02,
                OptionalInt.empty(),
                OptionalInt.empty(),
                TrainingRule.Divergence.DEFAULT);
        return new Cell(
                ModelShape.gpt(2, 32, 2, CONTEXT, VOCABULARY),
                new DataRule("words", STEPS, 4, 10_000),
                rule.with(precision),
                new EvaluationRule(10, 1000, List.of("validation")),
                1);
    }

    private static TrainingSession open(Precision precision, double dropout) {
        assumeTrue(
                KernelSets.objection(KernelChoice.FAST, precision).isEmpty(),
                "this processor has neither AVX512-BF16 nor AMX");
        return TrainingSession.create(cell(precision, dropout), WORDS, KernelChoice.FAST, 0);
    }

    private static List<StepRecord> train(TrainingSession session, int steps) throws DivergenceException {
        List<StepRecord> records = new ArrayList<>();
        for (int step = 0; step < steps; step++) {
            records.add(session.step());
        }
        return records;
    }

    @Test
    void lossesStayCloseToThoseOfFloat32() throws Exception {
        try (TrainingSession wide = open(Precision.FLOAT32, 0);
                TrainingSession narrow = open(Precision.BFLOAT16, 0)) {
            assertThat(wide.kernels()).doesNotContain("bfloat16");
            assertThat(narrow.kernels()).contains("bfloat16 products by A");
            // Initial weights follow from a hash of the cell, to which the precision belongs.
            narrow.restore(wide.state());
            List<StepRecord> expected = train(wide, STEPS);
            List<StepRecord> records = train(narrow, STEPS);
            assertThat(expected.get(STEPS - 1).loss())
                    .isLessThan(expected.get(0).loss() - 0.3);
            for (int step = 0; step < STEPS; step++) {
                assertThat(records.get(step).loss())
                        .as("step %d", step + 1)
                        .isCloseTo(expected.get(step).loss(), within(1e-3));
            }
            assertThat(records.get(0).loss()).isNotEqualTo(expected.get(0).loss());
            assertThat(records.get(0).gradientNorm())
                    .isCloseTo(
                            expected.get(0).gradientNorm(),
                            within(1e-2 * expected.get(0).gradientNorm()))
                    .isNotEqualTo(expected.get(0).gradientNorm());
        }
    }

    /** The state holds single precision; what is rounded of it is made anew. */
    @Test
    void aResumedRunGoesOnWithTheSameBits() throws Exception {
        try (TrainingSession whole = open(Precision.BFLOAT16, 0.1);
                TrainingSession second = open(Precision.BFLOAT16, 0.1)) {
            train(whole, 3);
            second.restore(whole.state());
            assertThat(train(second, 2)).isEqualTo(train(whole, 2));
            assertThat(second.state()).isEqualTo(whole.state());
        }
    }

    @Test
    void thePortableKernelsRefuseInPlaceOfTrainingInOtherNumbers() {
        assertThatThrownBy(() -> TrainingSession.create(cell(Precision.BFLOAT16, 0), WORDS, KernelChoice.PORTABLE, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the portable kernels multiply in float32 alone");
    }
}
