package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables of which some rows count a column in another unit: the suspicion is said, and sound tables raise none. */
class FitMixedUnitsTest extends PlantedRuns {
    private static final long SEED = Long.getLong("test.seed", 1);

    /** Values between the two units leave no gap by which they could be told. */
    private static double size(int index) {
        return 5e7 * Math.pow(4.5, index);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "3 | 1e6 | 1    | 0    | params seems to be counted in two units: in 9 of 25 rows (line 2: 50) in millions",
                "4 | 1e3 | 1    | 0    | params seems to be counted in two units: in 7 of 25 rows (line 2: 50000) in thousands",
                "3 | 1e6 | 1    | 0.01 | params seems to be counted in two units: in 9 of 25 rows (line 2: 50) in millions",
                "4 | 1   | 1e6  | 0    | tokens seems to be counted in two units: in 7 of 25 rows (line 2: 6000) in millions",
                "4 | 1   | 1e3  | 0    | tokens seems to be counted in two units: in 7 of 25 rows (line 2: 6e+06) in thousands",
                "4 | 1   | 2048 | 0    | tokens seems to be counted in two units: in 7 of 25 rows",
                "13| 1e6 | 1    | 0    | params seems to be counted in two units: in 2 of 25 rows (line 2: 50) in millions"
            })
    void someRowsInAnotherUnitAreNamedWithIt(int every, double un, double ud, double noise, String sentence)
            throws Exception {
        Random random = new Random(SEED);
        StringBuilder text = new StringBuilder("params,tokens,loss\n");
        for (int i = 0; i < 25; i++) {
            double n = size(i / 5);
            double d = DATA[i % 5];
            boolean other = i % every == 0;
            text.append(f(
                    "%.9g,%.9g,%.9f\n",
                    other ? n / un : n, other ? d / ud : d, loss(n, d) * Math.exp(noise * random.nextGaussian())));
        }
        Path file = file("runs.csv", text.toString());

        Answer answer = fit(file);

        assertThat(answer.status()).isEqualTo(1);
        String column = un > 1 ? "n=params" : "d=tokens";
        assertThat(answer.err()).hasLineCount(1).contains(sentence, "count all rows in one unit");
        // Numbers that lie further apart are refused, whatever the user says.
        boolean choice = answer.err().contains("or say --columns " + column + " where");
        assertThat(fit(file, "--columns", column).status()).isEqualTo(choice ? 0 : 1);
    }

    @Test
    void overlappingUnitsAreToldApartByTheLaw() throws Exception {
        Random random = new Random(SEED);
        StringBuilder text = new StringBuilder("params,tokens,loss\n");
        for (int i = 0; i < 11; i++) {
            for (int j = 0; j < 6; j++) {
                double n = Math.pow(10, 5 + 0.5 * i);
                double d = Math.pow(10, 7 + 0.8 * j);
                text.append(f(
                        "%.9g,%.9g,%.9f\n",
                        (i + j) % 4 == 1 ? n / 1e3 : n, d, loss(n, d) * Math.exp(0.005 * random.nextGaussian())));
            }
        }
        assertThat(fit(file("runs.csv", text.toString())).err())
                .contains("params seems to be counted in two units: in ", "in thousands");
    }

    @ParameterizedTest
    @CsvSource({"1e6,1,params,millions", "1e9,1,params,billions", "1,1e9,tokens,billions", "1,1e3,tokens,thousands"})
    void whereSizesAndTokensGrowTogetherTheirQuotientTells(double un, double ud, String column, String unit)
            throws Exception {
        StringBuilder text = new StringBuilder("params,tokens,loss\n");
        for (int i = 0; i < 12; i++) {
            double n = 1e7 * Math.pow(1.9, i);
            double d = 20 * n;
            boolean other = i % 3 == 0;
            text.append(f("%.9g,%.9g,%.9f\n", other ? n / un : n, other ? d / ud : d, loss(n, d)));
        }
        assertThat(fit(file("runs.csv", text.toString())).err())
                .hasLineCount(1)
                .contains(column + " seems to be counted in two units: in 4 of 12 rows", "in " + unit);
    }

    @Test
    void lossesInBitsOrAsPerplexitiesInSomeRowsAreNamed() throws Exception {
        Path bits = file(
                "bits.csv",
                grid(
                        "params,tokens,loss",
                        (i, n, d, l) -> f("%.0f,%.0f,%.9f", n, d, i % 3 == 0 ? l / Math.log(2) : l)));
        Path perplexities = file(
                "ppl.csv",
                grid("params,tokens,loss", (i, n, d, l) -> f("%.0f,%.0f,%.9f", n, d, i % 5 == 0 ? Math.exp(l) : l)));

        assertThat(fit(bits).err())
                .hasLineCount(1)
                .contains("loss seems to be counted in two units: in 9 of 25 rows", "in bits", "--columns loss=loss");
        assertThat(fit(perplexities).err()).hasLineCount(1).contains("in 5 of 25 rows", "in perplexities");
        assertThat(fit(bits, "--columns", "loss=loss").status()).isZero();
    }

    @Test
    void computeBesideThemNamesWhatMayBeMeant() throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        "params,tokens,flops,loss",
                        (i, n, d, l) -> f("%.9g,%.0f,%.9g,%.9f", i % 4 == 0 ? n / 1e3 : n, d, 6 * n * d, l)));

        assertThat(fit(file).err())
                .hasLineCount(1)
                .contains("flops is not 6·params·tokens in 7 of 25 rows (line 2: 1000 times)")
                .contains("there params or tokens may be counted in units of 1000");
    }

    /** Noise, texts of two kinds, a diverged run, tiny models at the logarithm of the vocabulary, overfitting. */
    @ParameterizedTest
    @ValueSource(strings = {"1 %", "10 %", "kinds", "diverged", "tiny", "overfit", "wide"})
    void soundTablesRaiseNoSuspicion(String kind) throws Exception {
        Random random = new Random(SEED);
        double noise = kind.equals("1 %") ? 0.01 : kind.equals("10 %") ? 0.1 : 0;
        StringBuilder text = new StringBuilder("params,tokens,loss\n");
        for (int i = 0; i < 11; i++) {
            for (int j = 0; j < 6; j++) {
                double n = kind.equals("tiny") ? Math.pow(10, 2 + 0.7 * i) : Math.pow(10, 5 + 0.5 * i);
                double d = Math.pow(10, 7 + (kind.equals("wide") ? 1.3 : 0.8) * j);
                double loss = loss(n, d) * Math.exp(noise * random.nextGaussian());
                loss = kind.equals("kinds") && (i + j) % 2 == 0 ? 1.25 * loss : loss;
                loss = kind.equals("diverged") && i == 3 && j == 2 ? 9.5 : loss;
                loss = kind.equals("tiny") ? Math.min(10.8, loss) : loss;
                loss = kind.equals("overfit") && d < 1e8 ? loss + 0.5 * Math.sqrt(n / 1e9) : loss;
                text.append(f("%.9g,%.9g,%.9f\n", n, d, loss));
            }
        }
        Answer answer = fit(file("runs.csv", text.toString()));
        assertThat(answer.err()).isEmpty();
        assertThat(answer.status()).isZero();
    }
}
