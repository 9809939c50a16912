package dev.powersweep.orchestrator.plan;

import java.util.List;

/**
 * A plan and what it is expected to take.
 *
 * @param totalSeconds of all cells, one after the other
 * @param makespanSeconds from start to end on the slots, longest cells first, trainers' start counted
 * @param lowerBoundSeconds no order can be faster: the larger of total/slots and the longest cell
 * @param trunks what cells share of their training
 * @param warnings one sentence each
 */
public record Forecast(
        SweepPlan plan,
        Slots slots,
        double totalSeconds,
        double makespanSeconds,
        double lowerBoundSeconds,
        Trunks trunks,
        List<String> warnings) {
    public Forecast {
        warnings = List.copyOf(warnings);
    }
}
