package dev.powersweep.fitting.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.FitRefusal.Reason;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RefusalTest {
    private final double[] n = new double[36];
    private final double[] d = new double[36];
    private final double[] loss = new double[36];

    RefusalTest() {
        for (int i = 0; i < 36; i++) {
            n[i] = 1e7 * Math.pow(2, i % 6);
            d[i] = 1e9 * Math.pow(2, Math.floorDiv(i, 6));
            loss[i] = 1.7 + 400 / Math.pow(n[i], 0.34) + 410 / Math.pow(d[i], 0.28);
        }
    }

    private FitRefusal refused() {
        return catchThrowableOfType(
                FitRefusal.class,
                () -> Fitter.fit(Laws.byName("chinchilla"), Observations.of(n, d, loss), FitOptions.defaults()));
    }

    @Test
    void aLossThatIsNotANumberIsNamedByItsRow() {
        loss[4] = Double.NaN;

        FitRefusal refusal = refused();

        assertThat(refusal.reason()).isEqualTo(Reason.NOT_FINITE);
        assertThat(refusal.sentence()).contains("Row 5", "loss = NaN", "remove");
    }

    @Test
    void aNegativeLossIsRefused() {
        loss[7] = -0.5;

        assertThat(refused().reason()).isEqualTo(Reason.NOT_POSITIVE);
        assertThat(refused().sentence()).contains("Row 8", "loss = -0.5000");
    }

    @Test
    void zeroTokensAreRefused() {
        d[0] = 0;

        assertThat(refused().reason()).isEqualTo(Reason.NOT_POSITIVE);
        assertThat(refused().sentence()).contains("Row 1", "d = 0", "tokens");
    }

    @Test
    void equalRowsAreNamed() {
        n[20] = n[3];
        d[20] = d[3];
        loss[20] = loss[3];

        assertThat(refused().reason()).isEqualTo(Reason.DUPLICATE_ROWS);
        assertThat(refused().sentence()).contains("Rows 4 and 21", "run column");
    }

    @Test
    void repeatedRunsWithTheirOwnIdsAreNotDuplicates() {
        n[20] = n[3];
        d[20] = d[3];
        loss[20] = loss[3];

        Observations runs = Observations.builder()
                .parameters(n)
                .tokens(d)
                .loss(loss)
                .runs(java.util.stream.IntStream.range(0, 36).toArray())
                .build();

        assertThat(runs.runs()).isEqualTo(36);
    }

    @Test
    void oneDataSizeIsRefused() {
        Arrays.fill(d, 1e9);
        for (int i = 0; i < 36; i++) {
            n[i] = 1e7 * Math.pow(1.2, i);
        }

        assertThat(refused().reason()).isEqualTo(Reason.TOO_FEW_SIZES);
        assertThat(refused().sentence()).contains("chinchilla needs at least 3 different values of d", "have 1");
    }

    @Test
    void rowsInBillionsAmongRawOnesAreRefused() {
        n[11] /= 1e9;
        n[12] /= 1e9;

        assertThat(refused().reason()).isEqualTo(Reason.MIXED_UNITS);
        assertThat(refused().sentence()).contains("Column n jumps from", "billions");
    }

    @Test
    void threePointsAreTooFew() {
        FitRefusal refusal = catchThrowableOfType(
                FitRefusal.class,
                () -> Fitter.fit(
                        Laws.byName("chinchilla"),
                        Observations.of(
                                new double[] {1e7, 1e8, 1e9}, new double[] {1e9, 3e9, 2e10}, new double[] {4, 3, 2}),
                        FitOptions.defaults()));

        assertThat(refusal.reason()).isEqualTo(Reason.TOO_FEW_POINTS);
        assertThat(refusal.sentence()).contains("5 parameters", "there are 3");
    }

    @Test
    void dataInStepWithSizeCannotTellThemApart() {
        for (int i = 0; i < 36; i++) {
            n[i] = 1e7 * Math.pow(1.2, i);
            d[i] = 20 * n[i];
        }

        assertThat(refused().reason()).isEqualTo(Reason.COLLINEAR);
        assertThat(refused().sentence()).contains("n and d");
    }

    @Test
    void aMissingColumnIsNamed() {
        Observations runs = Observations.builder().parameters(n).loss(loss).build();

        assertThatThrownBy(() -> Fitter.fit(Laws.byName("chinchilla"), runs, FitOptions.defaults()))
                .isInstanceOfSatisfying(FitRefusal.class, refusal -> assertThat(refusal.reason())
                        .isEqualTo(Reason.MISSING_COLUMN))
                .hasMessageContaining("needs column d (tokens)");
    }

    @Test
    void columnsOfDifferentLengthsAreRefused() {
        assertThatThrownBy(() -> Observations.of(n, Arrays.copyOf(d, 5), loss))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("5 rows");
    }

    @Test
    void runsThatNeverRepeatTokensSayNothingOfRepetition() {
        assertThatThrownBy(() ->
                        Fitter.fit(Laws.byName("muennighoff"), Observations.of(n, d, loss), FitOptions.defaults()))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("several epochs");
    }

    @Test
    void unknownLawsAndObjectivesAreAnsweredWithTheKnownOnes() {
        assertThatThrownBy(() -> Laws.byName("chinchila"))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("chinchilla");
        assertThatThrownBy(() -> Objective.byName("huber"))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("huber-log, huber-raw, mse-log, mse-raw");
        assertThatThrownBy(() -> FitOptions.defaults().delta(0))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("delta");
    }

    @Test
    void theSameRunsWithoutTheFaultAreFitted() {
        assertThat(Fitter.fit(Laws.byName("chinchilla"), Observations.of(n, d, loss), FitOptions.defaults())
                        .convergence()
                        .certified())
                .isTrue();
    }

    @Test
    void columnsThatFollowFromOthersAreFilledIn() {
        Observations runs = Observations.builder()
                .parameters(1e6, 2e6)
                .column(Quantity.B, new double[] {1024, 2048})
                .column(Quantity.S, new double[] {1000, 3000})
                .loss(4, 3)
                .build();

        assertThat(runs.column(Quantity.D)).containsExactly(1024e3, 2048 * 3e3);
        assertThat(runs.column(Quantity.C)).containsExactly(6 * 1e6 * 1024e3, 6 * 2e6 * 2048 * 3e3);
        assertThat(runs.derived(Quantity.D)).isTrue();
        assertThat(runs.derived(Quantity.B)).isFalse();
    }

    @Test
    void finishedModelsAreTheLastStepsOfTheirRuns() {
        Observations runs = Observations.builder()
                .parameters(1, 1, 2, 2)
                .tokens(10, 20, 10, 20)
                .column(Quantity.STEP, new double[] {2, 1, 1, 2})
                .loss(4, 5, 3, 2)
                .runs("a", "a", "b", "b")
                .build();

        assertThat(runs.finals().column(Quantity.LOSS)).containsExactly(4, 2);
        assertThat(runs.finals().runName(1)).isEqualTo("b");
    }
}
