package dev.powersweep.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.Parametrisation;
import dev.powersweep.worker.model.RandomStream;
import dev.powersweep.worker.model.Transformer;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The two gradient norms of a step against a gradient distribution that is known exactly: sequences are drawn with
 * replacement from a handful, so that mean and covariance of a sequence's gradient are finite sums, taken here by the
 * portable kernels in double precision. McCandlish et al. 2018, appendix A.1: E|G_B|² = |G|² + tr(Σ)/B.
 */
class NoiseScaleTest {
    private static final long SEED = Long.getLong("test.seed", 20260101);
    private static final int CONTEXT = 4;
    private static final int KINDS = 6;
    private static final int STEPS = 6000;
    /** Standard errors that an unbiased estimate may be off. */
    private static final double BOUND = 4.5;

    private final int[][] inputs = new int[KINDS][CONTEXT];
    private final int[][] targets = new int[KINDS][CONTEXT];

    NoiseScaleTest() {
        Random random = new Random(SEED);
        for (int kind = 0; kind < KINDS; kind++) {
            // Mostly the same targets, so that the mean gradient is no smaller than its noise.
            for (int i = 0; i < CONTEXT; i++) {
                inputs[kind][i] = random.nextInt(11);
                targets[kind][i] = random.nextInt(4) == 0 ? random.nextInt(11) : i;
            }
        }
    }

    /** A learning rate too small to move any weight but those at 0, and these by nothing that counts. */
    private static Cell cell(int batch) {
        return new Cell(
                ModelShape.gpt(1, 8, 2, CONTEXT, 11),
                new DataRule("drawn", STEPS, batch, 10_000),
                new TrainingRule(
                        1e-30,
                        0,
                        new Schedule.Constant(),
                        0.9,
                        0.95,
                        1e-8,
                        0,
                        0,
                        0,
                        0.5,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT),
                new EvaluationRule(STEPS, 100, List.of("validation")),
                1);
    }

    private void drawn(long step, int[] batchInputs, int[] batchTargets) {
        for (int row = 0; row * CONTEXT < batchInputs.length; row++) {
            int kind = (int) Long.remainderUnsigned(RandomStream.bits(SEED ^ step << 20, row), KINDS);
            System.arraycopy(inputs[kind], 0, batchInputs, row * CONTEXT, CONTEXT);
            System.arraycopy(targets[kind], 0, batchTargets, row * CONTEXT, CONTEXT);
        }
    }

    /** |G|² and tr(Σ). */
    private record Truth(double gradientSquare, double covarianceTrace) {}

    private Truth truth(Cell cell, ByteBuffer parameters) {
        try (Kernels kernels = new Nd4jKernels(DataType.DOUBLE)) {
            ParameterLayout layout = new ParameterLayout(cell.shape());
            Span weights = kernels.allocate(layout.length());
            Span gradients = kernels.allocate(layout.length());
            for (int i = 0; i < layout.length(); i++) {
                weights.set(i, parameters.getFloat(i * Float.BYTES));
            }
            Transformer transformer = new Transformer(
                    kernels, layout, Parametrisation.of(cell.shape(), cell.training()), weights, gradients, 1, 0);
            transformer.refresh();
            double[] mean = new double[(int) layout.length()];
            double meanSquare = 0;
            for (int kind = 0; kind < KINDS; kind++) {
                kernels.zero(gradients);
                transformer.train(inputs[kind], targets[kind], 0, 1, 1f / CONTEXT, 0, new double[CONTEXT]);
                for (int i = 0; i < mean.length; i++) {
                    double g = gradients.get(i);
                    mean[i] += g / KINDS;
                    meanSquare += g * g / KINDS;
                }
            }
            double square = 0;
            for (double g : mean) {
                square += g * g;
            }
            return new Truth(square, meanSquare - square);
        }
    }

    @ParameterizedTest
    @CsvSource({"8, 2", "8, 1", "12, 4", "2, 0"})
    void bothNormsRecoverTheGradientAndTheTraceOfItsCovariance(int batch, int microBatch) throws Exception {
        Cell cell = cell(batch);
        try (TrainingSession session = TrainingSession.create(cell, this::drawn, KernelChoice.FAST, microBatch)) {
            Truth truth = truth(cell, session.state().parameters());
            int small = session.microBatchSequences();
            Mean gradientSquare = new Mean();
            Mean covarianceTrace = new Mean();
            Mean ofSmall = new Mean();
            for (int i = 0; i < STEPS; i++) {
                StepRecord step = session.step();
                double big = step.gradientSquareBig();
                ofSmall.add(step.gradientSquareSmall());
                gradientSquare.add((batch * big - small * step.gradientSquareSmall()) / (batch - small));
                covarianceTrace.add((step.gradientSquareSmall() - big) / (1.0 / small - 1.0 / batch));
            }
            // Sharp enough to tell tr(Σ) from, say, the biased tr(Σ)·(1 − 1/batch).
            assertThat(covarianceTrace.error() / truth.covarianceTrace()).isLessThan(0.02);
            assertThat(gradientSquare.error() / truth.gradientSquare()).isLessThan(0.03);
            assertThat(gradientSquare.mean())
                    .as("|G|², seed %d", SEED)
                    .isCloseTo(truth.gradientSquare(), within(BOUND * gradientSquare.error()));
            assertThat(covarianceTrace.mean())
                    .as("tr(Σ), seed %d", SEED)
                    .isCloseTo(truth.covarianceTrace(), within(BOUND * covarianceTrace.error()));
            assertThat(ofSmall.mean())
                    .as("E|G_small|², seed %d", SEED)
                    .isCloseTo(
                            truth.gradientSquare() + truth.covarianceTrace() / small, within(BOUND * ofSmall.error()));
        }
    }

    /** A mean with its standard error. */
    private static final class Mean {
        private int count;
        private double sum;
        private double squares;

        void add(double value) {
            count++;
            sum += value;
            squares += value * value;
        }

        double mean() {
            return sum / count;
        }

        double error() {
            return Math.sqrt((squares / count - mean() * mean()) / (count - 1));
        }
    }
}
