package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.driver.Packing;
import dev.powersweep.orchestrator.driver.SweepSummary;
import dev.powersweep.orchestrator.fits.FitsSummary;
import dev.powersweep.orchestrator.publish.TerminalProgress;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Shown;
import java.io.PrintWriter;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;

/** What a user is told when a sweep has run. */
final class SweepEnd {
    private SweepEnd() {}

    /** Prints the laws and the report's path; throws {@link UserError} when not every cell has a result. */
    static int tell(
            SweepSummary summary,
            SweepDirectory directory,
            Configuration configuration,
            BestSample.When sample,
            CommandLine commandLine) {
        PrintWriter err = commandLine.getErr();
        err.println(sentence(summary));
        if (summary.attempts() > 0) {
            err.println(packing(summary.packing()));
        }
        if (PilotStage.outstanding(directory, configuration)) {
            err.println(PilotStage.remedy(directory));
        }
        if (summary.sharedFlops() > 0) {
            err.println(String.format(
                    Locale.ROOT,
                    "shared trunks saved %.3g training FLOPs of the sweep; columns shared_steps and spent_flops of the"
                            + " cells table say where",
                    summary.sharedFlops()));
        }
        err.flush();
        if (summary.finished() > 0) {
            try {
                report(directory, configuration, sample, commandLine);
            } catch (UserError e) {
                if (summary.stopped().isEmpty() && summary.failed() == 0) {
                    throw e;
                }
                // Which cells failed is what the command ends with; both may come of one full disk.
                err.println("powersweep: " + Shown.message(e.getMessage()));
                err.flush();
            }
        }
        if (summary.stopped().isPresent()) {
            throw new UserError("the sweep was stopped: " + summary.stopped().get()
                    + "; every state is kept, see powersweep status " + directory.root());
        }
        if (summary.failed() > 0) {
            throw new UserError(summary.failed() + " cells have failed; see powersweep status " + directory.root()
                    + " for why, and powersweep rerun " + directory.root() + " --failed to try them again");
        }
        return CommandLine.ExitCode.OK;
    }

    private static void report(
            SweepDirectory directory, Configuration configuration, BestSample.When sample, CommandLine commandLine) {
        FittedSweep.Made made = FittedSweep.fitAndReport(directory, configuration, sample);
        tellSample(made, commandLine.getErr());
        PrintWriter out = commandLine.getOut();
        out.print(FitsSummary.write(made.fits()));
        out.println("report: " + made.report());
        out.println("details of the fits: powersweep fit " + directory.root());
        out.flush();
    }

    /** Says why the report has no text of the best cell. */
    static void tellSample(FittedSweep.Made made, PrintWriter err) {
        made.withoutSample()
                .ifPresent(why -> err.println(
                        "the report shows no text of the best cell (see powersweep sample): " + Shown.message(why)));
        err.flush();
    }

    private static String packing(Packing packing) {
        return String.format(
                Locale.ROOT,
                "makespan %.1f s (no order takes less than %.1f s), slots occupied %.0f %% (by training %.0f %%), %.2f s"
                        + " of overhead an attempt",
                packing.makespanSeconds(),
                packing.lowerBoundSeconds(),
                100 * packing.occupancy(),
                100 * packing.trainingOccupancy(),
                packing.overheadSecondsPerAttempt());
    }

    private static String sentence(SweepSummary summary) {
        String ended = summary.finished() + " cells finished, " + summary.diverged() + " diverged, " + summary.failed()
                + " failed";
        if (summary.begun() == 0) {
            return "nothing to train: " + ended + " before";
        }
        return String.format(
                Locale.ROOT,
                "%d cells taken up (%d of them new), %d attempts, %s tokens in %s; in the sweep: %s",
                summary.begun(),
                summary.planned(),
                summary.attempts(),
                String.format(Locale.ROOT, "%,d", summary.tokens()),
                TerminalProgress.duration(summary.seconds()),
                ended);
    }
}
