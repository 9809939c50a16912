package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** Every cell in a row, what was submitted, and where the results came from. */
final class CellsSection {
    private static final List<Block.Column> COLUMNS = List.of(
            new Block.Column("cell", false),
            new Block.Column("state", false),
            new Block.Column("N", true),
            new Block.Column("D", true),
            new Block.Column("B", true),
            new Block.Column("steps", true),
            new Block.Column("epochs", true),
            new Block.Column("6·N·D, FLOPs", true),
            new Block.Column("learning rate", true),
            new Block.Column("validation loss", true),
            new Block.Column("± s.e.", true),
            new Block.Column("bits/byte", true),
            new Block.Column("tokens/s", true),
            new Block.Column("time", true));

    private CellsSection() {}

    static ReportModel.Section of(SweepResults results) {
        List<Block> blocks = new ArrayList<>();
        List<String> settings = results.cells().stream()
                .flatMap(cell -> cell.settings().keySet().stream())
                .distinct()
                .sorted()
                .toList();
        List<Block.Column> columns = new ArrayList<>(COLUMNS);
        settings.forEach(path -> columns.add(new Block.Column(path.substring(path.lastIndexOf('.') + 1), false)));
        blocks.add(new Block.Table(
                "",
                columns,
                results.cells().stream().map(cell -> row(cell, settings)).toList()));
        List<Block.Fact> facts = new ArrayList<>();
        results.provenance().forEach((name, value) -> facts.add(new Block.Fact(name, value)));
        blocks.add(new Block.Facts("Where these results come from", facts));
        results.specification()
                .ifPresent(
                        text -> blocks.add(new Block.Verbatim("The sweep's specification, as last submitted", text)));
        return new ReportModel.Section(
                "cells",
                "Cells and provenance",
                "N is counted without embeddings, norms and biases; D = B·S are the tokens seen; losses are in nats per"
                        + " token on held-out text. The same columns and more are in the Parquet tables of the sweep.",
                blocks);
    }

    private static List<Block.Cell> row(CellResult cell, List<String> settings) {
        List<Block.Cell> row = new ArrayList<>(row(cell));
        settings.forEach(path -> row.add(Block.Cell.of(cell.settings().getOrDefault(path, "–"))));
        return row;
    }

    private static List<Block.Cell> row(CellResult cell) {
        return List.of(
                Block.Cell.of(cell.name()),
                state(cell),
                Block.Cell.of(Numbers.count(cell.parameters())),
                Block.Cell.of(Numbers.count(cell.tokens())),
                Block.Cell.of(Numbers.count(cell.batchTokens(), 4)),
                Block.Cell.of(String.format(Locale.ROOT, "%,d", Math.round(cell.steps()))),
                Block.Cell.of(Numbers.significant(cell.tokens() / cell.uniqueTokens(), 2)),
                Block.Cell.of(Numbers.power(cell.kaplanFlops(), 3)),
                Block.Cell.of(Numbers.significant(cell.learningRate(), 3)),
                optional(cell.validationLoss(), 4),
                optional(cell.standardError(), 4),
                optional(cell.bitsPerByte(), 3),
                cell.tokensPerSecond().isPresent()
                        ? Block.Cell.of(Numbers.count(cell.tokensPerSecond().getAsDouble()))
                        : new Block.Cell("–", Block.Tone.QUIET),
                cell.seconds().isPresent()
                        ? Block.Cell.of(Numbers.duration(cell.seconds().getAsDouble()))
                        : new Block.Cell("–", Block.Tone.QUIET));
    }

    private static Block.Cell state(CellResult cell) {
        String text = cell.state().name().toLowerCase(Locale.ROOT)
                + (cell.stoppedEarly() ? ", stopped early" : "")
                + (cell.attempts() > 1 ? ", " + cell.attempts() + " attempts" : "");
        return new Block.Cell(
                text,
                switch (cell.state()) {
                    case FINISHED -> Block.Tone.GOOD;
                    case DIVERGED -> Block.Tone.WARNING;
                    case FAILED -> Block.Tone.BAD;
                    case PLANNED, RUNNING, INTERRUPTED -> Block.Tone.QUIET;
                });
    }

    private static Block.Cell optional(OptionalDouble value, int decimals) {
        return value.isPresent()
                ? Block.Cell.of(Numbers.fixed(value.getAsDouble(), decimals))
                : new Block.Cell("–", Block.Tone.QUIET);
    }
}
