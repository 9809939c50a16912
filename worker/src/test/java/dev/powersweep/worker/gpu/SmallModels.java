package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.gpu.CellGroup.Run;
import dev.powersweep.worker.model.RandomStream;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.EvaluationSource;
import java.util.List;
import java.util.OptionalInt;

/** Cells small enough for an emulated device, and text for them. */
final class SmallModels {

    /** Of a run. */
    static final int STEPS = 20;

    private SmallModels() {}

    /** Models that share no choice. */
    enum Options {
        GPT(ModelShape.gpt(2, 24, 2, 18, 37), 4, 0, false),
        /** With heads for tensor cores. */
        FLASH(ModelShape.gpt(1, 32, 2, 18, 37), 4, 0, false),
        /** Two passes in each of two micro-batches. */
        EVERYTHING_ELSE(
                new ModelShape(
                        1,
                        32,
                        4,
                        50,
                        20,
                        41,
                        Activation.SQUARED_RELU,
                        Positions.ROTARY,
                        Normalization.RMS_NORM,
                        Embeddings.UNTIED),
                8,
                2,
                true);

        final ModelShape shape;
        private final int batch;
        final int pass;
        final boolean mup;

        Options(ModelShape shape, int batch, int pass, boolean mup) {
            this.shape = shape;
            this.batch = batch;
            this.pass = pass;
            this.mup = mup;
        }

        Cell cell(int replicate, double dropout) {
            return new Cell(
                    shape,
                    new DataRule("words", STEPS, batch, 10_000),
                    new TrainingRule(
                            1e-2 / replicate,
                            3,
                            new Schedule.Cosine(0.1),
                            0.9,
                            0.95,
                            1e-8,
                            0.1 * replicate,
                            0.5,
                            dropout,
                            0.02 * replicate,
                            mup ? OptionalInt.of(16) : OptionalInt.empty(),
                            OptionalInt.empty(),
                            TrainingRule.Divergence.DEFAULT),
                    new EvaluationRule(4, 1000, List.of("validation")),
                    replicate);
        }
    }

    /** A chain with chance in it. */
    record Words(ModelShape shape, long seed) implements BatchSource, EvaluationSource {
        @Override
        public void batch(long step, int[] inputs, int[] targets) {
            for (int i = 0; i < inputs.length; i += shape.context()) {
                fill(RandomStream.key(seed, "words", step, i), inputs, targets, i);
            }
        }

        @Override
        public int sequences() {
            return 7;
        }

        @Override
        public void sequence(int index, int[] inputs, int[] targets, int offset) {
            fill(RandomStream.key(4, "words", index, 0), inputs, targets, offset);
        }

        private void fill(long key, int[] inputs, int[] targets, int offset) {
            int token = (int) Long.remainderUnsigned(key, shape.vocabulary());
            for (int i = 0; i < shape.context(); i++) {
                inputs[offset + i] = token;
                long chance = RandomStream.bits(key, i) >>> 1;
                token = (int) ((token * 5L + 3 + (chance % 4 == 0 ? chance / 4 % 9 : 0)) % shape.vocabulary());
                targets[offset + i] = token;
            }
        }
    }

    static Run run(Options options, int replicate, double dropout) {
        return new Run(options.cell(replicate, dropout), new Words(options.shape, replicate));
    }
}
