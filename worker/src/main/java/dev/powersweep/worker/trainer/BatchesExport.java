package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.checkpoint.NpzFile;
import dev.powersweep.worker.data.EvaluationWindows;
import dev.powersweep.worker.data.Shard;
import dev.powersweep.worker.data.TrainingWindows;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The tokens that a cell trains and is scored on as NumPy's {@code .npz}, so that another program can do the same:
 * {@value #TRAINING} [steps, sequences, context + 1] and, for each evaluation set, {@value #EVALUATION}NAME
 * [sequences, context + 1]. A row's first {@code context} tokens are the inputs, its last {@code context} the targets.
 */
final class BatchesExport {
    static final String TRAINING = "training";
    static final String EVALUATION = "evaluation.";

    private BatchesExport() {}

    /**
     * @param steps of the cell to write, from the first on
     * @throws BadInputException when the target cannot be written
     */
    static void write(Cell cell, Shard shard, long steps, Path target) {
        TokenType type = shard.manifest().type();
        int context = cell.shape().context();
        int sequences = cell.data().batchSequences();
        cell.data().batchWarmup().ifPresent(warmup -> {
            throw new BadInputException(
                    "The batches of cell " + cell.id() + " are no one array: its first " + warmup.totalSteps()
                            + " steps have smaller ones (data.batchWarmup); export those of a cell without it.",
                    null);
        });
        cell.data().branch().ifPresent(branch -> {
            throw new BadInputException(
                    "The batches of cell " + cell.id() + " are no one array: its first " + branch.steps()
                            + " steps are those of its trunk (data.branch); export those of a cell without it.",
                    null);
        });
        TrainingWindows windows = TrainingWindows.of(cell, shard);
        List<NpzFile.Array> arrays = new ArrayList<>();
        arrays.add(array(TRAINING, type, new long[] {steps, sequences, context + 1}, out -> {
            int[] inputs = new int[sequences * context];
            int[] targets = new int[sequences * context];
            byte[] row = new byte[(context + 1) * type.bytes()];
            for (long step = 1; step <= steps; step++) {
                windows.batch(step, inputs, targets);
                for (int sequence = 0; sequence < sequences; sequence++) {
                    write(inputs, targets, sequence * context, type, row, out);
                }
            }
        }));
        for (String set : cell.evaluation().sets()) {
            EvaluationWindows held = EvaluationWindows.of(cell, shard, set);
            arrays.add(array(EVALUATION + set, type, new long[] {held.sequences(), context + 1}, out -> {
                int[] inputs = new int[context];
                int[] targets = new int[context];
                byte[] row = new byte[(context + 1) * type.bytes()];
                for (int sequence = 0; sequence < held.sequences(); sequence++) {
                    held.sequence(sequence, inputs, targets, 0);
                    write(inputs, targets, 0, type, row, out);
                }
            }));
        }
        try {
            NpzFile.write(target, arrays);
        } catch (IOException e) {
            throw new BadInputException(
                    "The batches cannot be written to " + target + ": " + e.getMessage()
                            + "; free space or give another file.",
                    e);
        }
    }

    private static NpzFile.Array array(String name, TokenType type, long[] shape, NpzFile.Values values) {
        return new NpzFile.Array(name, type == TokenType.UINT8 ? "|u1" : "<u2", type.bytes(), shape, values);
    }

    /** One window: the inputs and the last target. */
    private static void write(int[] inputs, int[] targets, int from, TokenType type, byte[] row, OutputStream out)
            throws IOException {
        int context = row.length / type.bytes() - 1;
        for (int i = 0; i <= context; i++) {
            int token = i < context ? inputs[from + i] : targets[from + context - 1];
            for (int part = 0; part < type.bytes(); part++) {
                row[i * type.bytes() + part] = (byte) (token >> 8 * part);
            }
        }
        out.write(row);
    }
}
