package dev.powersweep.fitting.uncertainty;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.fitting.law.KaplanPower;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class LackOfFitTest {
    private static final KaplanPower LAW = KaplanPower.ofParameters(KaplanPower.Irreducible.NONE);

    /** Eight sizes with three seeds each. */
    private static FitResult fit(DoubleUnaryOperator law, double noise, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] n = new double[24];
        double[] loss = new double[24];
        for (int i = 0; i < n.length; i++) {
            n[i] = 1e5 * Math.pow(2, Math.floorDiv(i, 3));
            loss[i] = law.applyAsDouble(n[i]) * Math.exp(noise * random.nextGaussian());
        }
        return ParametricFit.fit(
                LAW,
                Observations.builder()
                        .column(Quantity.N, n)
                        .column(Quantity.LOSS, loss)
                        .build(),
                FitOptions.defaults().bootstrap(0));
    }

    private static boolean doubted(FitResult fit) {
        return fit.warnings().stream().anyMatch(warning -> warning.startsWith("Lack of fit"));
    }

    @Test
    void aWrongFormIsToldFromNoise() {
        FitResult floor = fit(n -> 2 + Math.pow(1e6 / n, 0.5), 0.003, 5);
        assertThat(doubted(floor)).as(floor.warnings().toString()).isTrue();
    }

    @Test
    void theRightFormIsDoubtedAsSeldomAsTheTestSays() {
        int doubts = 0;
        for (int set = 0; set < 200; set++) {
            doubts += doubted(fit(n -> Math.pow(1e13 / n, 0.08), 0.005, 100 + set)) ? 1 : 0;
        }
        // 1 % of 200 by the test's level; the fit is by Huber's function, not least squares.
        assertThat(doubts).isLessThanOrEqualTo(8);
    }

    @Test
    void withoutRepetitionsNothingIsSaid() {
        assertThat(LackOfFit.of(
                        LAW,
                        Observations.of(new double[] {1, 2, 3}, new double[] {1, 2, 3}, new double[] {3, 2, 1}),
                        java.util.List.of()))
                .isEmpty();
    }
}
