package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.HoldOut;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Sentences hold for every law that the data accept, with the range, and claim nothing beyond the grid. */
class ReadingsTest {
    private static final Convergence PROVEN =
            new Convergence(16, 1, 1e-14, 10, 5, Convergence.Proof.CERTIFIED, "a search");

    private static FitResult.Builder fit(String law, double aicc, double holdOut) {
        List<Residual> rows = new ArrayList<>();
        for (double n : new double[] {1e4, 1e5}) {
            for (double d : new double[] {1e6, 1e7}) {
                rows.add(new Residual("r", Point.nd(n, d), 3.1, 3.1, 0));
            }
        }
        return FitResult.of(law, "")
                .data(20, 20)
                .convergence(PROVEN)
                .quality(new Quality(aicc, 6, 0.005, 0.99))
                .rollOut(List.of(new HoldOut("c", 2, 18, holdOut, 0, 0.004, List.of())))
                .residuals(rows)
                // A valley along every budget whose lowest point grows with it.
                .predictor((values, at) ->
                        3 + Math.pow(Math.log(at.get(Quantity.N)) - 0.5 * Math.log(at.get(Quantity.C) / 6e6), 2));
    }

    private static FitSet.Outcome shares(String law, double a, double low, double high, double aicc, double holdOut) {
        return new FitSet.Fitted(
                law,
                "cells",
                fit(law, aicc, holdOut)
                        .derived("a", new Estimate(a, low, high, "1"))
                        .derived("b", new Estimate(1 - a, 1 - high, 1 - low, "1"))
                        .build());
    }

    @Test
    void aRangeOverTheLawsThatTheDataAccept() {
        List<Reading> readings = Readings.of(
                List.of(
                        shares("chinchilla", 0.30, 0.25, 0.35, -100, 0.01),
                        shares("kaplan-nd", 0.40, 0.36, 0.45, -95, 0.015),
                        shares("gadre", 0.60, 0.55, 0.65, -80, 0.01)),
                Double.NaN);
        assertThat(readings.get(0).sentence())
                .contains("make the model 2× to 2.5× larger")
                .contains("intervals of 2 laws together allow anything from 1.8× to 2.8×")
                .contains("Nothing was trained beyond 6·10¹² FLOPs, so that this is an extrapolation");
        assertThat(readings.get(0).basis()).contains("kaplan-nd", Accepted.RULE).doesNotContain("gadre");
    }

    @Test
    void aLawThatPredictsTwiceAsBadlyIsNotSpokenFor() {
        List<Reading> readings = Readings.of(
                List.of(
                        shares("chinchilla", 0.30, 0.25, 0.35, -100, 0.01),
                        shares("kaplan-nd", 0.60, 0.55, 0.65, -99, 0.03)),
                Double.NaN);
        assertThat(readings.get(0).sentence())
                .contains("make the model 2× larger")
                .contains("the interval of chinchilla allows anything from 1.8× to 2.2× for the model")
                .doesNotContain("laws together");
    }

    private static FitSet.Outcome minima(double a, double low, double high, double size) {
        return new FitSet.Fitted(
                "isoflop",
                "cells",
                FitResult.of("isoflop", "")
                        .data(20, 20)
                        .response(Quantity.N)
                        .convergence(PROVEN)
                        .quality(new Quality(Double.NaN, 3, 0.01, 0.99))
                        .identifiability(new Identifiability("3 of 4 budgets have an interior minimum.", List.of()))
                        .parameter("k_N", Estimate.of(size, "parameters"))
                        .parameter("a", new Estimate(a, low, high, "1"))
                        .residuals(List.of(
                                new Residual("c", Point.of(Quantity.C, 6e10), 1e4, 1e4, 0),
                                new Residual("c", Point.of(Quantity.C, 6e11), 3e4, 3e4, 0)))
                        .predictor((values, at) -> values[0])
                        .build());
    }

