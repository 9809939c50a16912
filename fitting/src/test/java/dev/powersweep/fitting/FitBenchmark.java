package dev.powersweep.fitting;

import dev.powersweep.fitting.law.Laws;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.runs.Column;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
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
 * Every parametric law on 240 planted runs with 1 % noise: the certified search, and a hundred bootstrap refits, on one thread.
 *
 * <p>Run, from the root: {@code ./mvnw -q -pl fitting test-compile dependency:build-classpath -Dmdep.outputFile=target/cp}, then
 * {@code (cd fitting && java -cp target/test-classes:target/classes:$(cat target/cp) org.openjdk.jmh.Main FitBenchmark)}. Two
 * warm-up rounds suffice, the loops compile within the first.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 3)
@Measurement(iterations = 3, time = 3)
@Fork(1)
public class FitBenchmark {
    @Param({"kaplan-n", "kaplan-nd", "kaplan-ns", "chinchilla", "chinchilla-tied", "gadre", "muennighoff", "three-term"
    })
    String law;

    private ParametricLaw form;
    private Observations runs;
    private FitOptions options;
    private double[] planted;

    @Setup
    public void plant() {
        form = (ParametricLaw) Laws.byName(law);
        planted = switch (law) {
            case "kaplan-n" -> new double[] {8.8e13, 0.076};
            case "kaplan-nd" -> new double[] {6.4e13, 1.8e13, 0.076, 0.103};
            case "kaplan-ns" -> new double[] {6.5e13, 2.1e3, 0.077, 0.76};
            case "chinchilla" -> new double[] {1.69, 406.4, 410.7, 0.34, 0.28};
            case "chinchilla-tied" -> new double[] {1.8, 470.0, 1400.0, 0.345};
            case "gadre" -> new double[] {1.75, 90.0, 160.0, 0.17};
            case "muennighoff" -> new double[] {15.39, 5.31};
            case "three-term" -> new double[] {1.69, 406.4, 410.7, 0.34, 0.28, 1e6};
            default -> throw new IllegalArgumentException(law);
        };
        double[][] nd = TestRuns.grid(16, 1e7, 1e10, 15, 1e9, 1e12);
        SplittableRandom random = new SplittableRandom(1);
        double[] steps = random.doubles(240).map(x -> 1e3 * Math.pow(1e3, x)).toArray();
        double[] batch = random.doubles(240).map(x -> 6.4e4 * Math.pow(64, x)).toArray();
        double[] unique = new double[240];
        double[] loss = new double[240];
        for (int i = 0; i < 240; i++) {
            unique[i] = nd[1][i] / (1 + random.nextInt(64));
            Point at = Point.nd(nd[0][i], nd[1][i])
                    .and(Column.S, steps[i])
                    .and(Column.U, unique[i])
                    .and(Column.B, batch[i]);
            loss[i] = form.predict(planted, at) * Math.exp(0.01 * random.nextGaussian());
        }
        runs = Observations.builder()
                .parameters(nd[0])
                .tokens(nd[1])
                .column(Column.S, steps)
                .column(Column.U, unique)
                .column(Column.B, batch)
                .loss(loss)
                .build();
        options = FitOptions.defaults().threads(1);
    }

    @Benchmark
    public FitResult certifiedFit() {
        return Fitter.fit(form, runs, options);
    }

    @Benchmark
    public double[][] hundredRefits() {
        return Fitter.refits(form, runs, options, planted, 0, 100);
    }
}
