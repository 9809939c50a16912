package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptAction;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** A trainer's frames as rows of the tables. */
record FrameRows(List<StepRow> steps, List<EvalRow> evals) {

    static FrameRows of(Cell cell, int attempt, AttemptAction.Commit commit) {
        String id = cell.id();
        List<StepRow> steps = new ArrayList<>();
        List<EvalRow> evals = new ArrayList<>();
        for (Frame frame : commit.rows()) {
            if (frame instanceof Frame.Steps rows) {
                for (int i = 0; i < rows.rows(); i++) {
                    long step = rows.firstStep() + i;
                    steps.add(new StepRow(
                            id,
                            attempt,
                            step,
                            cell.tokensThrough(step),
                            rows.loss()[i],
                            present(rows.learningRate()[i]),
                            present(rows.gradientNorm()[i]),
                            present(rows.gradientSquareSmall()[i]),
                            present(rows.gradientSquareBig()[i]),
                            present(rows.seconds()[i])));
                }
            } else if (frame instanceof Frame.Evaluation evaluation) {
                evals.add(new EvalRow(
                        id,
                        attempt,
                        evaluation.step(),
                        cell.tokensThrough(evaluation.step()),
                        evaluation.set(),
                        evaluation.loss(),
                        present(evaluation.standardError()),
                        present(evaluation.bitsPerByte()),
                        evaluation.tokens() > 0 ? OptionalLong.of(evaluation.tokens()) : OptionalLong.empty(),
                        present(evaluation.seconds())));
            }
        }
        return new FrameRows(steps, evals);
    }

    private static OptionalDouble present(double value) {
        return Double.isNaN(value) ? OptionalDouble.empty() : OptionalDouble.of(value);
    }
}
