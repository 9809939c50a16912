package dev.powersweep.orchestrator.design;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.surface.RateFactor;
import dev.powersweep.fitting.surface.RateRule;
import dev.powersweep.orchestrator.fits.RateTrials;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.spec.GridSpec;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.worker.cell.Cell;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The learning-rate pilot of a design ({@code grid.ratePilot: first}): the cells that try several rates are trained before the
 * others. Where their best rates surely lie off the specification's rule by some factor, the other cells take that factor. The
 * exponents stay those of the rule: a design's few places do not tell them.
 */
public final class FirstRates {
    private static final double LEVEL = 0.95;
    /** Half the rule's rate, the rule's own and twice it. */
    private static final int RATES = 3;

    private static final MathContext DIGITS = new MathContext(2);

    private final SweepSpec spec;
    private final Optional<RateFactor> found;
    private final int cells;
    private final int failed;

    private FirstRates(SweepSpec spec, Optional<RateFactor> found, int cells, int failed) {
        this.spec = spec;
        this.found = found;
        this.cells = cells;
        this.failed = failed;
    }

    /** Whether a design still has its pilot before it: the first of its parts is a profile at the rule's own rate. */
    public static boolean outstanding(SweepSpec spec) {
        return spec.grid().ratePilot() == GridSpec.PilotOrder.FIRST
                && !spec.grid().parts().isEmpty()
                && spec.grid().parts().get(0).learningRates().equals(List.of(GridSpec.RateChoice.RULE));
    }

    /** The cells of a plan that try several rates: what is trained first. */
    public static SweepPlan pilot(SweepPlan plan) {
        Map<List<Object>, Set<Double>> rates = plan.cells().stream()
                .map(PlannedCell::gridCell)
                .map(planned -> planned.cell())
                .collect(Collectors.groupingBy(
                        FirstRates::place,
                        Collectors.mapping(cell -> cell.training().peakLearningRate(), Collectors.toSet())));
        return plan.of(plan.cells().stream()
                .filter(planned -> rates.get(place(planned.gridCell().cell())).size() > 1)
                .toList());
    }

    /** What is trained first and what it decides, in a sentence. */
    public static String before(SweepPlan plan) {
        List<PlannedCell> pilot = pilot(plan).cells();
        long places = pilot.stream()
                .map(planned -> place(planned.gridCell().cell()))
                .distinct()
                .count();
        return "The " + pilot.size()
                + " cells that try several learning rates are trained first; the other "
                + (plan.cells().size() - pilot.size())
                + " take the factor of the rule that these find, where its 95 % interval leaves no room for the rule"
                + " itself: their rates and names change then, and up to " + places
                + " cells more are trained, the pilot's sizes at the new rate.";
    }

    private static List<Object> place(Cell cell) {
        return List.of(cell.model(), cell.data().steps(), cell.data().batchSequences(), cell.seed());
    }

    /**
     * What the pilot of a design says.
     *
     * @param spec the design
     * @param cells of the pilot, ended; one that diverged tells that its rate is too high, one that failed tells nothing, nor
     *     does its place
     */
    public static FirstRates of(SweepSpec spec, List<CellResult> cells) {
        List<RateFactor.Found> found = RateTrials.of(
                        cells.stream().filter(RateTrials::tells).toList())
                .stream()
                .filter(trial -> trial.rates().length >= RATES)
                .filter(trial -> Arrays.stream(trial.losses()).anyMatch(Double::isFinite))
                .map(trial -> new RateFactor.Found(RateRule.best(trial), middle(trial.rates())))
                .toList();
        int failed =
                (int) cells.stream().filter(cell -> !RateTrials.tells(cell)).count();
        return new FirstRates(spec, RateFactor.of(found, LEVEL), cells.size(), failed);
    }

    private static double middle(double[] rates) {
        return rates[rates.length / 2];
    }

    /**
     * The design with its other cells at the rates that follow: the rule's where it is not surely off. It is decided once: a
     * cell of the pilot that failed and is tried again later changes no rate.
     */
    public SweepSpec design() {
        List<String> overrides = new ArrayList<>(
                List.of("grid.ratePilot=" + GridSpec.PilotOrder.DECIDED.name().toLowerCase(Locale.ROOT)));
        if (differs()) {
            overrides.addAll(rates());
        }
        return SweepSpecReader.read(spec.text(), spec.name() + ".yaml", overrides);
    }

    /** Surely, and by more than the digits that a factor is written with. */
    private boolean differs() {
        return found.filter(RateFactor::differs).isPresent() && Double.parseDouble(written(factor().value())) != 1;
    }

    private List<String> rates() {
        List<String> overrides = new ArrayList<>();
        for (int i = 0; i < spec.grid().parts().size(); i++) {
            List<GridSpec.RateChoice> tried = spec.grid().parts().get(i).learningRates();
            // The rule's own rate was tried by a cell of another part, which now takes the factor.
            Stream<GridSpec.RateChoice> then = tried.size() > 1
                    ? Stream.concat(tried.stream(), Stream.of(GridSpec.RateChoice.RULE))
                            .distinct()
                    : tried.stream().map(this::times);
            String factors = then.map(GridSpec.RateChoice.Factor.class::cast)
                    .map(factor -> written(factor.ofRule()))
                    .collect(Collectors.joining(", "));
            overrides.add("grid.union." + i + ".learningRates={factors: [" + factors + "]}");
        }
        return overrides;
    }

    private GridSpec.RateChoice times(GridSpec.RateChoice before) {
        return new GridSpec.RateChoice.Factor(
                ((GridSpec.RateChoice.Factor) before).ofRule() * Double.parseDouble(written(factor().value())));
    }

    private Estimate factor() {
        return found.orElseThrow().factor();
    }

    private static String written(double factor) {
        return BigDecimal.valueOf(factor).round(DIGITS).toPlainString();
    }

    private static String interval(RateFactor factor) {
        return Numbers.significant(factor.factor().value(), 2) + " times the rule's ("
                + Numbers.significant(factor.factor().low(), 2) + " … "
                + Numbers.significant(factor.factor().high(), 2) + ")"
                + (factor.edges() > 0
                        ? "; " + factor.edges() + " of them lie at or beyond the edge of what was tried"
                        : "");
    }

    /** Whether all best rates are the highest tried, or all the lowest: no interval tells how far beyond the best lie. */
    private static boolean sameEdge(RateFactor factor) {
        return factor.edges() == factor.places()
                && factor.factor().high() / factor.factor().low() < 1 + 1e-6;
    }

    private static String bound(RateFactor factor) {
        double value = factor.factor().value();
        return (value > 1 ? "at least " : "at most ") + Numbers.significant(value, 2)
                + " times the rule's, which is as far as was tried";
    }

    /** What was found and what follows from it, in a sentence. */
    public String sentence() {
        String what = failed > 0 ? "rate pilot: " + failed + " of its " + cells + " cells failed; " : "rate pilot: ";
        if (found.isEmpty()) {
            return what + "fewer than " + RateFactor.FEWEST_PLACES
                    + " model, data and batch sizes tell a best learning rate; the other cells keep the rule's";
        }
        RateFactor factor = found.get();
        return what + "at " + factor.places() + " model, data and batch sizes the best learning rates are "
                + (sameEdge(factor) ? bound(factor) : interval(factor))
                + (differs()
                        ? "; the other cells take " + written(factor().value()) + " times the rule's rates"
                        : "; the other cells keep the rule's rates");
    }
}
