package dev.powersweep.worker;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.data.ShardFixture;
import dev.powersweep.worker.shard.ShardManifest;
import java.util.List;
import java.util.OptionalInt;

/** Small cells for tests. */
public final class Cells {
    private Cells() {}

    public static Cell of(ModelShape model, DataRule data, long seed) {
        return of(
                model,
                data,
                rule(1e-3, OptionalInt.empty()),
                new EvaluationRule(10, 64, List.of(ShardManifest.VALIDATION)),
                seed);
    }

    public static Cell of(
            ModelShape model, DataRule data, TrainingRule training, EvaluationRule evaluation, long seed) {
        return new Cell(model, data, training, evaluation, seed);
    }

    /** Two layers of width 16 at context 8 over bytes. */
    public static Cell tiny(long steps, int batchSequences, long uniqueTokens, long seed) {
        return of(
                ModelShape.gpt(2, 16, 2, 8, 256),
                new DataRule(ShardFixture.CORPUS, steps, batchSequences, uniqueTokens),
                seed);
    }

    public static TrainingRule rule(double learningRate, OptionalInt earlyStopping) {
        return new TrainingRule(
                learningRate,
                2,
                new Schedule.Cosine(0.1),
                0.9,
                0.95,
                1e-8,
                0.1,
                1.0,
                0.0,
                0.02,
                OptionalInt.empty(),
                earlyStopping,
                TrainingRule.Divergence.DEFAULT);
    }
}
