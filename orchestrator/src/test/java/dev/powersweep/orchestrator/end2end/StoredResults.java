package dev.powersweep.orchestrator.end2end;

import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;

/** What of a sweep's tables must not depend on what happened while it ran: all but attempts, times and places. */
record StoredResults(List<String> steps, List<String> evals, List<String> cells) {

    static StoredResults of(SweepDirectory directory, Configuration configuration) {
        ResultTables tables = new ResultTables(directory, configuration);
        return new StoredResults(
                tables.steps().stream().map(StoredResults::text).toList(),
                tables.evals().stream().map(StoredResults::text).toList(),
                tables.cells().stream().map(StoredResults::text).toList());
    }

    private static String text(StepRow row) {
        return new StepRow(
                        row.cell(),
                        0,
                        row.step(),
                        row.tokens(),
                        row.loss(),
                        row.learningRate(),
                        row.gradientNorm(),
                        row.gradientSquareSmall(),
                        row.gradientSquareBig(),
                        OptionalDouble.empty())
                .toString();
    }

    private static String text(EvalRow row) {
        return new EvalRow(
                        row.cell(),
                        0,
                        row.step(),
                        row.tokens(),
                        row.set(),
                        row.loss(),
                        row.standardError(),
                        row.bitsPerByte(),
                        row.tokensScored(),
                        OptionalDouble.empty())
                .toString();
    }

    private static String text(CellRow row) {
        CellRow.Standing standing = row.standing();
        return String.join(
                " ",
                standing.cell(),
                standing.name(),
                standing.sweep(),
                standing.state(),
                standing.failureClass().toString(),
                standing.message().toString(),
                row.shape().toString(),
                row.scale().toString(),
                row.rule().toString(),
                row.result().toString());
    }

    /** Attempts begun of every cell, by name. */
    static String attempts(SweepDirectory directory, Configuration configuration) {
        SweepState state = LedgerReader.open(directory, configuration);
        return state.cells().stream()
                .map(cell -> cell.name() + "=" + cell.attempts())
                .sorted()
                .collect(Collectors.joining(" "));
    }

    /** Every cell of the sweep as its ledger has it. */
    static List<CellRecord> records(SweepDirectory directory, Configuration configuration) {
        return List.copyOf(LedgerReader.open(directory, configuration).cells());
    }
}
