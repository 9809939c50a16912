package dev.powersweep.orchestrator.doctor;

import dev.powersweep.orchestrator.text.Shown;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;

/** Runs the checks and prints one line each. */
public final class Doctor {
    private Doctor() {}

    /**
     * Examines this machine and, where one is given, the executors of a Spark master.
     *
     * @return whether nothing is broken
     */
    public static boolean examine(Optional<String> master, PrintWriter out) {
        out.println("this machine");
        List<Finding> here = MachineChecks.run();
        boolean healthy = print(here, out);
        Finding trainer = TrainerCheck.run();
        healthy &= print(List.of(trainer), out);
        if (master.isPresent()) {
            List<ClusterChecks.ExecutorReport> executors = ClusterChecks.run(master.get());
            for (ClusterChecks.ExecutorReport executor : executors) {
                out.printf(
                        "executor %s on %s: %d cores%s%n",
                        executor.executor(),
                        Shown.line(executor.host()),
                        executor.cores(),
                        executor.gpuAddresses().isEmpty() ? "" : ", GPUs " + executor.gpuAddresses());
                healthy &= print(executor.findings(), out);
            }
        }
        out.println(healthy ? "ready to run sweeps" : "mend what is marked ✗ first");
        return healthy;
    }

    private static boolean print(List<Finding> findings, PrintWriter out) {
        boolean healthy = true;
        for (Finding finding : findings) {
            String mark =
                    switch (finding.verdict()) {
                        case GOOD -> "✓";
                        case WARNING -> "!";
                        case BROKEN -> "✗";
                    };
            out.printf("  %s %-10s %s%n", mark, finding.subject(), Shown.line(finding.seen()));
            if (!finding.remedy().isEmpty()) {
                out.printf("               → %s%n", finding.remedy());
            }
            healthy &= finding.verdict() != Finding.Verdict.BROKEN;
        }
        return healthy;
    }
}
