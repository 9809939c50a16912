package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Columns that change along a training curve neither part a run nor refuse it. */
class FitCurvesTest extends PlantedRuns {
    private static final int POINTS = 10;

    /** Cells of one point, of run {@code number}. */
    @FunctionalInterface
    private interface PointRow {
        String of(int number, int point, double step, double n, double d, double loss);
    }

    /** A batch of a million tokens; point 0 is the untrained model. */
    private static String curves(String header, int firstPoint, PointRow row) {
        StringBuilder text = new StringBuilder(header).append('\n');
        int number = 0;
        for (double n : SIZES) {
            for (double d : DATA) {
                for (int point = firstPoint; point <= POINTS; point++) {
                    double step = Math.rint(d / 1e6 * point / POINTS);
                    text.append(row.of(number, point, step, n, step * 1e6, point == 0 ? 10.8 : loss(n, step * 1e6)))
                            .append('\n');
                }
                number++;
            }
        }
        return text.toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lr                   | %3$.6g              | 0",
                "learning_rate,warmup | %3$.6g,%4$.3f       | 0",
                "optimizer            | %5$s                | 1",
                "dataset              | %6$s                | 1",
                "phase                | %7$s                | 1",
                "host,weight_decay    | h%2$d,%4$.3f        | 1",
                "grad_norm,dropout    | %3$.6g,%4$.3f       | 1",
                "status,epoch         | %8$s,%4$.3f         | 1"
            })
    void whatChangesAlongARunPartsNoRunsAndNoKinds(String header, String cells, int firstPoint) throws Exception {
        Path file = file(
                "runs.csv",
                curves(
                        "run,step,params,tokens," + header + ",val_loss",
                        firstPoint,
                        (run, point, step, n, d, loss) -> f("r%d,%.0f,%.0f,%.0f,", run, step, n, d)
                                + f(
                                        cells.strip(),
                                        run,
                                        point % 3,
                                        point == 0 ? 0 : 3e-4 * (1 - point / 10.0),
                                        point / 10.0,
                                        point < 5 ? "adam" : "sgd",
                                        point < 8 ? "web" : "books",
                                        point < 2 ? "warmup" : "decay",
                                        point < POINTS ? "running" : "finished")
                                + f(",%.9f", loss)));

        Answer answer = fit(file);

        assertPlanted(answer);
        assertThat(answer.notes()).doesNotContain("Rows differ", "of each of the");
        if (firstPoint == 0) {
            assertThat(answer.notes())
                    .contains("25 rows stand at the beginning of a run, before anything was trained, and are left out")
                    .contains("which changes along the runs, laws of finished runs take each run's largest");
        }
    }

    /** The last rate that was logged differs from seed to seed; the peak, which was set, does not. */
    @Test
    void seedsWhoseRateWasLoggedAtOtherStepsAreSeedsOfOneSetting() throws Exception {
        StringBuilder text = new StringBuilder("run,step,params,tokens,seed,lr,val_loss\n");
        for (int seed = 0; seed < 2; seed++) {
            int of = seed;
            text.append(curves(
                            "",
                            1,
                            (run, point, step, n, d, loss) -> f(
                                    "r%d-%d,%.0f,%.0f,%.0f,%d,%.9g,%.9f",
                                    run,
                                    of,
                                    step,
                                    n,
                                    d,
                                    of,
                                    3e-4 * (1 - point / 11.0) + of * 1e-8,
                                    loss * (of == 0 ? 1.0001 : 0.9999)))
                    .substring(1));
        }
        Answer answer = fit(file("runs.csv", text.toString()));

        assertThat(answer.err()).isEmpty();
        assertThat(answer.notes()).doesNotContain("of each of the");
        assertThat(answer.parameter("E")).isCloseTo(E, within(0.02));
    }

    @Test
    void ratesThatWereSetDifferentlyAreToldByTheirPeaks() throws Exception {
        Path file = file(
                "runs.csv",
                "run,step,params,tokens,lr,val_loss\n"
                        + curves(
                                        "",
                                        1,
                                        (run, point, step, n, d, loss) -> f(
                                                "a%d,%.0f,%.0f,%.0f,%.9g,%.9f",
                                                run, step, n, d, 3e-4 * (1 - point / 10.0), loss))
                                .substring(1)
                        + curves(
                                        "",
                                        1,
                                        (run, point, step, n, d, loss) -> f(
                                                "b%d,%.0f,%.0f,%.0f,%.9g,%.9f",
                                                run, step, n, d, 1e-3 * (1 - point / 10.0), loss + 0.2))
                                .substring(1));
        Answer answer = fit(file);

        assertPlanted(answer);
        assertThat(answer.notes()).contains("differ in lr: of each of the 25 sizes the best is fitted (25 rows)");
    }

    @Test
    void aRampOfTheBatchIsACurveWhereTheBatchSaysSo() throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 25; i++) {
            double n = SIZES[i / 5];
            double seen = 0;
            for (int point = 1; point <= POINTS; point++) {
                double batch = point < 4 ? 5e5 : 1e6;
                double steps = DATA[i % 5] / 8.5e6;
                seen += batch * steps;
                text.append(f("r%d,%.3f,%.0f,%.3f,%.0f,%.9f\n", i, steps * point, n, seen, batch, loss(n, seen)));
            }
        }
        assertPlanted(fit(file("told.csv", "run,step,params,tokens,batch_tokens,val_loss\n" + text)));
        Answer untold = fit(file("untold.csv", "run,step,params,tokens,other,val_loss\n" + text));
        assertThat(untold.status()).isEqualTo(1);
        assertThat(untold.err()).contains("do not look like one run: tokens per step go from 5e+05");
    }

    @Test
    void tokensFollowFromBatchAndStepsAlongTheRun() throws Exception {
        Answer answer = fit(file(
                "runs.csv",
                curves(
                        "run,step,params,batch_tokens,val_loss",
                        1,
                        (run, point, step, n, d, loss) -> f("r%d,%.0f,%.0f,1000000,%.9f", run, step, n, loss))));

        assertPlanted(answer);
        assertThat(answer.notes()).contains("Tokens of each row are batch_tokens·step, summed along its run");
    }

    @Test
    void aRateThatIsZeroThroughoutMattersOnlyToLawsThatNeedIt() throws Exception {
        Path file = file(
                "runs.csv",
                curves(
                        "run,step,params,tokens,lr,val_loss",
                        1,
                        (run, point, step, n, d, loss) -> f("r%d,%.0f,%.0f,%.0f,0,%.9f", run, step, n, d, loss)));

        assertPlanted(fit(file));
        assertThat(execute("fit", "--law", "lr-surface", "--runs", file.toString())
                        .err())
                .hasLineCount(1)
                .contains("column 'lr' is 0 in every row of this run");
    }
}
