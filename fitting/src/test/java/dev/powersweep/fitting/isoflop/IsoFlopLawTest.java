package dev.powersweep.fitting.isoflop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Profile;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.testdata.CsvResource;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IsoFlopLawTest {
    private static final FitOptions OPTIONS = FitOptions.defaults().threads(2);

    private static Observations porian(String configuration) {
        CsvResource rows =
                CsvResource.read("published/porian_isoflop.csv").where("configuration", configuration::equals);
        return Observations.builder()
                .column(Quantity.C, rows.numbers("flops"))
                .parameters(rows.numbers("n"))
                .tokens(rows.numbers("tokens"))
                .loss(rows.numbers("loss"))
                .build();
    }

    @Test
    void theLawGivesPoriansExponentWithAnIntervalLikeTheirsAndStatesTheOtherWays() {
        FitResult fit = Fitter.fit(
                Laws.byName("isoflop"),
                porian("rw-tuned-short-const-standard-val"),
                OPTIONS.bootstrap(200).resampling(FitOptions.Resampling.PARAMETRIC));

        assertThat(fit.value("a")).isCloseTo(.4970, within(5e-5));
        assertThat(fit.parameters().get("a").low()).isBetween(.47, .4970);
        assertThat(fit.parameters().get("a").high()).isBetween(.4970, .52);
        assertThat(fit.value("a_parabola")).isCloseTo(.5137, within(5e-5));
        assertThat(fit.value("a_spline")).isCloseTo(.4968, within(5e-5));
        assertThat(Math.abs(fit.value("bias_a"))).isLessThan(.02);
        assertThat(fit.holdOut().orElseThrow().rmsLog()).isLessThan(.5);
        assertThat(fit.predict(Point.of(Quantity.C, 1e18)).value())
                .isCloseTo(fit.value("k_N") * Math.pow(1e18, fit.value("a")), within(1.0));
    }

    /** Six budgets whose best sizes lie .3 of ln N about the law, where a loss is known to .0002. */
    @Test
    void intervalsHoldTheScatterOfMinimaAboutTheirLaw() {
        Random random = new Random(Long.getLong("test.seed", 20260101L));
        int held = 0;
        for (int set = 0; set < 100; set++) {
            double[] c = new double[6 * 7];
            double[] n = new double[c.length];
            double[] d = new double[c.length];
            double[] loss = new double[c.length];
            double moved = 0;
            for (int i = 0; i < c.length; i++) {
                moved = i % 7 == 0 ? .3 * random.nextGaussian() : moved;
                c[i] = 1e16 * Math.pow(4, Math.floorDiv(i, 7));
                double best = Math.log(1e7) + .5 * Math.log(c[i] / 1e16) + moved;
                double far = .5 * (i % 7 - 3);
                n[i] = Math.exp(best - moved + far);
                d[i] = c[i] / (6 * n[i]);
                loss[i] = 3 * Math.exp(.02 * Math.pow(far - moved, 2) + .0002 * random.nextGaussian());
            }
            Observations runs = Observations.builder()
                    .column(Quantity.C, c)
                    .parameters(n)
                    .tokens(d)
                    .loss(loss)
                    .build();
            FitResult fit = Fitter.fit(
                    IsoFlopLaw.parabola(), runs, OPTIONS.bootstrap(200).resampling(FitOptions.Resampling.PARAMETRIC));
            boolean holds = fit.parameters().get("a").low() < .5
                    && fit.parameters().get("a").high() > .5;
            held += holds ? 1 : 0;
        }
        // Binomial: fewer than 88 or all 100 of 100 at 95 % has a chance below 1 %.
        assertThat(held).isBetween(88, 99);
    }

    @Test
    void theParabolaStatesItsOwnBiasNextToTheEstimate() {
        FitResult fit =
                Fitter.fit(Laws.byName("isoflop-parabola"), porian("rw-tuned-short-const-standard-val"), OPTIONS);

        assertThat(fit.derived()).containsKeys("bias_a", "bias_N_at_10x", "bias_D_at_10x");
        assertThat(fit.warnings())
                .anySatisfy(warning -> assertThat(warning).contains("the parabola itself errs without any noise"));
    }

    @Test
    void aRunOfWeightZeroIsAsGoodAsAbsentAndABudgetOfWeightTwoCountsTwice() {
        Observations runs = porian("rw-tuned-short-const-standard-val");
        double[] c = runs.column(Quantity.C);
        double largest = Arrays.stream(c).max().orElseThrow();
        double[] none = Arrays.stream(c).map(x -> x > .99 * largest ? 0 : 1).toArray();
        double[] twice = Arrays.stream(c).map(x -> x > .99 * largest ? 2 : 1).toArray();

        FitResult all = Fitter.fit(IsoFlopLaw.spline(), runs, OPTIONS);
        FitResult without = Fitter.fit(IsoFlopLaw.spline(), runs.where(i -> none[i] > 0), OPTIONS);
        FitResult zero = Fitter.fit(IsoFlopLaw.spline(), weighted(runs, none), OPTIONS);
        FitResult two = Fitter.fit(IsoFlopLaw.spline(), weighted(runs, twice), OPTIONS);

        assertThat(zero.value("a")).isEqualTo(without.value("a"));
        // Leaving out moves the exponent one way, counting twice the other.
        assertThat((two.value("a") - all.value("a")) * (zero.value("a") - all.value("a")))
                .isNegative();
    }

    private static Observations weighted(Observations runs, double[] weights) {
        return Observations.builder()
                .column(Quantity.C, runs.column(Quantity.C))
                .parameters(runs.column(Quantity.N))
                .tokens(runs.column(Quantity.D))
                .loss(runs.column(Quantity.LOSS))
                .column(Quantity.WEIGHT, weights)
                .build();
    }

    @Test
    void profilesSurroundTheEstimateAndWidenWithTheLevel() {
        Observations runs = porian("rw-tuned-short-const-standard-val");

        FitResult fit = Fitter.fit(IsoFlopLaw.spline(), runs, OPTIONS.profiles());
        FitResult wide =
                Fitter.fit(IsoFlopLaw.spline(), runs, OPTIONS.confidence(.99).profiles());

        assertThat(fit.profiles()).extracting(Profile::parameter).containsExactly("k_N", "a", "k_D", "b", "k_L", "c");
        for (int i = 0; i < 6; i++) {
            Profile profile = fit.profiles().get(i);
            double best = fit.value(profile.parameter());
            assertThat(best).isBetween(profile.low(), profile.high());
            assertThat(profile.high() / profile.low())
                    .isLessThan(wide.profiles().get(i).high()
                            / wide.profiles().get(i).low());
            assertThat(Arrays.stream(profile.values()).min().orElseThrow()).isLessThan(profile.low());
        }
        assertThat(fit.profiles().get(1).objective()[20])
                .isCloseTo(fit.objective().sum(), within(1e-12));
        assertThat(fit.rollOut()).hasSize(5);
    }

    @Test
    void theIntervalDoesNotDependOnTheNumberOfThreads() {
        Observations runs = porian("rw-base-short-chinchilla-standard-val");
        FitOptions options = FitOptions.defaults().bootstrap(60).seed(5);
        FitResult one = Fitter.fit(IsoFlopLaw.spline(), runs, options.threads(1));
        FitResult three = Fitter.fit(IsoFlopLaw.spline(), runs, options.threads(3));

        assertThat(three.parameters()).isEqualTo(one.parameters());
    }

    @Test
    void runsThatAreNotOnBudgetsAreRefused() {
        double[] n = {1e6, 2e6, 4e6, 8e6, 1.6e7};
        double[] d = {1e8, 3e8, 2e8, 5e8, 7e8};
        assertThatThrownBy(() -> Fitter.fit(
                        IsoFlopLaw.spline(), Observations.of(n, d, new double[] {5, 4, 3.9, 3.5, 3}), OPTIONS))
                .isInstanceOfSatisfying(FitRefusal.class, refused -> {
                    assertThat(refused.reason()).isEqualTo(FitRefusal.Reason.TOO_FEW_SIZES);
                    assertThat(refused.sentence()).contains("at least 2 compute budgets", "train several sizes");
                });
    }

    @Test
    void budgetsWhoseBestSizeIsAlwaysAnEdgeAreRefused() {
        double[] n = new double[8];
        double[] d = new double[8];
        double[] loss = new double[8];
        for (int i = 0; i < 8; i++) {
            n[i] = 1e6 * Math.pow(2, i % 4);
            d[i] = (i < 4 ? 1e16 : 1e17) / 6 / n[i];
            loss[i] = 5 - .3 * (i % 4) - (i < 4 ? 0 : .5);
        }
        assertThatThrownBy(() -> Fitter.fit(IsoFlopLaw.spline(), Observations.of(n, d, loss), OPTIONS))
                .isInstanceOfSatisfying(FitRefusal.class, refused -> {
                    assertThat(refused.reason()).isEqualTo(FitRefusal.Reason.EDGE_MINIMUM);
                    assertThat(refused.sentence()).contains("largest size (N = 8.000e+06)", "add larger models");
                });
    }

    @Test
    void givenOptimaAreFittedAsTheyAre() {
        CsvResource rows =
                CsvResource.read("published/nanochat_optima.csv").where("convention", "transformer_only"::equals);
        FitResult fit = Fitter.fit(
                Laws.byName("optima"),
                Observations.builder()
                        .column(Quantity.C, rows.numbers("flops"))
                        .parameters(rows.numbers("n"))
                        .tokens(rows.numbers("tokens"))
                        .build(),
                OPTIONS);
        assertThat(fit.value("a")).isCloseTo(.6965, within(5e-5));
        assertThat(fit.value("b")).isCloseTo(.4058, within(5e-5));
    }

    @Test
    void singleRunsAreNotTakenForOptima() {
        double[] n = {1e6, 4e6, 2e6};
        double[] d = {1e8, 1e8, 4e8};
        assertThatThrownBy(() ->
                        Fitter.fit(Laws.byName("optima"), Observations.of(n, d, new double[] {4, 3.5, 3.4}), OPTIONS))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("the size does not grow")
                .hasMessageContaining("fit chinchilla or isoflop");
    }

    @Test
    void trainingCurvesGiveTheirEnvelope() {
        int sizes = 12;
        int records = 60;
        double[] n = new double[sizes * records];
        double[] d = new double[n.length];
        double[] loss = new double[n.length];
        int[] run = new int[n.length];
        for (int i = 0; i < n.length; i++) {
            run[i] = i / records;
            n[i] = 1e6 * Math.pow(1.8, run[i]);
            d[i] = 1e7 * Math.pow(1e4, (i % records) / (records - 1.0));
            loss[i] = 1.69 + 406.4 * Math.pow(n[i], -.34) + 410.7 * Math.pow(d[i], -.28);
        }
        FitResult fit = Fitter.fit(
                Laws.byName("envelope"),
                Observations.builder()
                        .parameters(n)
                        .tokens(d)
                        .loss(loss)
                        .runs(run)
                        .build(),
                OPTIONS.bootstrap(50));

        assertThat(fit.value("a_middles")).isCloseTo(.28 / .62, within(.03));
        assertThat(fit.value("a")).isCloseTo(.28 / .62, within(.05));
        assertThat(fit.runs()).isEqualTo(sizes);
        assertThat(fit.warnings()).anySatisfy(w -> assertThat(w).contains("constant learning rate"));

        Observations finals = Observations.builder()
                .parameters(Arrays.copyOf(n, 5))
                .tokens(Arrays.copyOf(d, 5))
                .loss(Arrays.copyOf(loss, 5))
                .build();
        assertThatThrownBy(() -> Fitter.fit(new EnvelopeLaw(), finals, OPTIONS))
                .isInstanceOfSatisfying(FitRefusal.class, refused -> assertThat(refused.sentence())
                        .contains("training curves", "give the loss along training"));
    }
}
