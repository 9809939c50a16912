package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.Sensitivity;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** How far the exponents move with the count of parameters. */
final class ConventionsSection {
    private ConventionsSection() {}

    /** Empty where the sweep's cells do not allow the law, or tell one count alone. */
    static Optional<ReportModel.Section> of(SweepResults results, FitSet set) {
        if (results.usable().isEmpty()) {
            return Optional.empty();
        }
        Sensitivity counts = Sensitivity.conventions(results, set.options());
        if (counts.rows().size() < 2
                || counts.rows().stream().anyMatch(row -> !row.refusal().isEmpty())) {
            return Optional.empty();
        }
        List<Block.Column> columns = new ArrayList<>(List.of(new Block.Column("parameters counted", false)));
        columns.add(new Block.Column("N_opt ∝ C^a", true));
        Sensitivity.TOLD.stream().skip(1).forEach(name -> columns.add(new Block.Column(name, true)));
        return Optional.of(new ReportModel.Section(
                "conventions",
                "Other counts of N",
                "The same cells and chinchilla's form, with the parameters counted otherwise. Everything else on this page"
                        + " counts non-embedding parameters; numbers of other papers compare only under their own count.",
                List.of(new Block.Table(
                        "",
                        columns,
                        counts.rows().stream()
                                .map(row -> {
                                    List<Block.Cell> cells = new ArrayList<>();
                                    cells.add(new Block.Cell(row.setting(), Block.Tone.STRONG));
                                    row.values()
                                            .forEach(value -> cells.add(Block.Cell.of(
                                                    Double.isFinite(value) ? Numbers.fixed(value, 3) : "–")));
                                    return cells;
                                })
                                .toList()))));
    }
}
