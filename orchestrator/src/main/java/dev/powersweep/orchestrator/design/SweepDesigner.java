package dev.powersweep.orchestrator.design;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.StepRate;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.spec.GridSpec;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** Makes the grid of a specification with {@code design: auto}: the largest {@link Layout} that its budget allows. */
public final class SweepDesigner {
    /** Share of the time that a forecast may fill: it errs by some per cent. */
    private static final double SHARE = 0.95;

    /** Share of what it may spend that a design reaches where the text sets no bound. */
    private static final double MUCH = 0.6;

    private static final double STEP = 1.08;
    private static final int MOST_STEPS = 400;
    /** Budgets that a design should have before it affords seeds. */
    private static final int ENOUGH_PROFILES = 3;

    private final SweepSpec spec;
    private final CorpusFacts corpus;
    private final Slots slots;
    private final List<StepRate> rates;

    private SweepDesigner(SweepSpec spec, CorpusFacts corpus, Slots slots, List<StepRate> rates) {
        this.spec = spec;
        this.corpus = corpus;
        this.slots = slots;
        this.rates = rates;
    }

    /**
     * A specification with its grid designed.
     *
     * @param spec with the design as {@code grid.union}
     * @param parts its entries, as YAML
     */
    public record Designed(SweepSpec spec, List<String> parts) {
        public Designed {
            parts = List.copyOf(parts);
        }
    }

    /**
     * Designs the grid; equal for equal arguments.
     *
     * @param spec whose grid is undesigned
     * @param rates measured on the machine of the slots; without them a reference machine is supposed
     * @throws UserError where the budget or the corpus is too small for any design
     */
    public static Designed design(SweepSpec spec, CorpusFacts corpus, Slots slots, List<StepRate> rates) {
        return new SweepDesigner(spec, corpus, slots, rates).design();
    }

    /**
     * A design of about the size that the budget allows, whose kinds of steps are worth measuring.
     *
     * @throws UserError where the corpus is too small for any
     */
    public static Designed unmeasured(SweepSpec spec, CorpusFacts corpus, Slots slots) {
        SweepDesigner designer = new SweepDesigner(spec, corpus, slots, List.of());
        GridSpec.Design allowed = spec.grid().design().orElseThrow();
        return designer.largest(allowed, Layout.Seeds.TWO_BELOW)
                .map(Found::designed)
                .or(() -> designer.layout(designer.least(), Layout.Seeds.ONE).map(layout -> designed(spec, layout)))
                .orElseThrow(() -> designer.tooLittle(allowed));
    }

    /** The specification with a design that was made before. */
    public static SweepSpec with(SweepSpec spec, String union, GridSpec.PilotOrder pilot) {
        List<String> overrides = new ArrayList<>(List.of("grid.union=" + union));
        if (pilot != spec.grid().ratePilot()) {
            overrides.add("grid.ratePilot=" + pilot.name().toLowerCase(Locale.ROOT));
        }
        return SweepSpecReader.read(spec.text(), spec.name() + ".yaml", overrides);
    }

    private static Designed designed(SweepSpec spec, Layout layout) {
        List<String> parts = layout.parts(spec.training().learningRate());
        return new Designed(
                with(spec, "[" + String.join(", ", parts) + "]", spec.grid().ratePilot()), parts);
    }

    private Designed design() {
        GridSpec.Design allowed = spec.grid().design().orElseThrow();
        Optional<Found> best = Optional.empty();
        for (Layout.Seeds seeds : List.of(Layout.Seeds.TWO_BELOW, Layout.Seeds.SMALLEST_TWICE, Layout.Seeds.ONE)) {
            Optional<Found> found = largest(allowed, seeds);
            if (found.isPresent()
                    && (best.isEmpty() || found.get().profiles() > best.get().profiles())) {
                best = found;
            }
            if (best.isPresent() && best.get().profiles() >= ENOUGH_PROFILES) {
                break;
            }
        }
        Found chosen = best.orElseThrow(() -> tooLittle(allowed));
        // Where the corpus allows no larger budget, time is left for seeds.
        for (Layout.Seeds seeds : List.of(Layout.Seeds.TWO, Layout.Seeds.THREE, Layout.Seeds.FIVE)) {
            Optional<Found> richer = largest(allowed, seeds);
            if (richer.isPresent() && richer.get().most() >= chosen.most()) {
                chosen = richer.get();
            }
        }
        return chosen.designed();
    }

    private record Found(Designed designed, int profiles, double most) {}

