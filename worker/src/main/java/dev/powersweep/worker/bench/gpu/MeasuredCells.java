package dev.powersweep.worker.bench.gpu;

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
import dev.powersweep.worker.train.RingSource;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Cells to measure, on tokens of a chain with chance in it. */
final class MeasuredCells {

    private static final int STEPS = 100_000;
    private static final int RING = 1 << 20;

    private MeasuredCells() {}

    /** A model and batch. */
    record Size(String name, ModelShape shape, int batch, double dropout, boolean mup) {

        /** {@code layers,width,heads,context,batch,vocabulary}, as GPT-2 is built. */
        static Size parse(String text) {
            int[] n = java.util.Arrays.stream(text.split(","))
                    .mapToInt(Integer::parseInt)
                    .toArray();
            return new Size(text, ModelShape.gpt(n[0], n[1], n[2], n[3], n[5]), n[4], 0, false);
        }

        /** @param seed of the cell, and of its rates */
        Run run(long seed) {
            Cell cell = new Cell(
                    shape,
                    new DataRule("chain", STEPS, batch, RING),
                    new TrainingRule(
                            1e-3 * (1 + seed % 3),
                            5,
                            new Schedule.Cosine(0.1),
                            0.9,
                            0.95,
                            1e-8,
                            0.1,
                            1,
                            dropout,
                            0.02,
                            mup ? OptionalInt.of(16) : OptionalInt.empty(),
                            OptionalInt.empty(),
                            TrainingRule.Divergence.DEFAULT),
                    new EvaluationRule(4, 1000, List.of("validation")),
                    (int) seed);
            return new Run(cell, new Chain(shape, batch, seed));
        }

        List<Run> runs(int cells, long firstSeed) {
            List<Run> runs = new ArrayList<>();
            for (int i = 0; i < cells; i++) {
                runs.add(run(firstSeed + i));
            }
            return runs;
        }
    }

    /** Small models that between them have every choice of a specification. */
    static List<Size> options() {
        return List.of(
                new Size("2x64 GPT", ModelShape.gpt(2, 64, 4, 128, 512), 8, 0, false),
                new Size("2x64 GPT, dropout", ModelShape.gpt(2, 64, 4, 128, 512), 8, 0.1, false),
                new Size(
                        "2x96 rotary, RMSNorm, squared ReLU, untied, muP",
                        new ModelShape(
                                2,
                                96,
                                3,
                                200,
                                100,
                                701,
                                Activation.SQUARED_RELU,
                                Positions.ROTARY,
                                Normalization.RMS_NORM,
                                Embeddings.UNTIED),
                        6,
                        0.05,
                        true),
                new Size("1x80 GPT, heads of 40", ModelShape.gpt(1, 80, 2, 65, 257), 4, 0, false));
    }

    /** The next token follows from the last, but for a chance of a quarter; the same for all seeds, windows apart. */
    record Chain(ModelShape shape, int batch, long seed) implements RingSource {

        @Override
        public void batch(long step, int[] inputs, int[] targets) {
            int context = shape.context();
            int[] window = new int[context + 1];
            for (int sequence = 0; sequence < batch; sequence++) {
                ring(start(step, sequence), context + 1, window);
                System.arraycopy(window, 0, inputs, sequence * context, context);
                System.arraycopy(window, 1, targets, sequence * context, context);
            }
        }

        @Override
        public long ringTokens() {
            return RING;
        }

        @Override
        public void ring(long position, int count, int[] to) {
            int block = 64;
            for (int i = 0; i < count; i++) {
                long at = position + i;
                long chance = RandomStream.bits(5, at) >>> 1;
                long place = at % block;
                to[i] = (int) ((chance % 4 == 0 ? chance / 4 : place * place * 7 + place * 3) % shape.vocabulary());
            }
        }

        @Override
        public Object tokens() {
            return shape.vocabulary();
        }

        @Override
        public long start(long step, int sequence) {
            long key = RandomStream.key(seed, "windows", step, sequence) >>> 1;
            return key % (RING - shape.context() - 1);
        }
    }
}
