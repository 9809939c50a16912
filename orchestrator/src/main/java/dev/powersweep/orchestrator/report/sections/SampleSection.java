package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.ReportModel;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What the sweep's lowest loss reads like. */
final class SampleSection {
    private SampleSection() {}

    static Optional<ReportModel.Section> of(Optional<SampleText> sample) {
        return sample.map(drawn -> new ReportModel.Section(
                "sample",
                "What the best cell writes",
                String.format(
                        Locale.ROOT,
                        "%s, whose validation loss of %.3f nats per token is the lowest, goes on with the grey text, which is"
                                + " held out and it has not seen. Each token is drawn from what it expects (temperature 1,"
                                + " seed 1). powersweep sample DIR CELL draws more.",
                        drawn.cell(),
                        drawn.loss()),
                List.of(new Block.Passage(drawn.prompt(), drawn.text()))));
    }
}
