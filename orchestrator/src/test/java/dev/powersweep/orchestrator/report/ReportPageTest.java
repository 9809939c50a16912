package dev.powersweep.orchestrator.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.report.sections.SweepReport;
import dev.powersweep.orchestrator.results.KnownSweep;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ReportPageTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @Test
    void markupInNamesIsShownAsText() throws Exception {
        String page = ReportPage.html(SweepReport.of(KnownSweep.results(0.005, 1), NOW));
        Files.writeString(Path.of("target/known-sweep.html"), page);
        assertThat(page)
                .contains("known &lt;b&gt;law&lt;/b&gt;")
                .doesNotContain("<b>law")
                .doesNotContain("<i>x</i>");
    }
}
