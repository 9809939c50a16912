package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Parameters;

/** {@code DIR CELL}: one cell of a sweep. */
final class CellChoice {
    @Parameters(index = "0", paramLabel = "DIR", description = "Directory of a sweep, on any Hadoop file system.")
    private String sweep = "";

    @Parameters(
            index = "1",
            paramLabel = "CELL",
            description = "Name or id of a cell, or a pattern that one name matches, e.g. \"n786k-d3.1M-*\".")
    private String cell = "";

    SweepDirectory directory(Configuration configuration) {
        return SweepDirectory.at(sweep, configuration);
    }

    /** @throws dev.powersweep.orchestrator.storage.UserError when the sweep has no such cell, or several */
    CellRecord in(SweepDirectory directory, Configuration configuration) {
        return OneCell.of(LedgerReader.open(directory, configuration), cell);
    }
}
