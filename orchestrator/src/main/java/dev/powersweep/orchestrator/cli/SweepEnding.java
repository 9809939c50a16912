package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.fits.FitsText;
import dev.powersweep.orchestrator.run.SweepProgress;
import dev.powersweep.orchestrator.run.SweepSummary;
import dev.powersweep.orchestrator.run.TerminalProgress;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.PrintWriter;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import picocli.CommandLine;

/** How {@code run} and {@code rerun} end: the summary, the laws, the report, the exit code. */
final class SweepEnding {
    private static final Logger LOG = LogManager.getLogger(SweepEnding.class);

    private SweepEnding() {}

    static SweepProgress progress() {
        return new TerminalProgress(System.err, System.console() != null);
    }

    /** Exit code 0 only when every cell of the sweep has a result. */
    static int conclude(SweepSummary summary, SweepDirectory directory, Configuration configuration, PrintWriter out) {
        if (summary.begun() == 0) {
            LOG.info(
                    "nothing to train: {} cells are finished, {} diverged, {} failed",
                    summary.finished(),
                    summary.diverged(),
                    summary.failed());
        } else {
            LOG.info(
                    "{} cells finished, {} diverged, {} failed, {} not ended; {} tokens in {}, {} s of it around training",
                    summary.finished(),
                    summary.diverged(),
                    summary.failed(),
                    summary.unfinished(),
                    String.format(Locale.ROOT, "%,d", summary.tokens()),
                    TerminalProgress.duration(summary.seconds()),
                    String.format(Locale.ROOT, "%.0f", summary.overheadSeconds()));
        }
        summary.stopped().ifPresent(reason -> LOG.error("stopped: {}", reason));
        if (summary.finished() > 0) {
            SweepLaws.Made made = SweepLaws.fitAndReport(directory, configuration);
            out.println(FitsText.write(made.fits()));
            out.println("report: " + made.report());
            out.flush();
        }
        if (summary.failed() > 0) {
            LOG.error(
                    "{} cells failed: powersweep status {} names them, powersweep rerun {} --failed tries them again",
                    summary.failed(),
                    directory.root(),
                    directory.root());
        }
        return summary.complete() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
}
