package dev.powersweep.orchestrator.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.report.sections.SampleText;
import dev.powersweep.orchestrator.report.sections.SweepReport;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ReportPageTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final Pattern CHARTS =
            Pattern.compile("<script type=\"application/json\" id=\"charts\">(.*?)</script>", Pattern.DOTALL);
    private static String page;

    @BeforeAll
    static void writePage() throws Exception {
        SweepResults results = KnownSweep.results(0.005, 1);
        FitOptions options = SweepFitter.options().bootstrap(60).threads(1);
        page = page(results, SweepFitter.fit(results, List.of("chinchilla", "kaplan-n", "muennighoff"), options));
        Files.createDirectories(Path.of("target"));
        Files.writeString(Path.of("target/known-sweep.html"), page);
    }

    private static String page(SweepResults results, FitSet fits) {
        return ReportPage.html(SweepReport.of(results, fits, NOW));
    }

    @Test
    void severalRatesAreDrawnWithTheirMinimaAndNeverAveraged() {
        SweepResults known = KnownSweep.results(0, 1);
        List<CellResult> cells = known.cells().stream()
                .flatMap(cell -> cell.usable()
                        ? Stream.of(0.5, 1.0, 2.0).map(factor -> {
                            double x = Math.log(factor) - 0.2;
                            return KnownSweep.twin(
                                    cell,
                                    factor * cell.learningRate(),
                                    cell.validationLoss().getAsDouble() + 0.05 * x * x);
                        })
                        : Stream.of(cell))
                .toList();
        SweepResults results = new SweepResults(
                known.name(),
                known.place(),
                known.specification(),
                cells,
                known.training(),
                known.validation(),
                known.noise(),
                known.provenance());
        FitSet fits = SweepFitter.fit(
                results,
                List.of("chinchilla"),
                SweepFitter.options().bootstrap(60).threads(1));
        String rated = page(results, fits);
        assertThat(rated)
                .contains("Learning rates", "Loss against the learning rate", "inside the rates tried")
                .contains("the best of 3 cells")
                .doesNotContain("(mean of")
                .doesNotContain("Rates untuned");
        assertThat(page).contains("Rates untuned").doesNotContain("Loss against the learning rate");
        FitSet single = SweepFitter.fit(
                known,
                List.of("chinchilla"),
                SweepFitter.options().bootstrap(60).threads(1));
        double tuned =
                fits.of("chinchilla").orElseThrow().parameters().get("alpha").value();
        double untuned =
                single.of("chinchilla").orElseThrow().parameters().get("alpha").value();
        // The minima are those of the known law, shifted by nothing: the law is the same.
        assertThat(tuned).isCloseTo(untuned, within(1e-3));
    }

    @Test
    void clippedStepsAndABestBatchAtTheEdgeAreTold() {
        SweepResults known = KnownSweep.results(0, 1);
        List<CellResult> cells = known.usable();
        SweepResults clipping = new SweepResults(
                known.name(),
                known.place(),
                known.specification(),
                cells,
                known.training(),
                known.validation(),
                known.noise(),
                Map.of(
                        cells.get(0).id(),
                        0.02,
                        cells.get(1).id(),
                        0.81,
                        cells.get(2).id(),
                        0.0),
                known.provenance());
        FitSet fits = SweepFitter.fit(
                clipping,
                List.of("chinchilla"),
                SweepFitter.options().bootstrap(0).threads(1));
        assertThat(page(clipping, fits))
                .contains("steps clipped: 2 % in the median run, 81 % in "
                        + cells.get(1).name() + "; where most steps are")
                .contains(
                        "Of 20 pairs of N and D with several batches the smallest did best at 20 and the largest at 0:"
                                + " there a better one may lie beyond those tried.");
        assertThat(page).doesNotContain("Gradient clipping");
    }

    @Test
    void markupInNamesAndSpecificationsIsShownAsText() {
        assertThat(page)
                .contains("known &lt;b&gt;law&lt;/b&gt;")
                .contains("&lt;/script&gt;&lt;script&gt;alert(1)")
                .doesNotContain("<b>law")
                .doesNotContain("<i>x</i>")
                .doesNotContain("<script>alert(1)");
    }

    @Test
    void aTextOfTheBestCellIsShownAsItIs() {
        SweepResults results = KnownSweep.results(0.005, 1);
        FitSet fits = SweepFitter.fit(
                results,
                List.of("chinchilla"),
                SweepFitter.options().bootstrap(0).threads(1));
        SampleText sample =
                new SampleText("n1-d2", 1.6789, "Once\n  upon", " a <script>alert(2)</script>\u202e\u0007 {{x}}");
        String drawn = ReportPage.html(SweepReport.of(results, fits, NOW, Optional.of(sample)));
        assertThat(drawn)
                .contains(
                        "What the best cell writes",
                        "n1-d2, whose validation loss of 1.679 nats per token is the lowest")
                .contains("<pre class=\"passage\"><span>Once\n  upon</span> a &lt;script&gt;alert(2)&lt;/script&gt;")
                .contains("{{x}}</pre>")
                .doesNotContain("alert(2)</script>", "\u202e", "\u0007");
        assertThat(page).doesNotContain("What the best cell writes");
    }

    /** The page is 1,144 pixels wide inside; a tile takes 69 as a rule. */
    @Test
    void tilesOfAWideMapAreNarrowSoThatThePageHoldsThem() {
        assertThat(mapOf(8)).contains("<div class=\"heat\">");
        assertThat(mapOf(18)).contains("<div class=\"heat dense\">");
        assertThat(mapOf(30)).contains("<div class=\"heat dense upright\">");
    }

    private static String mapOf(int columns) {
        Block map = new Block.HeatMap(
                "map",
                "N",
                "D",
                List.of("25k"),
                Collections.nCopies(columns, "1M"),
                List.of(Collections.nCopies(columns, Block.HeatTile.NONE)));
        return ReportPage.html(new ReportModel(
                "wide", "", List.of(), List.of(), "", List.of(new ReportModel.Section("s", "s", "", List.of(map)))));
    }

    @Test
    void thePageLoadsNothing() {
        String markup = page.replaceAll("(?s)<script.*?</script>", "");
        assertThat(markup)
                .doesNotContain(" src=")
                .doesNotContain("http://")
                .doesNotContain("https://")
                .doesNotContain("@import")
                .doesNotContain("url(");
        assertThat(page).contains("default-src 'none'");
    }

    @Test
    void everyFigureHasItsChartAndEveryChartItsData() throws Exception {
        Matcher matcher = CHARTS.matcher(page);
        assertThat(matcher.find()).isTrue();
        JsonNode charts = new ObjectMapper().readTree(matcher.group(1));
        assertThat(charts.size()).isGreaterThan(8);
        for (int i = 0; i < charts.size(); i++) {
            assertThat(page).contains("data-chart=\"" + i + "\"");
            assertThat(charts.path(i).path("series").size()).isPositive();
        }
    }

    @Test
    void cellsWithoutAResultAreNamedWithTheReason() {
        assertThat(page)
                .contains("Not every cell has a result: 1 diverged, 1 failed.")
                .contains("the trainer died of signal 11 at step 203")
                .contains("the loss became NaN at step 90");
    }

    @Test
    void aRefusedLawIsShownWithTheReason() {
        assertThat(page).contains("Laws that these runs do not allow").contains("<td class=\"plain\">muennighoff</td>");
    }

    @Test
    void theMeaningComesFirst() {
        assertThat(page).contains("For 10× the compute, make the model");
        assertThat(page.indexOf("For 10× the compute")).isLessThan(page.indexOf("<section"));
        assertThat(page)
                .contains("so that this is an extrapolation")
                .contains("Rates untuned: all this holds")
                .doesNotContain("No model of this kind");
    }

    @Test
    void methodsAndOtherCountsAreTold() {
        assertThat(page)
                .contains(
                        "Methods", "(Mis)Fitting", "How N, D and C are counted", "untuned, by one rule for every size")
                .contains("Other counts of N", "exact-flops")
                .contains("Critical batch size and gradient noise scale");
    }

    @Test
    void aSweepWithTwoFinishedCellsStillHasAReport() {
        SweepResults all = KnownSweep.results(0.005, 1);
        List<CellResult> cells = all.cells().subList(0, 2);
        SweepResults few = new SweepResults(
                "few", all.place(), all.specification(), cells, List.of(), List.of(), List.of(), all.provenance());
        String small =
                page(few, SweepFitter.fit(few, List.of(), SweepFitter.options().bootstrap(0)));
        assertThat(small)
                .contains("2 of 2")
                .contains("Laws that these runs do not allow")
                .doesNotContain("For 10×");
    }
}
