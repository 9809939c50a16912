package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.report.ReportPage;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The report of fits to anybody's runs: what they mean, every law with its bands, and the tables. */
public final class RunsReport {
    private RunsReport() {}

    /** The page. */
    public static String html(FitSet set) {
        List<ReportModel.Section> sections = new ArrayList<>();
        LawsSection.of(set).ifPresent(sections::add);
        sections.add(FitsSection.of(set));
        sections.add(MethodsSection.of(set));
        String file = set.source();
        return ReportPage.html(new ReportModel(
                file.substring(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1),
                set.runs() + " runs from " + file,
                set.readings().stream()
                        .map(reading -> new ReportModel.Reading(reading.sentence(), reading.basis()))
                        .toList(),
                tiles(set),
                "",
                sections));
    }

    private static List<ReportModel.Tile> tiles(FitSet set) {
        List<ReportModel.Tile> tiles = new ArrayList<>();
        tiles.add(new ReportModel.Tile(Integer.toString(set.runs()), "runs", set.rows() + " rows"));
        long certified = set.fitted().stream()
                .filter(fitted -> fitted.result().convergence().certified())
                .count();
        tiles.add(new ReportModel.Tile(
                set.fitted().size() + " of " + set.outcomes().size(), "laws fitted", certified + " minima certified"));
        for (Quantity column : List.of(Quantity.N, Quantity.D, Quantity.C)) {
            span(set, column).ifPresent(tiles::add);
        }
        return tiles;
    }

    private static Optional<ReportModel.Tile> span(FitSet set, Quantity column) {
        double[] values = set.fitted().stream()
                .map(FitSet.Fitted::result)
                .flatMap(fit -> fit.residuals().stream())
                .filter(row -> row.at().values().containsKey(column))
                .mapToDouble(row -> row.at().get(column))
                .sorted()
                .toArray();
        if (values.length == 0) {
            return Optional.empty();
        }
        boolean flops = column == Quantity.C;
        String low = flops ? Numbers.power(values[0], 2) : Numbers.count(values[0], 2);
        String high = flops ? Numbers.power(values[values.length - 1], 2) : Numbers.count(values[values.length - 1], 2);
        return Optional.of(new ReportModel.Tile(
                low.equals(high) ? low : low + " – " + high,
                column.unit() + " " + column.label().toUpperCase(Locale.ROOT),
                "over the fitted rows"));
    }
}
