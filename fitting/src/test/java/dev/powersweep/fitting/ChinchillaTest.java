package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.law.Laws;
import dev.powersweep.fitting.runs.Observations;
import org.junit.jupiter.api.Test;

class ChinchillaTest {
    @Test
    void plantedParametersComeBackFromNoiseFreeLosses() {
        double[] n = new double[48];
        double[] d = new double[48];
        double[] loss = new double[48];
        for (int i = 0; i < 48; i++) {
            n[i] = 1e7 * Math.pow(2, i % 8);
            d[i] = 1e9 * Math.pow(3, Math.floorDiv(i, 8));
            loss[i] = 1.69 + 406.4 / Math.pow(n[i], 0.34) + 410.7 / Math.pow(d[i], 0.28);
        }

        FitResult fit = Fitter.fit(Laws.byName("chinchilla"), Observations.of(n, d, loss), FitOptions.defaults());

        assertThat(fit.value("alpha")).isCloseTo(0.34, within(0.34e-8));
        assertThat(fit.value("beta")).isCloseTo(0.28, within(0.28e-8));
        assertThat(fit.value("E")).isCloseTo(1.69, within(1.69e-8));
        assertThat(fit.value("A")).isCloseTo(406.4, within(406.4e-8));
        assertThat(fit.value("B")).isCloseTo(410.7, within(410.7e-8));
        assertThat(fit.convergence().certified()).isTrue();
    }
}