    /** The largest budget of chinchilla's rows, 6e12, has one size; it is given a smaller one that did better. */
    @Test
    void minimaOfProfilesThatPointElsewhereAreToldWithTheBudgetThatTheyMiss() {
        FitSet.Outcome law = new FitSet.Fitted(
                "",
                "cells",
                fit("chinchilla", -100, 0.01)
                        .derived("a", new Estimate(0.49, 0.43, 0.56, "1"))
                        .derived("b", new Estimate(0.51, 0.44, 0.57, "1"))
                        .residuals(List.of(
                                new Residual("r", Point.nd(1e4, 1e7).and(Quantity.C, 6e11), 2.1, 2.1, 0),
                                new Residual("r", Point.nd(1e5, 1e7).and(Quantity.C, 6e12), 1.7, 1.7, 0),
                                new Residual("r", Point.nd(5e4, 2e7).and(Quantity.C, 6e12), 1.6, 1.6, 0)))
                        .build());

        assertThat(Readings.of(List.of(law, minima(0.66, 0.56, 0.77, 8.2e4)), Double.NaN)
                        .get(1)
                        .sentence())
                .isEqualTo(
                        "The minima of the IsoFLOP profiles point elsewhere: 4.6× the model for 10× the compute (3.6× to"
                                + " 5.9×), from 2 budgets up to 6·10¹¹ FLOPs. They miss the budget of 6·10¹² FLOPs, where they"
                                + " would put the best size at 82k parameters and the smallest model trained, 50k, did best: add"
                                + " smaller ones there.");
        assertThat(Readings.of(List.of(law, minima(0.66, 0.56, 0.77, 3e4)), Double.NaN)
                        .get(1)
                        .sentence())
                .doesNotContain("They miss");
        assertThat(Readings.of(List.of(law, minima(0.50, 0.40, 0.60, 8.2e4)), Double.NaN))
                .noneSatisfy(reading -> assertThat(reading.sentence()).contains("elsewhere"));
    }

    @Test
    void lawsThatDisagreeTooMuchSayNothing() {
        List<Reading> readings = Readings.of(
                List.of(
                        shares("chinchilla", 0.20, 0.15, 0.25, -100, 0.01),
                        shares("kaplan-nd", 0.60, 0.55, 0.65, -99, 0.01)),
                Double.NaN);
        assertThat(readings.get(0).sentence()).startsWith("These runs cannot say how to share");
    }

    @Test
    void anOptimumOutsideTheGridIsTold() {
        FitResult small = fit("chinchilla", -100, 0.01)
                .derived("a", new Estimate(0.3, 0.25, 0.35, "1"))
                .derived("b", new Estimate(0.7, 0.65, 0.75, "1"))
                .predictor((values, at) -> 3 + Math.pow(Math.log(at.get(Quantity.N) / 500), 2))
                .build();
        assertThat(Readings.of(List.of(new FitSet.Fitted("", "cells", small)), Double.NaN)
                        .get(0)
                        .sentence())
                .contains("500 parameters, lies outside the sizes trained (10k to 100k)");
    }

    @Test
    void aFloorIsAnExtrapolationAndNoPromise() {
        FitSet.Outcome floor = new FitSet.Fitted(
                "",
                "cells",
                fit("chinchilla", -100, 0.01)
                        .parameter("E", new Estimate(1.7, 1.6, 1.8, "nats/token"))
                        .build());
        FitSet.Outcome none =
                new FitSet.Fitted("", "cells", fit("kaplan-nd", -99, 0.01).build());
        assertThat(Readings.of(List.of(floor, none), Double.NaN).get(0).sentence())
                .isEqualTo("Extrapolated to endless models and data, chinchilla levels off at 1.70 nats per token (1.60"
                        + " to 1.80); the lowest loss trained is 3.10, and kaplan-nd, which these runs accept as"
                        + " well, has no floor.");
    }

    @Test
    void aCriticalBatchBeyondTheLargestTriedIsABound() {
        FitSet.Outcome batch = new FitSet.Fitted(
                "",
                "cells",
                fit("three-term", -100, 0.01)
                        .parameter("B_crit", new Estimate(4000, 1600, 9000, "tokens"))
                        .build());
        assertThat(Readings.of(List.of(batch), 1024).get(0).sentence())
                .contains("beyond the largest batch trained, 1,024 tokens", "a bound from below and no measurement");
        assertThat(Readings.of(List.of(batch), 8192).get(0).sentence())
                .contains("Batches well below 4k tokens (anything from 1.6k to 9k)");

        // One that changes with the loss is told at the lowest loss.
        FitSet.Outcome changing = new FitSet.Fitted(
                "",
                "cells",
                fit("three-term-loss", -100, 0.01)
                        .parameter("E", Estimate.of(1, ""))
                        .parameter("A", Estimate.of(1, ""))
                        .parameter("B", Estimate.of(1, ""))
                        .parameter("alpha", Estimate.of(1, ""))
                        .parameter("beta", Estimate.of(1, ""))
                        .parameter("B_star", Estimate.of(3.1 * 3.1 * 2000, ""))
                        .parameter("alpha_B", Estimate.of(0.5, ""))
                        .build());
        assertThat(Readings.of(List.of(changing), 8192).get(0).sentence())
                .startsWith("At the lowest loss trained, 3.10 nats per token: batches well below 2k tokens waste");
        assertThat(Readings.of(List.of(changing), 1024).get(0).sentence())
                .startsWith(
                        "At the lowest loss trained, 3.10 nats per token: the critical batch size lies beyond the largest"
                                + " batch trained, 1,024 tokens");
    }
}
