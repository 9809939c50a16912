package dev.powersweep.fitting;

import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Every law on planted runs with 1 % noise, on one thread: the fit with its proofs, and the fit with a hundred bootstrap refits.
 * Parametric laws get 240 runs; the others what they are made for, see {@link #plant}.
 *
 * <p>Run, from the root: {@code ./mvnw -q -pl fitting test-compile dependency:build-classpath -Dmdep.outputFile=target/cp}, then
 * {@code (cd fitting && java -cp target/test-classes:target/classes:$(cat target/cp) org.openjdk.jmh.Main FitBenchmark)}; {@code
 * -p law=chinchilla,isoflop} for some laws only. Two warm-up rounds suffice, the loops compile within the first.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(1)
public class FitBenchmark {
    private static final double NOISE = 0.01;
    private static final double[] SURFACE = {1.69, 406.4, 410.7, 0.34, 0.28};

    @Param({
        "kaplan-n",
        "kaplan-n-irreducible",
        "kaplan-d",
        "kaplan-d-irreducible",
        "kaplan-c",
        "kaplan-c-irreducible",
        "kaplan-cmin",
        "kaplan-cmin-irreducible",
        "kaplan-nd",
        "kaplan-ns",
        "chinchilla",
        "chinchilla-tied",
        "gadre",
        "farseer",
        "muennighoff",
        "muennighoff-joint",
        "multi-power",
        "envelope",
        "isoflop",
        "isoflop-parabola",
        "optima",
        "critical-batch",
        "branched-critical-batch",
        "three-term",
        "three-term-data",
        "three-term-size",
        "three-term-loss",
        "three-term-steps",
        "steps-batch",
        "lr-surface",
        "batch-surface"
    })
    String law;

    private Law form;
    private Observations runs;
    private FitOptions options;

    /** Plants what the law is made for. */
    @Setup
    public void plant() {
        form = Laws.byName(law);
        options = FitOptions.defaults().threads(1);
        runs = switch (law) {
            case "isoflop", "isoflop-parabola" -> budgets(9, 9);
            case "optima" -> optima(12);
            case "envelope" -> curves(10, 60);
            case "critical-batch" -> batches();
            case "branched-critical-batch" -> branches();
            case "lr-surface", "batch-surface" -> settings();
            case "multi-power" -> schedules((ParametricLaw) form, 60);
            default -> parametric((ParametricLaw) form, planted(law));
        };
    }

    /** Three trunks, each branched at three places into six batches. */
    private static Observations branches() {
        int rows = 3 * 3 * 6;
        double[] at = new double[rows];
        double[] batch = new double[rows];
        double[] loss = new double[rows];
        int[] trunk = new int[rows];
        SplittableRandom random = new SplittableRandom(1);
        for (int row = 0; row < rows; row++) {
            trunk[row] = row / 18;
            at[row] = 1e6 * Math.pow(4, row / 6 % 3);
            batch[row] = 1024 * Math.pow(2, row % 6);
            loss[row] = 3 + 1e-3 * batch[row] / Math.sqrt(at[row]) + 1e-4 * random.nextGaussian();
        }
        return Observations.builder()
                .column(Quantity.BRANCH, at)
                .column(Quantity.B, batch)
                .loss(loss)
                .runs(trunk)
                .build();
    }

    private static double[] planted(String law) {
        return switch (law) {
            case "kaplan-n" -> new double[] {8.8e13, 0.076};
            case "kaplan-n-irreducible" -> new double[] {1.7, 2e7, 0.3};
            case "kaplan-d" -> new double[] {5.4e13, 0.095};
            case "kaplan-d-irreducible" -> new double[] {1.7, 2e9, 0.3};
            case "kaplan-c", "kaplan-cmin" -> new double[] {1.4e27, 0.057};
            case "kaplan-c-irreducible", "kaplan-cmin-irreducible" -> new double[] {1.7, 1e19, 0.15};
            case "kaplan-nd" -> new double[] {6.4e13, 1.8e13, 0.076, 0.103};
            case "kaplan-ns" -> new double[] {6.5e13, 2.1e3, 0.077, 0.76};
            case "chinchilla" -> SURFACE;
            case "chinchilla-tied" -> new double[] {1.8, 470, 1400, 0.345};
            case "gadre" -> new double[] {1.75, 90, 160, 0.17};
            case "farseer" -> new double[] {-6.1, 7.3, -7.23, 1.67, 26.3, -2.24, 0.0137, -0.04, -0.158};
            case "steps-batch" -> new double[] {1.2, 300, 20, 8, 0.3, 0.25, 0.2};
            case "muennighoff" -> new double[] {15.39, 5.31};
            case "muennighoff-joint" -> new double[] {1.87, 521, 1488, 0.35, 0.35, 15.39, 5.31};
            case "three-term" -> new double[] {1.69, 406.4, 410.7, 0.34, 0.28, 1e6};
            case "three-term-data", "three-term-size" ->
                new double[] {1.69, 406.4, 410.7, 0.34, 0.28, law.endsWith("data") ? 40 : 400, 0.4};
            case "three-term-loss" -> new double[] {1.69, 406.4, 410.7, 0.34, 0.28, 5e9, 0.21};
            case "three-term-steps" -> new double[] {1.69, 406.4, 30, 0.34, 0.5, 2e8, 0.21};
            default -> throw new IllegalArgumentException(law);
        };
    }

    private static Observations parametric(ParametricLaw law, double[] planted) {
        double[][] nd = TestRuns.grid(16, 1e7, 1e10, 15, 1e9, 1e12);
        SplittableRandom random = new SplittableRandom(1);
        double[] batch = random.doubles(240).map(x -> 6.4e4 * Math.pow(64, x)).toArray();
        double[] steps = new double[240];
        double[] unique = new double[240];
        double[] loss = new double[240];
        for (int i = 0; i < 240; i++) {
            steps[i] = nd[1][i] / batch[i];
            unique[i] = nd[1][i] / (1 + random.nextInt(64));
            Point at = Point.nd(nd[0][i], nd[1][i])
                    .and(Quantity.S, steps[i])
                    .and(Quantity.U, unique[i])
                    .and(Quantity.B, batch[i]);
            loss[i] = law.predict(planted, at) * Math.exp(NOISE * random.nextGaussian());
        }
        return Observations.builder()
                .parameters(nd[0])
                .tokens(nd[1])
                .column(Quantity.S, steps)
                .column(Quantity.U, unique)
                .column(Quantity.B, batch)
                .loss(loss)
                .build();
    }

    private static double loss(double n, double d) {
        return ((ParametricLaw) Laws.byName("chinchilla")).predict(SURFACE, Point.nd(n, d));
    }

    /** Sizes around the optimum of each budget from 1e18 to 1e22 FLOPs. */
    private static Observations budgets(int budgets, int sizes) {
        SplittableRandom random = new SplittableRandom(1);
        Rows rows = new Rows(Quantity.C, Quantity.N, Quantity.D, Quantity.LOSS);
        for (int i = 0; i < budgets; i++) {
            double c = 1e18 * Math.pow(1e4, i / (budgets - 1.0));
            for (int j = 0; j < sizes; j++) {
                double n = 0.6 * Math.pow(c / 6, 0.452) * Math.pow(2, 0.75 * (j - (sizes - 1) / 2.0));
                double d = c / (6 * n);
                rows.add(c, n, d, loss(n, d) * Math.exp(0.001 * random.nextGaussian()));
            }
        }
        return rows.build();
    }

    private static Observations optima(int budgets) {
        SplittableRandom random = new SplittableRandom(1);
        Rows rows = new Rows(Quantity.C, Quantity.N);
        for (int i = 0; i < budgets; i++) {
            double c = 1e18 * Math.pow(1e4, i / (budgets - 1.0));
            rows.add(c, 0.6 * Math.pow(c / 6, 0.452) * Math.exp(NOISE * random.nextGaussian()));
        }
        return rows.build();
    }

    private static Observations curves(int sizes, int records) {
        SplittableRandom random = new SplittableRandom(1);
        Rows rows = new Rows(Quantity.N, Quantity.D, Quantity.STEP, Quantity.LOSS);
        for (int i = 0; i < sizes; i++) {
            double n = 1e7 * Math.pow(1e2, i / (sizes - 1.0));
            for (int j = 0; j < records; j++) {
                double d = 1e8 * Math.pow(1e3, j / (records - 1.0));
                rows.run("run " + i);
                rows.add(n, d, j + 1, loss(n, d) * Math.exp(0.002 * random.nextGaussian()));
            }
        }
        return rows.build();
    }

    private static Observations batches() {
        SplittableRandom random = new SplittableRandom(1);
        ParametricLaw law = (ParametricLaw) Laws.byName("three-term-data");
        double[] planted = planted("three-term-data");
        Rows rows = new Rows(Quantity.N, Quantity.D, Quantity.B, Quantity.LOSS);
        for (double n = 1e7; n < 2e9; n *= 4) {
            for (double d = 1e9; d < 2e11; d *= 3) {
                for (double b = 6.4e4; b < 2e7; b *= 4) {
                    Point at = Point.nd(n, d).and(Quantity.B, b);
                    rows.add(n, d, b, law.predict(planted, at) * Math.exp(1e-4 * random.nextGaussian()));
                }
            }
        }
        return rows.build();
    }

    /** Three runs of one model: a cosine, a constant rate, and a constant rate that falls to nothing in the last fifth. */
    private static Observations schedules(ParametricLaw law, int records) {
        double[] planted = {2.5, 0.6, 500, 0.45, 2, 0.6, 0.6};
        SplittableRandom random = new SplittableRandom(1);
        Rows bare = new Rows(Quantity.STEP, Quantity.LEARNING_RATE, Quantity.LOSS);
        for (String schedule : List.of("cosine", "constant", "wsd")) {
            for (int i = 1; i <= records; i++) {
                double done = (double) i / records;
                double share =
                        switch (schedule) {
                            case "cosine" -> 0.55 + 0.45 * Math.cos(Math.PI * done);
                            case "wsd" -> Math.min(1, 0.01 + 5 * (1 - done));
                            default -> 1;
                        };
                bare.run(schedule);
                bare.add(400.0 * i, 3e-4 * share, 1);
            }
        }
        double[] exact = law.predictions(planted, bare.build());
        Rows runs = new Rows(Quantity.STEP, Quantity.LEARNING_RATE, Quantity.LOSS);
        for (int i = 0; i < exact.length; i++) {
            runs.run(bare.runs.get(i));
            double[] row = bare.rows.get(i);
            runs.add(row[0], row[1], exact[i] * Math.exp(1e-4 * random.nextGaussian()));
        }
        return runs.build();
    }

    private static Observations settings() {
        SplittableRandom random = new SplittableRandom(1);
        Rows rows = new Rows(Quantity.N, Quantity.D, Quantity.LEARNING_RATE, Quantity.B, Quantity.LOSS);
        for (double n = 1e6; n < 1e9; n *= 4) {
            double d = 20 * n;
            for (int i = -3; i <= 3; i++) {
                for (int j = -2; j <= 2; j++) {
                    double lr = 3 * Math.pow(n, -0.5) * Math.pow(2, i);
                    double b = 30 * Math.pow(d, 0.4) * Math.pow(2, j);
                    rows.add(n, d, lr, b, 3 + 0.03 * i * i + 0.01 * j * j + 0.002 * random.nextGaussian());
                }
            }
        }
        return rows.build();
    }

    /** Collects rows of a table. */
    private static final class Rows {
        private final List<Quantity> columns;
        private final List<double[]> rows = new ArrayList<>();
        private final List<String> runs = new ArrayList<>();

        Rows(Quantity... columns) {
            this.columns = List.of(columns);
        }

        void add(double... row) {
            rows.add(row);
        }

        void run(String name) {
            runs.add(name);
        }

        Observations build() {
            Observations.Builder builder = Observations.builder();
            for (int c = 0; c < columns.size(); c++) {
                int at = c;
                builder.column(
                        columns.get(c),
                        rows.stream().mapToDouble(row -> row[at]).toArray());
            }
            if (!runs.isEmpty()) {
                builder.runs(runs.toArray(String[]::new));
            }
            return builder.build();
        }
    }

    @Benchmark
    public FitResult fit() {
        return Fitter.fit(form, runs, options);
    }

    @Benchmark
    public FitResult fitWithHundredRefits() {
        return Fitter.fit(form, runs, options.bootstrap(100));
    }
}
