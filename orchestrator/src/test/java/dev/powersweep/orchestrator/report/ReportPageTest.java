package dev.powersweep.orchestrator.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.fits.SweepFits;
import dev.powersweep.orchestrator.report.sections.SweepReport;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportPageTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private static String page() {
        SweepResults results = KnownSweep.results(0.005, 1);
        return ReportPage.html(SweepReport.of(
                results, SweepFits.fit(results, List.of(), SweepFits.options().bootstrap(200)), NOW));
    }

    @Test
    void markupInNamesIsShownAsText() throws Exception {
        String page = page();
        Files.writeString(Path.of("target/known-sweep.html"), page);
        assertThat(page)
                .contains("known &lt;b&gt;law&lt;/b&gt;")
                .doesNotContain("<b>law")
                .doesNotContain("<i>x</i>");
    }
}
