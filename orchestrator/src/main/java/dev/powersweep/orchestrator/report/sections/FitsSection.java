package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitsText;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Every law that was asked: its parameters with intervals and the proof of its minimum, or why it was refused. */
final class FitsSection {
    private FitsSection() {}

    static ReportModel.Section of(FitSet set) {
        List<Block> blocks = new ArrayList<>();
        if (!set.fitted().isEmpty()) {
            blocks.add(parameters(set));
            blocks.add(proofs(set));
        }
        if (!set.refused().isEmpty()) {
            blocks.add(new Block.Table(
                    "Laws that these runs do not allow",
                    List.of(new Block.Column("law", false), new Block.Column("why not", false)),
                    set.refused().stream()
                            .map(refused -> List.of(Block.Cell.of(refused.law()), Block.Cell.of(refused.sentence())))
                            .toList()));
        }
        List<String> warnings = set.fitted().stream()
                .flatMap(fitted ->
                        FitsText.warnings(fitted.result()).stream().map(warning -> fitted.law() + ": " + warning))
                .toList();
        if (!warnings.isEmpty()) {
            blocks.add(new Block.Notes("Mind", warnings, Block.Tone.WARNING));
        }
        if (!set.notes().isEmpty()) {
            blocks.add(new Block.Notes("Which cells were fitted", set.notes(), Block.Tone.PLAIN));
        }
        String intervals = set.options().bootstrap() > 0
                ? "Intervals are " + Numbers.percent(set.options().confidence(), 3) + " over "
                        + set.options().bootstrap() + " bootstrap refits ("
                        + set.options().resampling().name().toLowerCase(java.util.Locale.ROOT) + ", seed "
                        + set.options().seed() + ")."
                : "No bootstrap was asked for, so there are no intervals.";
        return new ReportModel.Section(
                "fits", "The fits", intervals + " Losses in nats per token, N in parameters, D in tokens.", blocks);
    }

    private static Block.Table parameters(FitSet set) {
        List<List<Block.Cell>> rows = new ArrayList<>();
        for (FitSet.Fitted fitted : set.fitted()) {
            FitResult fit = fitted.result();
            boolean first = true;
            for (Map.Entry<String, Estimate> entry : fit.parameters().entrySet()) {
                rows.add(row(first ? fit.law() : "", first ? fit.formula() : "", entry.getKey(), entry.getValue()));
                first = false;
            }
            FitsText.derived(fit).forEach((name, estimate) -> rows.add(row("", "", "→ " + name, estimate)));
        }
        return new Block.Table(
                "Parameters (→ what follows from them)",
                List.of(
                        new Block.Column("law", false),
                        new Block.Column("form", false),
                        new Block.Column("parameter", false),
                        new Block.Column("estimate", true),
                        new Block.Column("interval", true),
                        new Block.Column("unit", false)),
                rows);
    }

    private static List<Block.Cell> row(String law, String form, String name, Estimate estimate) {
        return List.of(
                new Block.Cell(law, Block.Tone.STRONG),
                Block.Cell.of(form),
                Block.Cell.of(name),
                Block.Cell.of(Numbers.significant(estimate.value(), 4)),
                new Block.Cell(
                        FitsText.interval(estimate), estimate.hasInterval() ? Block.Tone.PLAIN : Block.Tone.QUIET),
                new Block.Cell(estimate.unit().equals("1") ? "" : estimate.unit(), Block.Tone.QUIET));
    }

    private static Block.Table proofs(FitSet set) {
        return new Block.Table(
                "How far each fit can be trusted",
                List.of(
                        new Block.Column("law", false),
                        new Block.Column("cells", false),
                        new Block.Column("objective", false),
                        new Block.Column("minimum", false),
                        new Block.Column("what the data can tell", false),
                        new Block.Column("hold-out", false)),
                set.fitted().stream()
                        .map(fitted -> List.of(
                                new Block.Cell(fitted.law(), Block.Tone.STRONG),
                                Block.Cell.of(fitted.result().rows() + ": " + fitted.selection()),
                                Block.Cell.of(FitsText.objective(fitted.result())),
                                new Block.Cell(
                                        FitsText.convergence(fitted.result().convergence()),
                                        fitted.result().convergence().certified()
                                                ? Block.Tone.PLAIN
                                                : Block.Tone.WARNING),
                                Block.Cell.of(fitted.result().identifiability().verdict()),
                                Block.Cell.of(fitted.result()
                                        .holdOut()
                                        .map(largest -> FitsText.holdOuts(fitted.result()))
                                        .orElse("too few scales to hold one out"))))
                        .toList());
    }
}