    private Optional<Found> largest(GridSpec.Design allowed, Layout.Seeds seeds) {
        // Some budgets between others have no layout: their rungs lie badly.
        List<Possible> possible = IntStream.range(0, MOST_STEPS)
                .mapToDouble(step -> least() * Math.pow(STEP, step))
                .boxed()
                .flatMap(most -> layout(most, seeds).map(layout -> new Possible(most, layout)).stream())
                .toList();
        Optional<Found> best = Optional.empty();
        int low = 0;
        int high = possible.size();
        // Whatever a budget costs, a larger one costs more.
        while (low < high) {
            int middle = (low + high) / 2;
            Optional<Found> found = affordable(possible.get(middle), allowed);
            if (found.isPresent()) {
                best = found;
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return best;
    }

    private record Possible(double most, Layout layout) {}

    private Optional<Found> affordable(Possible possible, GridSpec.Design allowed) {
        Designed designed = designed(spec, possible.layout());
        return fits(designed.spec(), allowed)
                ? Optional.of(new Found(designed, possible.layout().profiles().size(), possible.most()))
                : Optional.empty();
    }

    /** Two budgets, a step apart, are the smallest design. */
    private double least() {
        PriorLaw law = PriorLaw.central(corpus.vocabulary());
        return 3 * Layout.leastBudget(law, spec.model().headWidth().orElse(16), spec.context());
    }

    private Optional<Layout> layout(double most, Layout.Seeds seeds) {
        OptionalInt head = spec.model().headWidth();
        return Layout.of(
                PriorLaw.central(corpus.vocabulary()),
                most,
                corpus.trainTokens() * spec.training().maxEpochs(),
                spec.context(),
                head.isPresent() ? Optional.of(head.getAsInt()) : Optional.empty(),
                seeds);
    }

    private boolean fits(SweepSpec designed, GridSpec.Design allowed) {
        Forecast forecast = new SweepPlanner(rates).forecast(designed, corpus, slots);
        if (allowed instanceof GridSpec.Design.Flops flops) {
            return flops(forecast) <= flops.flops();
        }
        return forecast.makespanSeconds() <= SHARE * ((GridSpec.Design.Seconds) allowed).seconds();
    }

    static double flops(Forecast forecast) {
        return forecast.plan().cells().stream()
                .map(PlannedCell::gridCell)
                .mapToDouble(cell -> cell.cell()
                        .model()
                        .counts()
                        .kaplanFlops(cell.cell().tokens())
                        .orElse(0))
                .sum();
    }

    /**
     * That a design leaves much of what it may spend, in a sentence.
     *
     * @param spec designed just now
     * @param forecast of it
     */
    public static Optional<String> unspent(SweepSpec spec, Forecast forecast) {
        return spec.grid().design().flatMap(allowed -> {
            boolean flops = allowed instanceof GridSpec.Design.Flops;
            double most =
                    flops ? ((GridSpec.Design.Flops) allowed).flops() : ((GridSpec.Design.Seconds) allowed).seconds();
            double spent = flops ? flops(forecast) : forecast.makespanSeconds();
            return spent >= MUCH * most
                    ? Optional.empty()
                    : Optional.of("grid.design: auto takes "
                            + (flops
                                    ? Numbers.power(spent, 2) + " of " + Numbers.power(most, 2) + " FLOPs"
                                    : Numbers.duration(spent) + " of " + Numbers.duration(most))
                            + ": the text, read training.maxEpochs = "
                            + Numbers.count(spec.training().maxEpochs()) + " times at most, allows no larger budgets;"
                            + " take a larger corpus for larger models");
        });
    }

    private UserError tooLittle(GridSpec.Design allowed) {
        Optional<Layout> layout = layout(least(), Layout.Seeds.ONE);
        if (layout.isEmpty()) {
            return new UserError("the corpus holds " + Numbers.count(corpus.trainTokens())
                    + " training tokens, too few for budgets whose best model size lies inside a design: take a larger"
                    + " corpus, raise training.maxEpochs, shorten the context of " + spec.context()
                    + " tokens, or name grid.modelSizes and grid.dataSizes yourself");
        }
        Forecast smallest =
                new SweepPlanner(rates).forecast(designed(spec, layout.get()).spec(), corpus, slots);
        return new UserError(
                allowed instanceof GridSpec.Design.Flops flops
                        ? "grid.flops = " + Numbers.count(flops.flops()) + " is less than the smallest design spends, "
                                + Numbers.count(flops(smallest)) + "; give more"
                        : "grid.design: auto has "
                                + Numbers.duration(((GridSpec.Design.Seconds) allowed).seconds())
                                + ", and the smallest design takes "
                                + Numbers.duration(smallest.makespanSeconds() / SHARE)
                                + " here; give more minutes or hours");
    }
}
