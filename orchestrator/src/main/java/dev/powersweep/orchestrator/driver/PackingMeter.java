package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import java.util.HashMap;
import java.util.Map;

/** Adds up what slots and attempts take. */
final class PackingMeter {
    private final Map<String, Double> cells = new HashMap<>();
    private double attempts;
    private double trainingSeconds;
    private double overheadSeconds;
    private double slotSeconds;
    private double longest;
    private int slots;
    private double since;

    /** @param now seconds since the run began */
    void slots(int count, double now) {
        slotSeconds += slots * (now - since);
        since = now;
        slots = count;
    }

    void ended(AttemptReport report) {
        attempts++;
        trainingSeconds += report.seconds();
        overheadSeconds += report.overheadSeconds();
        longest =
                Math.max(longest, cells.merge(report.cell(), report.seconds() + report.overheadSeconds(), Double::sum));
    }

    /** @param now seconds since the run began */
    Packing read(double now) {
        double available = slotSeconds + slots * (now - since);
        double busy = trainingSeconds + overheadSeconds;
        double meanSlots = now > 0 ? available / now : 1;
        return new Packing(
                now,
                Math.max(meanSlots > 0 ? busy / meanSlots : 0, longest),
                available > 0 ? busy / available : 0,
                available > 0 ? trainingSeconds / available : 0,
                attempts > 0 ? overheadSeconds / attempts : 0);
    }
}
