package dev.powersweep.orchestrator.view;

import com.samskivert.mustache.Template;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.view.ComparisonDrawing.Dot;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Several sweeps side by side: where each stands, one plot over all, and cells that they have in common.
 *
 * @param style of all pages
 * @param live whether the page is to be brought up to date, as {@link PageFrame} has it
 * @param notice a sentence for the head of the page; empty for none
 * @param axes what losses can be compared at
 * @param drawing the plot
 */
public record ComparisonPage(
        String style,
        String live,
        String notice,
        List<Sweep> sweeps,
        List<Choice> axes,
        List<Choice> units,
        String drawing,
        List<Common> common) {
    private static final int PAIRS = 12;
    private static final Template TEMPLATE = Templates.named("comparison.html");

    /** A sweep as a row. */
    record Sweep(
            String name,
            String directory,
            String base,
            String marker,
            String bar,
            String ended,
            String standing,
            String lowest,
            String tokens,
            String rate) {}

    /** @param on whether it is the one that is shown */
    record Choice(String text, String href, boolean on) {}

    /** Cells that a sweep and the first one have in common, in words, and those that differ most. */
    record Common(String title, String sentence, List<Pair> pairs, boolean any) {}

    record Pair(
            String name,
            String firstHref,
            String otherHref,
            String first,
            String other,
            String difference,
            String settings) {}

    /** @param parameter of the address by its name: {@code at}, an axis, and {@code unit}, {@code nats} or {@code bits} */
    public static String html(List<ComparedSweep> sweeps, Function<String, Optional<String>> parameter) {
        return TEMPLATE.execute(of(sweeps, parameter));
    }

    private static ComparisonPage of(List<ComparedSweep> sweeps, Function<String, Optional<String>> parameter) {
        ComparisonAxis axis = ComparisonAxis.named(parameter.apply("at"));
        LossUnit unit = LossUnit.chosen(sweeps, parameter.apply("unit"));
        List<List<Dot>> dots = sweeps.stream()
                .map(sweep -> ComparisonDrawing.dots(sweep.picture(), unit.factor(sweep), axis))
                .toList();
        List<String> names = names(sweeps);
        List<Choice> axes = new ArrayList<>();
        for (ComparisonAxis each : ComparisonAxis.values()) {
            axes.add(new Choice(each.key(), "/?at=" + each.key() + "&unit=" + unit.key(), each == axis));
        }
        List<Choice> units = new ArrayList<>();
        for (LossUnit each : LossUnit.values()) {
            units.add(new Choice(each.text(), "/?at=" + axis.key() + "&unit=" + each.key(), each == unit));
        }
        return new ComparisonPage(
                PageFrame.STYLE,
                PageFrame.live(mostOften(sweeps)),
                notice(sweeps, unit),
                IntStream.range(0, sweeps.size())
                        .mapToObj(i -> row(sweeps.get(i), names.get(i), i, unit))
                        .toList(),
                axes,
                units,
                ComparisonDrawing.drawn(dots, names, axis, unit.text()),
                IntStream.range(1, sweeps.size())
                        .mapToObj(i -> common(sweeps.get(0), names.get(0), sweeps.get(i), names.get(i), unit))
                        .toList());
    }

    private static SweepPicture.Refresh mostOften(List<ComparedSweep> sweeps) {
        return sweeps.stream()
                .map(sweep -> sweep.picture().refresh())
                .min(Enum::compareTo)
                .orElse(SweepPicture.Refresh.NEVER);
    }

    /** The sweeps' own names; with the last part of their directory where several have one name. */
    private static List<String> names(List<ComparedSweep> sweeps) {
        return sweeps.stream()
                .map(sweep -> {
                    SweepEvent.Opened opened = sweep.picture().opened();
                    boolean alone = sweeps.stream()
                                    .filter(other ->
                                            other.picture().opened().sweep().equals(opened.sweep()))
                                    .count()
                            == 1;
                    String directory = opened.directory();
                    return alone
                            ? opened.sweep()
                            : opened.sweep() + " in " + directory.substring(directory.lastIndexOf('/') + 1);
                })
                .toList();
    }

    /** Losses of different texts, or of different tokens, are not of one kind. */
    private static String notice(List<ComparedSweep> sweeps, LossUnit unit) {
        if (sweeps.stream().map(ComparedSweep::corpus).distinct().count() == 1) {
            return "";
        }
        return "The sweeps were held out on different texts or tokens (corpus "
                + String.join(
                        ", ",
                        sweeps.stream().map(ComparedSweep::corpus).distinct().toList())
                + "): "
                + (unit == LossUnit.BITS
                        ? "bits per byte allow for their tokenizers, not for their texts."
                        : "nats per token compare neither; choose bits per byte.");
    }

    private static Sweep row(ComparedSweep sweep, String name, int series, LossUnit unit) {
        SweepPicture picture = sweep.picture();
        Map<CellState, Integer> states = picture.states();
        int ended = states.get(CellState.FINISHED) + states.get(CellState.DIVERGED) + states.get(CellState.FAILED);
        double lowest = unit.factor(sweep)
                * picture.cells().stream()
                        .mapToDouble(CellView::loss)
                        .filter(Double::isFinite)
                        .min()
                        .orElse(Double.NaN);
        return new Sweep(
                name,
                picture.opened().directory(),
                sweep.base(),
                new Svg(16, 14, name)
                        .marker(8, 7, 5, Marker.of(series), Palette.category(series))
                        .end(),
                StateShare.bar(states, picture.cells().size()),
                String.format(Locale.ROOT, "%,d of %,d", ended, picture.cells().size()),
                standing(picture, ended),
                Numbers.fixed(lowest, 4),
                picture.totals()
                        .map(totals -> Numbers.count(totals.tokens(), 3))
                        .orElse("–"),
                picture.totals()
                        .map(totals -> Numbers.count(totals.tokensPerSecond(), 3))
                        .orElse("–"));
    }

    private static String standing(SweepPicture picture, int ended) {
        if (picture.closed().isEmpty()) {
            double eta = picture.totals().map(Totals::etaSeconds).orElse(Double.NaN);
            return "running" + (Double.isFinite(eta) ? ", " + Numbers.duration(eta) + " to go" : "");
        }
        return ended == picture.cells().size() ? "done" : "no driver lives";
    }

    private static Common common(
            ComparedSweep first, String firstName, ComparedSweep other, String otherName, LossUnit unit) {
        SameCells same = SameCells.of(first.picture(), unit.factor(first), other.picture(), unit.factor(other));
        String title = otherName + " against " + firstName;
        if (same.pairs().isEmpty()) {
            return new Common(title, "No finished cell of one has its like in the other.", List.of(), false);
        }
        String error =
                Double.isFinite(same.standardError()) ? " ± " + Numbers.significant(same.standardError(), 2) : "";
        String sentence = String.format(
                Locale.ROOT,
                "%,d cells of equal shape, data, batch and seed: %s is lower in %,d of them; difference in the median"
                        + " %s, on average %s%s (standard error) %s.",
                same.pairs().size(),
                otherName,
                same.lower(),
                signed(same.median()),
                signed(same.mean()),
                error,
                unit.text());
        return new Common(
                title,
                sentence,
                same.pairs().stream()
                        .limit(PAIRS)
                        .map(pair -> pair(pair, first, other, unit))
                        .toList(),
                true);
    }

    private static Pair pair(SameCells.Pair pair, ComparedSweep first, ComparedSweep other, LossUnit unit) {
        return new Pair(
                pair.first().plan().name(),
                first.base() + "/cell/?id=" + pair.first().plan().id(),
                other.base() + "/cell/?id=" + pair.other().plan().id(),
                Numbers.fixed(unit.factor(first) * pair.first().loss(), 4),
                Numbers.fixed(unit.factor(other) * pair.other().loss(), 4),
                signed(pair.difference()),
                Numbers.significant(pair.first().plan().learningRate(), 3) + " and "
                        + Numbers.significant(pair.other().plan().learningRate(), 3));
    }

    private static String signed(double value) {
        return (value > 0 ? "+" : "") + Numbers.fixed(value, 4);
    }
}
