package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.BranchResult;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.worker.cell.CellState;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The report of a sweep. */
public final class SweepReport {
    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("d MMMM uuuu, HH:mm 'UTC'", Locale.ROOT).withZone(ZoneOffset.UTC);

    private SweepReport() {}

    /** Without a sample. */
    public static ReportModel of(SweepResults results, FitSet set, Instant now) {
        return of(results, set, now, Optional.empty());
    }

    /** @param sample of what the best cell writes, where there is one */
    public static ReportModel of(SweepResults results, FitSet set, Instant now, Optional<SampleText> sample) {
        Fits fits = Fits.of(results, set);
        List<ReportModel.Section> sections = new ArrayList<>();
        sections.add(GridSection.of(results));
        SizeSection.of(fits).ifPresent(sections::add);
        JointSection.of(fits).ifPresent(sections::add);
        ComputeSection.of(fits).ifPresent(sections::add);
        IsoFlopSection.of(fits).ifPresent(sections::add);
        BatchSection.of(fits).ifPresent(sections::add);
        RatesSection.of(results).ifPresent(sections::add);
        CurvesSection.of(results).ifPresent(sections::add);
        SampleSection.of(sample).ifPresent(sections::add);
        LawsSection.of(set).ifPresent(sections::add);
        sections.add(FitsSection.of(set));
        ConventionsSection.of(results, set).ifPresent(sections::add);
        sections.add(MethodsSection.of(results, set));
        sections.add(CellsSection.of(results));
        return new ReportModel(
                results.name(),
                results.place() + " · written " + DAY.format(now),
                set.readings().stream()
                        .map(reading -> new ReportModel.Reading(reading.sentence(), reading.basis()))
                        .toList(),
                tiles(results),
                missing(results),
                sections);
    }

    private static List<ReportModel.Tile> tiles(SweepResults results) {
        List<CellResult> cells = results.cells();
        Levels models = Levels.of(cells, CellResult::parameters);
        Levels data = Levels.ofTokens(cells);
        Levels batches = Levels.of(cells, CellResult::batchTokens);
        List<BranchResult> branches = results.branches();
        String all = "over all cells" + (branches.isEmpty() ? "" : " and branches");
        List<ReportModel.Tile> tiles = new ArrayList<>();
        tiles.add(new ReportModel.Tile(
                results.usable().size() + " of " + cells.size(),
                "cells finished",
                models.size() + " × " + data.size() + " × " + batches.size() + " sizes of model, data and batch"
                        + (branches.isEmpty() ? "" : "; besides " + branches.size() + " branches")));
        tiles.add(span(models, "parameters N", "without embeddings"));
        tiles.add(span(data, "tokens D", "seen in training"));
        tiles.add(span(batches, "batch B", "tokens per step"));
        tiles.add(new ReportModel.Tile(
                Numbers.power(
                        cells.stream()
                                        .mapToDouble(cell -> 6 * cell.parameters() * cell.tokensDone())
                                        .sum()
                                + branches.stream()
                                        .mapToDouble(branch -> 6 * branch.cell().parameters() * branch.ownTokens())
                                        .sum(),
                        2),
                "FLOPs spent",
                "6·N·D " + all));
        tiles.add(new ReportModel.Tile(
                Numbers.duration(Stream.concat(cells.stream(), branches.stream().map(BranchResult::cell))
                        .mapToDouble(cell -> cell.seconds().orElse(0))
                        .sum()),
                "of training",
                all + ", one slot each"));
        return tiles;
    }

    private static ReportModel.Tile span(Levels levels, String label, String detail) {
        if (levels.size() == 0) {
            return new ReportModel.Tile("–", label, detail);
        }
        int digits = label.startsWith("batch") ? 4 : 2;
        String low = Numbers.count(levels.values()[0], digits);
        String high = Numbers.count(levels.values()[levels.size() - 1], digits);
        return new ReportModel.Tile(levels.size() == 1 ? low : low + " – " + high, label, detail);
    }

    /** Which cells are not in the fits, in a sentence; empty text when all are. */
    private static String missing(SweepResults results) {
        List<String> parts = new ArrayList<>();
        for (CellState state : CellState.values()) {
            long count = results.count(state);
            if (state != CellState.FINISHED && count > 0) {
                parts.add(count + " " + state.name().toLowerCase(Locale.ROOT));
            }
        }
        return parts.isEmpty()
                ? ""
                : "Not every cell has a result: " + String.join(", ", parts) + ". Fits and plots use the "
                        + results.usable().size() + " finished cells.";
    }
}
