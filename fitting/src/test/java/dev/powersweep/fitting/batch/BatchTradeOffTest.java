package dev.powersweep.fitting.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.batch.BatchTradeOff.Determined;
import dev.powersweep.fitting.batch.BatchTradeOff.Reason;
import dev.powersweep.fitting.batch.BatchTradeOff.Undetermined;
import dev.powersweep.fitting.linear.PowerLaw;
import dev.powersweep.fitting.testdata.CsvResource;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BatchTradeOffTest {
    private static final long SEED = Long.getLong("test.seed", 20260101L);
    private static final CsvResource STEPS = CsvResource.read("published/zhang_steps.csv");
    private static final CsvResource FITS = CsvResource.read("published/zhang_fits.csv");

    private static Determined zhang(String millions) {
        CsvResource rows = STEPS.where("params_millions", millions::equals);
        return (Determined) BatchTradeOff.fit(rows.numbers("batch_sequences"), rows.numbers("steps"));
    }

    @Test
    void zhangsFiveFitsAndTheirTwentyPerCentSizesAreReproduced() {
        assertThat(FITS.rows()).hasSize(5);
        for (int i = 0; i < 5; i++) {
            Determined fit = zhang(FITS.text(i, "params_millions"));
            assertThat(fit.minimalSteps()).isCloseTo(FITS.numbers("a_steps")[i], within(1e-3));
            assertThat(fit.minimalData() / FITS.numbers("b_sequences")[i]).isCloseTo(1, within(3e-7));
            assertThat(fit.batchAtOverhead(.2, 256))
                    .isCloseTo(FITS.numbers("critical_batch_20_percent")[i], within(5e-4));
            assertThat(fit.criticalBatch()).isBetween(fit.criticalBatchLow(), fit.criticalBatchHigh());
        }
    }

    @Test
    void fitsAndProfileIntervalsAgreeWithScipy() {
        CsvResource golden = CsvResource.read("golden/zhang.csv");
        assertThat(golden.rows()).hasSize(5);
        for (int i = 0; i < 5; i++) {
            Determined fit = zhang(golden.text(i, "params_millions"));
            assertThat(fit.minimalSteps() / golden.numbers("minimal_steps")[i]).isCloseTo(1, within(1e-8));
            assertThat(fit.minimalData() / golden.numbers("minimal_data")[i]).isCloseTo(1, within(1e-8));
            assertThat(fit.criticalBatchLow() / golden.numbers("low")[i]).isCloseTo(1, within(1e-6));
            assertThat(fit.criticalBatchHigh() / golden.numbers("high")[i]).isCloseTo(1, within(1e-6));
        }
    }

    @Test
    void zhangsLawOfTheCriticalBatchInMillionsOfParametersIsReproduced() {
        double[] millions = FITS.numbers("params_millions");
        double[] batch = new double[5];
        for (int i = 0; i < 5; i++) {
            batch[i] = zhang(FITS.text(i, "params_millions")).batchAtOverhead(.2, 256);
        }
        PowerLaw law = PowerLaw.fit(millions, batch).orElseThrow();

        assertThat(law.coefficient()).isCloseTo(93.197, within(5e-4));
        assertThat(law.exponent()).isCloseTo(.46828, within(5e-6));
    }

    @Test
    void kaplansHyperbolaHoldsAtEveryBatchOfAFit() {
        Determined fit = zhang("302");
        for (double batch : new double[] {1, 100, 1e4, 1e6}) {
            double steps = fit.steps(batch) / fit.minimalSteps() - 1;
            double data = fit.data(batch) / fit.minimalData() - 1;
            assertThat(steps * data).isCloseTo(1, within(1e-9));
        }
    }

    @Test
    void noiseFreeTradeOffsAreRecoveredAtEveryScale() {
        Random random = new Random(SEED);
        for (int trial = 0; trial < 300; trial++) {
            double minimalSteps = Math.pow(10, 1 + 5 * random.nextDouble());
            double critical = Math.pow(10, 2 + 6 * random.nextDouble());
            double[] batch = new double[3 + random.nextInt(8)];
            double[] steps = new double[batch.length];
            for (int i = 0; i < batch.length; i++) {
                batch[i] = critical * Math.pow(10, 3 * (double) i / (batch.length - 1) - 2 + random.nextDouble());
                steps[i] = minimalSteps * (1 + critical / batch[i]);
            }
            Determined fit = (Determined) BatchTradeOff.fit(batch, steps);
            assertThat(fit.criticalBatch() / critical)
                    .as("seed %d, trial %d", SEED, trial)
                    .isCloseTo(1, within(1e-8));
            assertThat(fit.minimalSteps() / minimalSteps).isCloseTo(1, within(1e-8));
        }
    }

    @Test
    void theProfileIntervalCoversTheTruthAboutNineteenTimesInTwenty() {
        Random random = new Random(SEED);
        int covered = 0;
        int trials = 2000;
        double[] batch = {8, 16, 32, 64, 128, 256, 512, 1024};
        for (int trial = 0; trial < trials; trial++) {
            double[] steps = new double[batch.length];
            for (int i = 0; i < batch.length; i++) {
                steps[i] = 1000 * (1 + 100 / batch[i]) * Math.exp(.05 * random.nextGaussian());
            }
            Determined fit = (Determined) BatchTradeOff.fit(batch, steps);
            if (fit.criticalBatchLow() <= 100 && 100 <= fit.criticalBatchHigh()) {
                covered++;
            }
        }
        assertThat((double) covered / trials).as("seed %d", SEED).isBetween(.93, .97);
    }

    @Test
    void batchesThatDoNotBracketTheCriticalSizeAreRefusedByKind() {
        double[] batch = {8, 16, 32, 64};
        assertThat(BatchTradeOff.fit(batch, new double[] {8000, 4000, 2000, 1000}))
                .isEqualTo(new Undetermined(Reason.ALL_BELOW_CRITICAL));
        assertThat(BatchTradeOff.fit(batch, new double[] {1000, 1000, 1000, 1000}))
                .isEqualTo(new Undetermined(Reason.ALL_ABOVE_CRITICAL));
        assertThat(BatchTradeOff.fit(new double[] {8, 8, 16}, new double[] {100, 101, 60}))
                .isEqualTo(new Undetermined(Reason.TOO_FEW_BATCHES));
    }
}
