package dev.powersweep.fitting.isoflop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.linear.PowerLaw;
import dev.powersweep.fitting.testdata.CsvResource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class IsoFlopPublishedTest {
    private static final CsvResource POINTS = CsvResource.read("published/porian_isoflop.csv");
    private static final CsvResource GOLDEN = CsvResource.read("golden/isoflop.csv");

    private static List<IsoFlopCurve> curves(String configuration) {
        CsvResource rows = POINTS.where("configuration", configuration::equals);
        return IsoFlopCurve.group(
                rows.numbers("flops"), rows.numbers("n"), rows.numbers("tokens"), rows.numbers("loss"), 0.02);
    }

    @Test
    void poriansFiveStepsFromKaplanToHoffmannAreReproducedToFourDigits() {
        Map<String, Double> published = Map.of(
                "rw-base-long-kaplan-kaplan-train", .8348,
                "rw-base-long-kaplan-standard-val", .7003,
                "rw-base-short-kaplan-standard-val", .6055,
                "rw-base-short-chinchilla-standard-val", .5715,
                "rw-tuned-short-const-standard-val", .4970);
        published.forEach(
                (configuration, exponent) -> assertThat(OptimaFit.of(curves(configuration), MinimumMethod.SPLINE_GRID)
                                .orElseThrow()
                                .n()
                                .exponent())
                        .as(configuration)
                        .isCloseTo(exponent, within(5e-5)));
    }

    @Test
    void allFifteenConfigurationsAgreeWithScipyForEveryMethod() {
        assertThat(POINTS.rows()).hasSize(1745);
        assertThat(POINTS.distinct("configuration")).hasSize(15);
        for (String configuration : POINTS.distinct("configuration")) {
            CsvResource expected = GOLDEN.where("configuration", configuration::equals);
            assertThat(expected.rows()).hasSize(MinimumMethod.values().length);
            for (int i = 0; i < expected.rows().size(); i++) {
                MinimumMethod method = MinimumMethod.valueOf(expected.text(i, "method"));
                OptimaFit fit = OptimaFit.of(curves(configuration), method).orElseThrow();
                assertThat(fit.optima()).as(configuration + " " + method).hasSize((int) expected.numbers("budgets")[i]);
                assertThat(fit.n().exponent())
                        .as(configuration + " " + method)
                        .isCloseTo(expected.numbers("exponent_n")[i], within(1e-9));
                assertThat(fit.d().exponent())
                        .as(configuration + " " + method)
                        .isCloseTo(expected.numbers("exponent_d")[i], within(1e-9));
            }
        }
    }

    @Test
    void everyExponentLiesInsideItsPublishedBootstrapInterval() {
        CsvResource published = CsvResource.read("published/porian_exponents.csv");
        for (int i = 0; i < published.rows().size(); i++) {
            String configuration = published.text(i, "configuration");
            double exponent = OptimaFit.of(curves(configuration), MinimumMethod.SPLINE_GRID)
                    .orElseThrow()
                    .n()
                    .exponent();
            assertThat(exponent)
                    .as(configuration)
                    .isBetween(published.numbers("a_low")[i], published.numbers("a_high")[i]);
        }
    }

    @Test
    void aBudgetWhoseSmallestSizeIsBestIsRejectedWithItsRemedy() {
        OptimaFit fit = OptimaFit.of(curves("rw-base-long-kaplan-standard-val"), MinimumMethod.SPLINE_GRID)
                .orElseThrow();

        assertThat(fit.rejected()).hasSize(1);
        assertThat(fit.rejected().get(0).reason()).isEqualTo(IsoFlopMinimum.Reason.LOWER_EDGE);
        assertThat(fit.rejected().get(0).detail()).contains("1.250e+16", "smallest size", "add smaller models");
    }

    @Test
    void theParabolasBiasGrowsWithTheGridFromAThirdToFivePerCent() {
        CsvResource rows = GOLDEN.where("method", "PARABOLA_BIAS"::equals);
        assertThat(rows.rows()).hasSize(4);
        for (int i = 0; i < rows.rows().size(); i++) {
            double width = Double.parseDouble(rows.text(i, "configuration").substring("width ".length()));
            MinimumBias bias = MinimumBias.simulate(
                            IsoFlopPublishedTest::hoffmann, centredDesign(width), MinimumMethod.PARABOLA, 1e24)
                    .orElseThrow();
            assertThat(bias.relativeErrorD())
                    .as("grid from 1/%s to %s times the optimum", width, width)
                    .isCloseTo(rows.numbers("exponent_d")[i], within(1e-8));
            assertThat(bias.exponentError()).isCloseTo(0, within(1e-7));
        }
        assertThat(rows.numbers("exponent_d")[0]).isCloseTo(-.0033, within(5e-5));
        assertThat(rows.numbers("exponent_d")[3]).isCloseTo(-.0510, within(5e-5));
    }

    @Test
    void theSplinesOwnBiasIsAFractionOfTheParabolas() {
        List<IsoFlopCurve> design = centredDesign(16);
        double spline = MinimumBias.simulate(IsoFlopPublishedTest::hoffmann, design, MinimumMethod.SPLINE, 1e24)
                .orElseThrow()
                .relativeErrorD();
        assertThat(Math.abs(spline)).isLessThan(0.006);
    }

    @Test
    void nanochatsOptimaGiveThreeExponentsUnderThreeConventions() {
        CsvResource optima = CsvResource.read("published/nanochat_optima.csv");
        Map<String, Double> exponents = Map.of("kaplan", .54, "chinchilla_total", .37, "transformer_only", .70);
        exponents.forEach((convention, exponent) -> {
            CsvResource rows = optima.where("convention", convention::equals);
            assertThat(PowerLaw.fit(rows.numbers("flops"), rows.numbers("n"))
                            .orElseThrow()
                            .exponent())
                    .as(convention)
                    .isCloseTo(exponent, within(.005));
        });
    }

    private static double hoffmann(double n, double d) {
        return 1.69 + 406.4 * Math.pow(n, -.34) + 410.7 * Math.pow(d, -.28);
    }

    private static List<IsoFlopCurve> centredDesign(double width) {
        double g = Math.pow(.34 * 406.4 / (.28 * 410.7), 1 / .62);
        List<IsoFlopCurve> curves = new ArrayList<>();
        for (double flops : new double[] {1e17, 1e18, 1e19, 1e20, 1e21}) {
            double centre = g * Math.pow(flops / 6, .28 / .62);
            double[] n = new double[15];
            Arrays.setAll(n, i -> centre * Math.pow(width, (i - 7) / 7.0));
            curves.add(new IsoFlopCurve(flops, n, new double[15], new double[15]));
        }
        return curves;
    }
}
