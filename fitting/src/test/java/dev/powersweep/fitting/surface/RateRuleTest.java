package dev.powersweep.fitting.surface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RateRuleTest {
    private static final long SEED = Long.getLong("test.seed", 1);
    private static final double[] FACTORS = {1 / 8.0, 1 / 4.0, 1 / 2.0, 1, 2, 4, 8};

    /** Losses 0.06·(ln η/η*)², steeper above, and without bound from eight times η* on: a corner that diverges. */
    private static RateRule.Trial trial(
            double n, double b, double d, double best, double[] rates, Random random, double noise) {
        double[] losses = Arrays.stream(rates)
                .map(rate -> {
                    double x = Math.log(rate / best);
                    return 3
                            + 0.06 * x * x
                            + 0.02 * Math.max(0, x) * x * x
                            + (x > 1.9 ? 20 : 0)
                            + noise * random.nextGaussian();
                })
                .toArray();
        return new RateRule.Trial(n, b, d, rates, losses);
    }

    private static double[] around(double middle) {
        return Arrays.stream(FACTORS).map(factor -> factor * middle).toArray();
    }

    private static List<RateRule.Trial> grid(Random random, double noise) {
        List<RateRule.Trial> trials = new ArrayList<>();
        for (double n : new double[] {25e3, 1e5, 4e5}) {
            for (double b : new double[] {256, 1024, 4096}) {
                for (double d : new double[] {1e6, 4e6}) {
                    double best = 0.5 * Math.pow(n, -0.5) * Math.pow(b, 0.4) * Math.pow(d, -0.1);
                    trials.add(
                            trial(n, b, d, best, around(best * Math.exp(0.3 * random.nextGaussian())), random, noise));
                }
            }
        }
        return trials;
    }

    @Test
    void theExponentsAreRecoveredWithHonestIntervals() {
        Random random = new Random(SEED);
        int inside = 0;
        int rounds = 200;
        for (int round = 0; round < rounds; round++) {
            RateRule rule = RateRule.fit(grid(random, 0.002), 0.95);
            assertThat(rule.exponents().get(Quantity.N).value()).isCloseTo(-0.5, within(0.15));
            assertThat(rule.exponents().get(Quantity.B).value()).isCloseTo(0.4, within(0.15));
            assertThat(rule.exponents().get(Quantity.D).value()).isCloseTo(-0.1, within(0.3));
            if (rule.exponents().get(Quantity.N).low() <= -0.5
                    && rule.exponents().get(Quantity.N).high() >= -0.5) {
                inside++;
            }
            assertThat(rule.scatter()).isBetween(1.0, 1.4);
        }
        assertThat(inside).as("seed %d: intervals at 95 %%", SEED).isBetween((int) (0.90 * rounds), rounds - 1);
    }

    @Test
    void ratesFarApartAreFittedByTheNeighboursOfTheBest() {
        RateRule rule = RateRule.fit(
                List.of(trial(1e5, 1024, 1e6, 4e-3, new double[] {5e-5, 5e-4, 5e-3, 5e-2, 5e-1}, new Random(SEED), 0)),
                0.95);
        assertThat(rule.optima().get(0).place()).isEqualTo(RateRule.Place.INSIDE);
        // Within half the spacing.
        assertThat(rule.coefficient()).isBetween(4e-3 / Math.sqrt(10), 4e-3 * Math.sqrt(10));
    }

    @Test
    void aMinimumAtTheEdgeIsABoundAndDoesNotEnter() {
        Random random = new Random(SEED);
        List<RateRule.Trial> trials = new ArrayList<>(grid(random, 0));
        RateRule before = RateRule.fit(trials, 0.95);
        trials.add(trial(1.6e6, 256, 1e6, 1e-3, new double[] {4e-3, 5e-3, 6e-3}, random, 0));
        trials.add(trial(1.6e6, 512, 1e6, 1e-1, new double[] {4e-3, 5e-3, 6e-3}, random, 0));
        trials.add(trial(1.6e6, 1024, 1e6, 5e-3, new double[] {4e-3, 5e-3}, random, 0));
        RateRule after = RateRule.fit(trials, 0.95);
        assertThat(after.optima().subList(18, 21))
                .extracting(RateRule.Optimum::place)
                .containsExactly(RateRule.Place.LOWER_EDGE, RateRule.Place.UPPER_EDGE, RateRule.Place.UNKNOWN);
        assertThat(after.exponents()).isEqualTo(before.exponents());
    }

    @Test
    void whatDoesNotVaryHasNoExponentAndTwoMinimaHaveNoInterval() {
        Random random = new Random(SEED);
        RateRule rule = RateRule.fit(
                List.of(
                        trial(1e5, 1024, 1e6, 4e-3, around(4e-3), random, 0),
                        trial(4e5, 1024, 1.001e6, 2e-3, around(2e-3), random, 0)),
                0.95);
        assertThat(rule.exponents().get(Quantity.N).value()).isCloseTo(-0.5, within(0.01));
        assertThat(rule.exponents().get(Quantity.N).hasInterval()).isFalse();
        assertThat(rule.exponents().get(Quantity.B).value()).isZero();
        assertThat(rule.exponents().get(Quantity.D).value()).isZero();
        assertThat(rule.rate(1e5, 1024, 1e6)).isCloseTo(4e-3, within(3e-4));
    }

    @Test
    void whatCannotBeToldIsRefusedInASentence() {
        Random random = new Random(SEED);
        assertThatThrownBy(() -> RateRule.fit(
                        List.of(trial(1e5, 256, 1e6, 1e-3, new double[] {4e-3, 5e-3, 6e-3}, random, 0)), 0.95))
                .isInstanceOf(FitRefusal.class)
                .hasMessageStartingWith(
                        "no best learning rate lies inside the rates that were tried (1 of 1 at an edge); try");
        assertThatThrownBy(() -> RateRule.fit(
                        List.of(
                                trial(1e5, 256, 1e6, 4e-3, around(4e-3), random, 0),
                                trial(2e5, 256, 2e6, 4e-3, around(4e-3), random, 0),
                                trial(4e5, 256, 4e6, 4e-3, around(4e-3), random, 0)),
                        0.95))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("do not tell the exponents of [N, D] apart");
    }
}
