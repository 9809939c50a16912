package dev.powersweep.fitting.law;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The closed forms of Kaplan et al. 2020 at their published constants. */
class KaplanFormsTest {
    private static final double ALPHA_N = 0.077;
    private static final double ALPHA_S = 0.76;
    private static final double ALPHA_B = 0.21;

    @Test
    void theExponentOfComputeFollowsFromTheOthers() {
        assertThat(KaplanForms.computeExponent(ALPHA_N, ALPHA_S, ALPHA_B)).isCloseTo(0.05245, within(5e-6));
    }

    @Test
    void optimalTrainingStopsTenPercentAboveTheConvergedLoss() {
        assertThat(KaplanForms.optimalExcess(ALPHA_N, ALPHA_S)).isCloseTo(0.10, within(0.002));
    }

    @Test
    void aModelTwiceTooLargeCostsAFifthMoreComputeAndSavesNearlyHalfTheSteps() {
        assertThat(KaplanForms.computeOffOptimum(2.2, ALPHA_N, ALPHA_S)).isCloseTo(1.20, within(0.005));
        assertThat(KaplanForms.stepsOffOptimum(2.2, ALPHA_N, ALPHA_S)).isCloseTo(0.55, within(0.005));
        assertThat(KaplanForms.stepsOffOptimum(1, ALPHA_N, ALPHA_S)).isEqualTo(1);
    }

    @Test
    void stoppingAtTheOptimumInsteadOfNearConvergenceSavesTwoThirdsOfTheCompute() {
        double f = KaplanForms.optimalExcess(ALPHA_N, ALPHA_S);

        assertThat(KaplanForms.sizeRatio(f, 0.02, ALPHA_N)).isCloseTo(2.708, within(5e-4));
        assertThat(KaplanForms.stepsRatio(f, 0.02, ALPHA_S)).isCloseTo(0.1308, within(5e-5));
        assertThat(KaplanForms.computeRatio(f, 0.02, ALPHA_N, ALPHA_S)).isCloseTo(0.3542, within(5e-5));
    }

    @Test
    void theLawsContradictEachOtherBeyondTenThousandPetaflopDays() {
        double limit = KaplanForms.limit(5.4e13, 0.095, 3.1e8, 0.050, 2e10, 0.27);

        assertThat(limit).isCloseTo(1.1e4, within(2e3));
        assertThat(Math.pow(5.4e13 / (2e10 * Math.pow(limit, 0.27)), 0.095)).isCloseTo(1.7, within(0.1));
    }

    @Test
    void theBatchCorrectionsMeetAtTheCriticalBatch() {
        double critical = KaplanForms.criticalBatch(2.5, 2.1e8, ALPHA_B);

        assertThat(KaplanForms.minimumSteps(1000, critical, critical)).isCloseTo(500, within(1e-9));
        assertThat(KaplanForms.minimumCompute(1e20, critical, critical)).isCloseTo(5e19, within(1e7));
        assertThat(KaplanForms.minimumSteps(1000, 1e6 * critical, critical)).isCloseTo(1000, within(0.01));
        assertThat(KaplanForms.minimumCompute(1e20, 1e-6 * critical, critical)).isCloseTo(1e20, within(1e15));
    }

    @Test
    void overfittingVanishesWithEnoughData() {
        double parameters = 1e9;
        double enough = 5e3 * Math.pow(parameters, 0.74);

        assertThat(KaplanForms.overfitting(parameters, enough, 6.4e13, 1.8e13, 0.076, 0.103))
                .isCloseTo(0.02, within(0.006));
        assertThat(KaplanForms.overfitting(parameters, 1e18, 6.4e13, 1.8e13, 0.076, 0.103))
                .isLessThan(1e-6);
        assertThat(KaplanForms.earlyStop(2.1, 2.0, 2.1e3, ALPHA_S))
                .isCloseTo(2.1e3 / Math.pow(0.1, 1 / ALPHA_S), within(1e-6));
    }
}
