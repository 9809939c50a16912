package dev.powersweep.fitting.uncertainty;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How often intervals of few rows hold the truth: 92 to 98 % of the time, or the law is refused. */
class FewRowsTest {
    private static final long SEED = Long.getLong("test.seed", 1);
    private static final double NOISE = 0.01;

    /** Standard errors by which a share of finitely many sets may leave the bounds. */
    private static final double SLACK = 2.5;

    private static double[] truth(String law) {
        return switch (law) {
            case "kaplan-n" -> new double[] {8.8e13, 0.076};
            case "kaplan-d" -> new double[] {5.4e13, 0.095};
            case "kaplan-n-irreducible" -> new double[] {1.7, 3e7, 0.34};
            case "kaplan-d-irreducible" -> new double[] {1.7, 5e9, 0.3};
            default -> new double[] {1.7, 400, 410, 0.34, 0.28};
        };
    }

    private static Observations runs(ParametricLaw law, int rows, SplittableRandom random) {
        boolean joint = law.parameters().size() == 5;
        double[] n = new double[rows];
        double[] d = new double[rows];
        double[] loss = new double[rows];
        for (int i = 0; i < rows; i++) {
            double along = i / (rows - 1.0);
            n[i] = 1e6 * Math.pow(1e3, joint ? i % 3 / 2.0 : along);
            d[i] = 2e8 * Math.pow(1e2, joint ? i / 3 / Math.ceil(rows / 3.0 - 1) : along);
            loss[i] = law.predict(truth(law.name()), Point.nd(n[i], d[i])) * Math.exp(NOISE * random.nextGaussian());
        }
        return Observations.of(n, d, loss);
    }

    @ParameterizedTest
    @CsvSource({
        "kaplan-n, 3",
        "kaplan-n, 5",
        "kaplan-n, 8",
        "kaplan-d, 4",
        "kaplan-n-irreducible, 5",
        "kaplan-d-irreducible, 6"
    })
    void intervalsHoldTheTruthAsOftenAsTheySay(String name, int rows) {
        cover(name, rows, 150);
    }

    @Tag("nightly")
    @ParameterizedTest
    @CsvSource({
        "kaplan-n, 3",
        "kaplan-n, 4",
        "kaplan-n, 5",
        "kaplan-n, 6",
        "kaplan-n, 8",
        "kaplan-n, 12",
        "kaplan-d, 3",
        "kaplan-d, 4",
        "kaplan-d, 5",
        "kaplan-d, 6",
        "kaplan-d, 8",
        "kaplan-d, 12",
        "kaplan-n-irreducible, 3",
        "kaplan-n-irreducible, 4",
        "kaplan-n-irreducible, 5",
        "kaplan-n-irreducible, 6",
        "kaplan-n-irreducible, 8",
        "kaplan-n-irreducible, 12",
        "kaplan-d-irreducible, 3",
        "kaplan-d-irreducible, 4",
        "kaplan-d-irreducible, 5",
        "kaplan-d-irreducible, 6",
        "kaplan-d-irreducible, 8",
        "kaplan-d-irreducible, 12",
        "chinchilla, 3",
        "chinchilla, 4",
        "chinchilla, 5",
        "chinchilla, 6",
        "chinchilla, 8",
        "chinchilla, 12"
    })
    void intervalsOfManySetsHoldTheTruthAsOftenAsTheySay(String name, int rows) {
        cover(name, rows, 500);
    }

    private static void cover(String name, int rows, int sets) {
        ParametricLaw law = (ParametricLaw) Laws.byName(name);
        int parameters = law.parameters().size();
        int[] told = new int[parameters];
        int[] held = new int[parameters];
        for (int set = 0; set < sets; set++) {
            SplittableRandom random = new SplittableRandom(SEED * 1_000_003 + 1000L * rows + set);
            FitOptions options = FitOptions.defaults()
                    .bootstrap(200)
                    .resampling(FitOptions.Resampling.RESIDUAL)
                    .seed(set);
            List<Estimate> estimates;
            try {
                FitResult fit = ParametricFit.fit(law, runs(law, rows, random), options);
                estimates = new ArrayList<>(fit.parameters().values());
            } catch (FitRefusal refused) {
                assertThat(rows).as("%s: %s", name, refused.sentence()).isLessThanOrEqualTo(parameters + 1);
                return;
            }
            for (int j = 0; j < parameters; j++) {
                if (estimates.get(j).hasInterval()) {
                    told[j]++;
                    held[j] += estimates.get(j).low() <= truth(name)[j]
                                    && truth(name)[j] <= estimates.get(j).high()
                            ? 1
                            : 0;
                }
            }
        }
        Stream.iterate(0, j -> j + 1).limit(parameters).filter(j -> told[j] > 0).forEach(j -> {
            double share = held[j] / (double) told[j];
            double slack = SLACK * Math.sqrt(0.95 * 0.05 / told[j]);
            assertThat(share)
                    .as(
                            "%s of %s on %d rows, %d intervals",
                            law.parameters().get(j).name(), name, rows, told[j])
                    .isBetween(0.92 - slack, 0.98 + slack);
        });
    }
}
