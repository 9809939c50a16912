package dev.powersweep.fitting.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.batch.ThreeTerm;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.testdata.CsvResource;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PlannerTest {
    private static final long SEED = Long.getLong("test.seed", 20260101L);
    private static final FitOptions OPTIONS = FitOptions.defaults().threads(2);
    private static final double G = Math.pow(.34 * 406.4 / (.28 * 410.7), 1 / .62);

    private static Observations hoffmann(double noise) {
        Random random = new Random(SEED);
        double[] n = new double[48];
        double[] d = new double[48];
        double[] loss = new double[48];
        for (int i = 0; i < 48; i++) {
            n[i] = 1e7 * Math.pow(3, i / 8);
            d[i] = 1e8 * Math.pow(3, i % 8);
            loss[i] = (1.69 + 406.4 * Math.pow(n[i], -.34) + 410.7 * Math.pow(d[i], -.28))
                    * Math.exp(noise * random.nextGaussian());
        }
        return Observations.of(n, d, loss);
    }

    private static FitResult exact() {
        return Fitter.fit(Laws.byName("chinchilla"), hoffmann(0), OPTIONS);
    }

    private static FitResult noisy() {
        return Fitter.fit(Laws.byName("chinchilla"), hoffmann(.005), OPTIONS.bootstrap(200));
    }

    @Test
    void aBudgetIsDividedAsHoffmannsClosedFormSays() {
        Plan plan = new Planner(exact()).plan(new Goal.Flops(1e21));
        double n = G * Math.pow(1e21 / 6, .28 / .62);

        assertThat(plan.n().value() / n).isCloseTo(1, within(1e-6));
        assertThat(6 * plan.n().value() * plan.d().value() / 1e21).isCloseTo(1, within(1e-12));
        assertThat(plan.loss().value())
                .isCloseTo(1.69 + 406.4 * Math.pow(n, -.34) + 410.7 * Math.pow(1e21 / 6 / n, -.28), within(1e-8));
        assertThat(plan.gains()).hasSize(3);
        assertThat(plan.gains().get(0).nats().value())
                .isGreaterThan(plan.gains().get(1).nats().value());
        assertThat(plan.warnings()).anySatisfy(w -> assertThat(w).contains("no bootstrap refits"));
    }

    @Test
    void theNumericalOptimumAgreesWithTheClosedForm() {
        FitResult fit = exact();
        FitResult renamed = FitResult.of("another-name", fit.formula())
                .parameter("E", fit.parameters().get("E"))
                .parameter("A", fit.parameters().get("A"))
                .parameter("B", fit.parameters().get("B"))
                .parameter("alpha", fit.parameters().get("alpha"))
                .parameter("beta", fit.parameters().get("beta"))
                .predictor(fit.predictor())
                .build();
        Optimum numerical = OptimalFrontier.of(renamed).at(fit.values(), 1e20);
        Optimum closed = OptimalFrontier.of(fit).at(fit.values(), 1e20);

        assertThat(numerical.n() / closed.n()).isCloseTo(1, within(1e-6));
        assertThat(numerical.loss()).isCloseTo(closed.loss(), within(1e-12));
    }

    @Test
    void goalsInLossTokensAndParametersMeetTheirTargets() {
        Planner planner = new Planner(exact());
        assertThat(planner.plan(new Goal.Loss(2.2)).loss().value()).isCloseTo(2.2, within(1e-10));
        assertThat(planner.plan(new Goal.Tokens(1e12)).d().value() / 1e12).isCloseTo(1, within(1e-9));
        assertThat(planner.plan(new Goal.Parameters(7e10)).n().value() / 7e10).isCloseTo(1, within(1e-9));
        double budget = planner.plan(new Goal.Loss(2.2)).flops().value();
        assertThat(planner.plan(new Goal.Flops(budget)).loss().value()).isCloseTo(2.2, within(1e-9));
    }

    @Test
    void intervalsCoverTheTruthAndTheAnswerMovesWithTheExponent() {
        Plan plan = new Planner(noisy()).plan(new Goal.Flops(1e20));
        double n = G * Math.pow(1e20 / 6, .28 / .62);

        assertThat(plan.n().low()).isLessThan(n);
        assertThat(plan.n().high()).isGreaterThan(n);
        Plan.Sensitivity sensitivity = plan.sensitivity().orElseThrow();
        assertThat(sensitivity.exponentLow()).isLessThan(sensitivity.exponent());
        assertThat(sensitivity.exponentHigh()).isGreaterThan(sensitivity.exponent());
        assertThat(sensitivity.nAtLow()).isNotEqualTo(sensitivity.nAtHigh());
        assertThat(plan.regret().low()).isGreaterThanOrEqualTo(-1e-9);
        assertThat(plan.regret().high()).isBetween(0.0, .05);
    }

    @Test
    void isoFlopOptimaGiveAPlanButNoDesign() {
        CsvResource rows = CsvResource.read("published/porian_isoflop.csv")
                .where("configuration", "rw-tuned-short-const-standard-val"::equals);
        FitResult fit = Fitter.fit(
                Laws.byName("isoflop"),
                Observations.builder()
                        .column(Quantity.C, rows.numbers("flops"))
                        .parameters(rows.numbers("n"))
                        .tokens(rows.numbers("tokens"))
                        .loss(rows.numbers("loss"))
                        .build(),
                OPTIONS.bootstrap(100).resampling(FitOptions.Resampling.PARAMETRIC));
        Planner planner = new Planner(fit);
        Plan plan = planner.plan(new Goal.Flops(1e20));

        assertThat(plan.tokensPerParameter().value()).isBetween(10.0, 30.0);
        assertThat(plan.n().low()).isLessThan(plan.n().value());
        assertThat(plan.loss().value()).isBetween(2.0, 3.5);
        assertThat(plan.regret().value()).isNaN();
        assertThat(planner.plan(new Goal.Loss(3.0)).loss().value()).isCloseTo(3, within(1e-9));
        assertThatThrownBy(() -> SuggestedDesign.suggest(fit, 1e22, 1e20, 4))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("fit chinchilla instead");
    }

    @Test
    void kaplansLawOfSizeAndDataDividesABudgetToo() {
        FitResult fit = Fitter.fit(Laws.byName("kaplan-nd"), hoffmann(.003), OPTIONS);
        Optimum best = OptimalFrontier.of(fit).at(fit.values(), 1e20);
        for (double factor : new double[] {.8, 1.25}) {
            assertThat(OptimalFrontier.of(fit).loss(fit.values(), factor * best.n(), best.d() / factor))
                    .isGreaterThan(best.loss());
        }
    }

    @Test
    void ratesTurnFlopsIntoTimeEnergyAndMoneyAndBack() {
        Accelerator rates = new Accelerator("example", 1e15, .4, 2.5, "EUR", 700);
        Accelerator.Cost cost = new Planner(exact())
                .rates(rates, 64)
                .plan(new Goal.Flops(1.44e21))
                .cost()
                .orElseThrow();

        assertThat(cost.acceleratorHours()).isCloseTo(1000, within(1e-9));
        assertThat(cost.wallClockHours()).isCloseTo(1000 / 64.0, within(1e-9));
        assertThat(cost.kilowattHours()).isCloseTo(700, within(1e-9));
        assertThat(cost.money()).isCloseTo(2500, within(1e-9));
        assertThat(rates.flops(1000)).isCloseTo(1.44e21, within(1e9));
        assertThatThrownBy(() -> new Accelerator("example", 1e15, 40, 1, "EUR", 700))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("utilisation = 40.0");
    }

    @Test
    void theBatchComesFromTheCriticalOneAndTheStepsFollow() {
        ThreeTerm law = ThreeTerm.constant();
        double[] truth = {1.69, 406.4, 410.7, .34, .28, 2e5};
        double[] n = new double[64];
        double[] d = new double[64];
        double[] b = new double[64];
        double[] loss = new double[64];
        for (int i = 0; i < 64; i++) {
            n[i] = 1e6 * Math.pow(4, i / 16);
            d[i] = 1e8 * Math.pow(4, i / 4 % 4);
            b[i] = 1.6e4 * Math.pow(5, i % 4);
            loss[i] = law.predict(truth, Point.nd(n[i], d[i]).and(Quantity.B, b[i]));
        }
        FitResult fit = Fitter.fit(
                law,
                Observations.builder()
                        .parameters(n)
                        .tokens(d)
                        .column(Quantity.B, b)
                        .loss(loss)
                        .build(),
                OPTIONS);
        Plan plan = new Planner(fit)
                .batch(new BatchChoice(fit, BatchChoice.DEFAULT_OVERHEAD))
                .plan(new Goal.Flops(1e20));

        assertThat(plan.batch().orElseThrow().value()).isCloseTo(4e4, within(10.0));
        assertThat(plan.steps().orElseThrow().value()
                        * plan.batch().orElseThrow().value())
                .isCloseTo(plan.d().value(), within(1e-3 * plan.d().value()));
        assertThat(plan.learningRate().source()).contains("Kaplan");
        assertThatThrownBy(() -> new BatchChoice(exact(), .2)).hasMessageContaining("does not give a critical batch");
    }

    @Test
    void plansThatAFitCannotMakeAreRefused() {
        Planner planner = new Planner(exact());
        assertThatThrownBy(() -> planner.plan(new Goal.Loss(1.6)))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("irreducible loss");
        assertThatThrownBy(() -> new Goal.Flops(-1)).isInstanceOf(FitRefusal.class);
        FitResult onlyN = Fitter.fit(Laws.byName("kaplan-n"), hoffmann(.01), OPTIONS);
        assertThatThrownBy(() -> new Planner(onlyN))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("both N and D");
    }

    /** β at its end leaves nothing of the data's term at any D that was trained. */
    @Test
    void aFitInWhichNothingBoundsTheDivisionNamesOtherLawsAndWhatToVary() {
        FitResult fit = exact();
        FitResult flat = FitResult.of("chinchilla", fit.formula())
                .parameter("E", fit.parameters().get("E"))
                .parameter("A", fit.parameters().get("A"))
                .parameter("B", fit.parameters().get("B"))
                .parameter("alpha", fit.parameters().get("alpha"))
                .parameter("beta", Estimate.of(90, ""))
                .predictor(fit.predictor())
                .build();

        assertThatThrownBy(() -> new Planner(flat))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("the loss does not change with D")
                .hasMessageContaining("vary D more widely")
                .hasMessageEndingWith("plan from kaplan-nd or three-term or isoflop.");
    }

    @Test
    void suggestedCellsShrinkTheUncertaintyAndEarlierOnesMoreThanLaterOnes() {
        OptimalDesign design = SuggestedDesign.suggest(noisy(), 1e23, 2e20, 6);

        assertThat(design.identifiable()).isTrue();
        assertThat(design.cells()).isNotEmpty().hasSizeLessThanOrEqualTo(6);
        assertThat(design.flops()).isLessThanOrEqualTo(2e20);
        assertThat(design.deviationAfter()).isLessThan(.9 * design.deviationBefore());
        assertThat(design.deviationsAfter()).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    }

    @Test
    void thePromisedShrinkageIsWhatRefittingDelivers() {
        Random random = new Random(SEED);
        FitOptions squares = OPTIONS.objective(dev.powersweep.fitting.optimise.Objective.MSE_LOG);
        Observations first = hoffmann(.005);
        FitResult fit = Fitter.fit(Laws.byName("chinchilla"), first, squares);
        OptimalDesign design = SuggestedDesign.suggest(fit, 1e22, 5e19, 8);

        double[] before = new double[150];
        double[] after = new double[150];
        for (int k = 0; k < before.length; k++) {
            before[k] = logOptimum(first, List.of(), random);
            after[k] = logOptimum(first, design.cells(), random);
        }
        double promised = design.deviationAfter() / design.deviationBefore();
        assertThat(deviation(after) / deviation(before))
                .as("seed %d", SEED)
                .isCloseTo(promised, within(.25 * promised));
    }

    /** Refits simulated runs of the design by Gauss-Newton from the truth; ln N_opt at 1e22. */
    private static double logOptimum(Observations first, List<DesignCell> further, Random random) {
        int rows = first.size() + further.size();
        double[] n = new double[rows];
        double[] d = new double[rows];
        double[] loss = new double[rows];
        for (int i = 0; i < rows; i++) {
            boolean old = i < first.size();
            n[i] = old ? first.at(Quantity.N, i) : further.get(i - first.size()).n();
            d[i] = old ? first.at(Quantity.D, i) : further.get(i - first.size()).d();
            // Seeds of one cell differ in the last digits, so that they are not duplicates.
            d[i] *= 1 + 1e-9 * i;
            loss[i] = (1.69 + 406.4 * Math.pow(n[i], -.34) + 410.7 * Math.pow(d[i], -.28))
                    * Math.exp(.005 * random.nextGaussian());
        }
        double[] theta = {Math.log(1.69), Math.log(406.4), Math.log(410.7), .34, .28};
        for (int step = 0; step < 30; step++) {
            double[][] design = new double[rows][];
            double[] residual = new double[rows];
            for (int i = 0; i < rows; i++) {
                double e = Math.exp(theta[0]);
                double a = Math.exp(theta[1] - theta[3] * Math.log(n[i]));
                double b = Math.exp(theta[2] - theta[4] * Math.log(d[i]));
                double sum = e + a + b;
                design[i] =
                        new double[] {e / sum, a / sum, b / sum, -a / sum * Math.log(n[i]), -b / sum * Math.log(d[i])};
                residual[i] = Math.log(loss[i] / sum);
            }
            double[] move = dev.powersweep.fitting.linear.LeastSquares.solve(design, residual)
                    .orElseThrow()
                    .coefficients();
            for (int j = 0; j < 5; j++) {
                theta[j] += move[j];
            }
        }
        double[] p = {Math.exp(theta[0]), Math.exp(theta[1]), Math.exp(theta[2]), theta[3], theta[4]};
        return Math.log(p[3] * p[1] / (p[4] * p[2])) / (p[3] + p[4]) + p[4] / (p[3] + p[4]) * Math.log(1e22 / 6);
    }

    private static double deviation(double[] values) {
        double mean = java.util.Arrays.stream(values).average().orElseThrow();
        return Math.sqrt(java.util.Arrays.stream(values)
                        .map(x -> (x - mean) * (x - mean))
                        .sum()
                / values.length);
    }
}
