package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ProgramModel;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Collectors;

/** What pages show of a cell, from the ledger's record of it. */
final class CellFacts {
    private static final int MESSAGE = 500;
    private static final int DETAIL = 2000;

    private CellFacts() {}

    /**
     * @param index place in the sweep, from 0
     * @param size as far as it is known by now
     */
    static CellPlan plan(int index, CellRecord record, ModelCounts size) {
        Cell cell = record.cell();
        return new CellPlan(
                index,
                cell.id(),
                record.name(),
                shape(cell),
                size.nonEmbedding().orElse(0),
                cell.tokens(),
                cell.batchTokens(),
                cell.data().steps(),
                cell.data().uniqueTokens(),
                cell.training().peakLearningRate(),
                cell.seed(),
                record.planned().predictedSeconds());
    }

    /**
     * @param index place in the sweep, from 0
     * @param report of the attempt that has just ended; empty for one that begins
     * @param curveTokens tokens seen, of the training curve; empty where it is not known here
     * @param curveLoss nats/token
     */
    static CellChange change(
            int index,
            CellRecord cell,
            Optional<AttemptReport> report,
            Instant at,
            double[] curveTokens,
            double[] curveLoss) {
        Optional<AttemptReport> finished = report.filter(any -> cell.state() == CellState.FINISHED);
        return new CellChange(
                index,
                cell.state().name(),
                cell.attempts(),
                report.or(cell::last).map(AttemptReport::step).orElse(0L),
                finished.flatMap(AttemptReport::finalEvaluation)
                        .map(Frame.Evaluation::loss)
                        .orElse(Double.NaN),
                finished.flatMap(AttemptReport::result)
                        .map(Frame.Finished::finalTrainingLoss)
                        .orElse(Double.NaN),
                finished.flatMap(last -> last.tokensPerSecond(cell.cell())).orElse(Double.NaN),
                report.map(AttemptReport::seconds).orElse(Double.NaN),
                report.flatMap(AttemptReport::failure).map(Enum::name).orElse(""),
                report.map(AttemptReport::message)
                        .map(text -> head(text, MESSAGE))
                        .orElse(""),
                report.map(AttemptReport::detail)
                        .map(text -> tail(text, DETAIL))
                        .orElse(""),
                report.map(AttemptReport::log).orElse(""),
                report.map(AttemptReport::host).orElse(""),
                at.toEpochMilli(),
                curveTokens,
                curveLoss);
    }

    private static String shape(Cell cell) {
        if (cell.model() instanceof ProgramModel model) {
            String arguments = model.arguments().entrySet().stream()
                    .map(argument -> argument.getKey() + " " + argument.getValue() + ", ")
                    .collect(Collectors.joining());
            return arguments + "context " + model.context();
        }
        ModelShape model = cell.shape();
        return model.layers() + " layers, width " + model.width() + ", " + model.heads() + " heads, context "
                + model.context();
    }

    private static String head(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length) + "…";
    }

    private static String tail(String text, int length) {
        return text.length() <= length ? text : "…" + text.substring(text.length() - length);
    }
}
