package dev.powersweep.orchestrator.design;

import dev.powersweep.orchestrator.grid.Rung;
import dev.powersweep.orchestrator.spec.LearningRateRule;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The cells of a design: IsoFLOP profiles about the expected best sizes; batches to eight times either side of the expected
 * critical one at the best size of two profiles, none at a higher learning rate than the critical one; half and twice the rule's learning rate on a few of these cells; further
 * seeds where they are affordable.
 *
 * @param profiles smallest budget first
 * @param headWidth of all heads
 * @param batchSequences of the profiles
 * @param criticalSequences expected critical batch where batches vary
 * @param context tokens of a sequence
 * @param seeds of each profile
 */
record Layout(
        List<IsoFlopProfile> profiles,
        int headWidth,
        long batchSequences,
        List<Long> criticalSequences,
        int context,
        List<Integer> seeds) {
    /** Batch of the profiles as a share of the expected critical one: data count almost wholly, steps are few. */
    private static final int BELOW_CRITICAL = 8;

    private static final double[] BATCHES = {1.0 / BELOW_CRITICAL, 0.5, 1, 2, BELOW_CRITICAL};
    private static final int FEWEST_STEPS = 50;

    /**
     * Tokens of a run of a profile, at least, in expected critical batches at the best size: some 900 steps of the profiles' batch. On
     * the bundled text runs of 290 and 450 steps lay 4 to 7 % off the law that all longer ones kept to within 1.1 %.
     */
    private static final double FEWEST_CRITICAL_BATCHES = 112;

    private static final int MOST_PROFILES = 4;
    private static final double NARROWEST_STEP = 2.75;
    private static final double WIDEST_STEP = 4;

    /** Sizes of a profile, as factors of the expected best one. */
    private static final double[] SIZES = {0.25, 0.5, 1, 2, 4};

    /** Factor of the best size up to which a profile's runs must be long enough, so that the best one lies inside. */
    private static final double LONG_ENOUGH = 2;

    private static final int FEWEST_SIZES = 4;
    private static final double ABOVE_SMALLEST = 3;

    /** Width from which heads of 64 are usual; no head is wider than what the smallest models can carry. */
    private static final int WIDE = 256;

    private static final int NARROW_HEAD = 16;
    private static final int WIDE_HEAD = 64;

    /** Profiles in which batches and rates vary: the two below the largest, which costs most. */
    private static final int VARIED = 2;

    /** How many seeds the profiles get. */
    enum Seeds {
        /** One each. */
        ONE,
        /** Two for the smallest budget, to know the noise. */
        SMALLEST_TWICE,
        /** Two for all but the largest, which costs most. */
        TWO_BELOW,
        TWO,
        THREE,
        FIVE;

        private int of(int place, int profiles) {
            return switch (this) {
                case ONE -> 1;
                case SMALLEST_TWICE -> place == 0 ? 2 : 1;
                case TWO_BELOW -> place < profiles - 1 ? 2 : 1;
                case TWO -> 2;
                case THREE -> 3;
                case FIVE -> 5;
            };
        }
    }

    Layout {
        profiles = List.copyOf(profiles);
        seeds = List.copyOf(seeds);
        criticalSequences = List.copyOf(criticalSequences);
    }

    /**
     * @param most largest budget of a profile, FLOPs
     * @param tokens that the corpus allows a run to see
     * @param headWidth where it is given
     * @return empty where the smallest models are too large for the budget, or the corpus is too short for it
     */
    static Optional<Layout> of(
            PriorLaw law, double most, double tokens, int context, Optional<Integer> headWidth, Seeds seeds) {
        int head = headWidth.orElseGet(() -> head(law, most));
        double least = leastBudget(law, head, context);
        if (most < least) {
            return Optional.empty();
        }
        int steps = (int) Math.round(Math.log(most / least) / Math.log(NARROWEST_STEP));
        int count = Math.max(2, Math.min(MOST_PROFILES, 1 + steps));
        double step = Math.min(WIDEST_STEP, Math.pow(most / least, 1.0 / (count - 1)));
        List<IsoFlopProfile> profiles = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double flops = rounded(most / Math.pow(step, count - 1.0 - i));
            Optional<IsoFlopProfile> profile = profile(law, flops, tokens, head, context);
            if (profile.isEmpty()) {
                return Optional.empty();
            }
            profiles.add(profile.get());
        }
        IsoFlopProfile middle = profiles.get(count / 2);
        List<Long> critical = varied(profiles).stream()
                .map(profile -> sequences(law.criticalBatch(profile.tokens(profile.best())) / context))
                .toList();
        long batch = Math.max(1, sequences(law.criticalBatch(middle.tokens(middle.best())) / context / BELOW_CRITICAL));
        return Optional.of(new Layout(
                profiles,
                head,
                batch,
                critical,
                context,
                IntStream.range(0, count).mapToObj(i -> seeds.of(i, count)).toList()));
    }

    private static List<IsoFlopProfile> varied(List<IsoFlopProfile> profiles) {
        int from = Math.max(0, profiles.size() - 1 - VARIED);
        return profiles.subList(from, from + VARIED);
    }

    /** The smallest budget whose expected best size lies well above the smallest rung, with enough sizes long enough. */
    static double leastBudget(PriorLaw law, int head, int context) {
        Rung least = Rung.first(head);
        double wanted = ABOVE_SMALLEST * least.parameters();
        Rung last = least;
        for (int i = 1; i < FEWEST_SIZES; i++) {
            last = last.next(head);
        }
        double flops = 1e6;
        while (law.bestSize(flops) < wanted
                || flops / (6 * Math.max(last.parameters(), LONG_ENOUGH * law.bestSize(flops)))
                        < fewestTokens(law, flops, context)) {
            flops *= 1.05;
        }
        return flops;
    }

    /** A batch is one sequence at least, so that long ones need more tokens for as many steps. */
    private static double fewestTokens(PriorLaw law, double flops, int context) {
        double critical = law.criticalBatch(flops / (6 * law.bestSize(flops)));
        return FEWEST_CRITICAL_BATCHES * Math.max(critical, BELOW_CRITICAL * (double) context);
    }

    private static int head(PriorLaw law, double most) {
        Rung rung = Rung.first(NARROW_HEAD);
        while (rung.parameters() < law.bestSize(most)) {
            rung = rung.next(NARROW_HEAD);
        }
        return rung.width() < WIDE ? NARROW_HEAD : WIDE_HEAD;
    }

    private static Optional<IsoFlopProfile> profile(PriorLaw law, double flops, double tokens, int head, int context) {
        List<Rung> ladder = new ArrayList<>();
        double best = law.bestSize(flops);
        for (Rung rung = Rung.first(head); ladder.size() < SIZES.length || rung.parameters() < 8 * best; ) {
            double seen = flops / (6 * rung.parameters());
            if (seen < fewestTokens(law, flops, context)) {
                break;
            }
            if (seen <= tokens) {
                ladder.add(rung);
            }
            rung = rung.next(head);
        }
        if (ladder.size() < FEWEST_SIZES) {
            return Optional.empty();
        }
        TreeSet<Integer> chosen = new TreeSet<>();
        for (double size : SIZES) {
            chosen.add(nearest(ladder, size * best));
        }
        // Where small models are few the next ones make up for them.
        while (chosen.size() < SIZES.length && chosen.last() + 1 < ladder.size()) {
            int free = IntStream.range(chosen.first(), ladder.size())
                    .filter(place -> !chosen.contains(place))
                    .findFirst()
                    .orElseThrow();
            chosen.add(free);
        }
        List<Rung> rungs = chosen.stream().map(ladder::get).toList();
        int centre = nearest(rungs, best);
        return centre == 0 || rungs.size() < FEWEST_SIZES
                ? Optional.empty()
                : Optional.of(new IsoFlopProfile(flops, rungs, centre));
    }

    private static int nearest(List<Rung> rungs, double parameters) {
        int nearest = 0;
        for (int i = 1; i < rungs.size(); i++) {
            if (distance(rungs.get(i), parameters) < distance(rungs.get(nearest), parameters)) {
                nearest = i;
            }
        }
        return nearest;
    }

    private static double distance(Rung rung, double parameters) {
        return Math.abs(Math.log(rung.parameters() / parameters));
    }

    /** The nearest power of two. */
    private static long sequences(double wanted) {
        return Math.round(Math.pow(2, Math.max(0, Math.round(Math.log(wanted) / Math.log(2)))));
    }

    /** To two digits, as people write budgets. */
    private static double rounded(double flops) {
        return Double.parseDouble(String.format(Locale.ROOT, "%.1e", flops));
    }

    /**
     * The entries of {@code grid.union}.
     *
     * @param rule of the learning rate, which is followed up to the critical batch: beyond it the best rate no longer grows
     */
    List<String> parts(LearningRateRule rule) {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < profiles.size(); i++) {
            IsoFlopProfile profile = profiles.get(i);
            String replicates = seeds.get(i) == 1
                    ? ""
                    : ", seeds: " + IntStream.range(0, seeds.get(i)).boxed().toList();
            parts.add(part(profile, profile.rungs(), List.of(batchSequences), replicates));
        }
        for (int i = 0; i < criticalSequences.size(); i++) {
            IsoFlopProfile profile = varied(profiles).get(i);
            long expected = criticalSequences.get(i);
            List<Long> below =
                    batches(i).stream().filter(batch -> batch <= expected).toList();
            if (!below.isEmpty()) {
                parts.add(part(profile, List.of(profile.best()), below, ""));
            }
            for (long batch : batches(i)) {
                if (batch > expected) {
                    parts.add(part(
                            profile,
                            List.of(profile.best()),
                            List.of(batch),
                            atCritical(rule, profile, batch, expected)));
                }
            }
        }
        String rates = ", learningRates: {factors: [0.5, 2]}";
        IsoFlopProfile small = varied(profiles).get(0);
        IsoFlopProfile next = varied(profiles).get(1);
        List<Rung> ends = List.of(
                small.rungs().get(0),
                small.best(),
                small.rungs().get(small.rungs().size() - 1));
        parts.add(part(small, ends, List.of(batchSequences), rates));
        parts.add(part(next, List.of(next.best()), List.of(batchSequences), rates));
        long critical = criticalSequences.get(0);
        if (batches(0).contains(critical)) {
            parts.add(part(small, List.of(small.best()), List.of(critical), rates));
        }
        return parts;
    }

    /** The rate of the critical batch, as a factor of what the rule gives a larger one. */
    private String atCritical(LearningRateRule rule, IsoFlopProfile profile, long batch, long expected) {
        double n = profile.best().parameters();
        double d = profile.tokens(profile.best());
        double factor = rule.peak(n, expected * (double) context, d) / rule.peak(n, batch * (double) context, d);
        String written = BigDecimal.valueOf(factor).round(new MathContext(2)).toPlainString();
        return factor == 1 ? "" : ", learningRates: {factors: [" + written + "]}";
    }

    /** Batches beside that of the profiles, as far as a run makes enough steps of them. */
    private List<Long> batches(int at) {
        IsoFlopProfile profile = varied(profiles).get(at);
        return IntStream.range(0, BATCHES.length)
                .mapToObj(i -> Math.max(1, Math.round(BATCHES[i] * criticalSequences.get(at))))
                .distinct()
                .filter(sequences -> sequences != batchSequences)
                .filter(sequences -> profile.tokens(profile.best()) >= FEWEST_STEPS * sequences * (double) context)
                .toList();
    }

    private String part(IsoFlopProfile profile, List<Rung> rungs, List<Long> sequences, String rest) {
        String sizes = rungs.stream()
                .map(rung -> "{layers: " + rung.layers() + ", width: " + rung.width() + ", heads: "
                        + rung.width() / headWidth + "}")
                .collect(Collectors.joining(", "));
        String batches =
                sequences.stream().map(each -> Long.toString(each * context)).collect(Collectors.joining(", "));
        return String.format(
                Locale.ROOT,
                "{budgets: [%.1e], modelSizes: [%s], batchSizes: [%s]%s}",
                profile.flops(),
                sizes,
                batches,
                rest);
    }
}
