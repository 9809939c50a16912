package dev.powersweep.orchestrator.bench;

import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.simulation.Hazards;
import dev.powersweep.orchestrator.simulation.SimulatedSweep;
import java.nio.charset.StandardCharsets;

/** Plans a large grid and runs it on a virtual clock: how close the makespan comes to its lower bound, and at what load. */
public final class ScheduleBench {
    /**
     * @param planning of the grid, from specification to plan
     * @param driving dispatcher, policy, state, and every event as a line of JSON
     * @param ledgerBytes of those lines
     */
    public record Report(SimulatedSweep.Result sweep, DriverLoad planning, DriverLoad driving, long ledgerBytes) {
        /** Events that the driver's thread could take in a second of its time. */
        public double eventsPerCpuSecond() {
            return sweep.events() / driving.cpuSeconds();
        }
    }

    private ScheduleBench() {}

    public static Report run(int cells, int slots, Hazards hazards, long seed) {
        DriverLoad.Measured<Forecast> planned =
                DriverLoad.of(() -> LargeGrid.forecast(LargeGrid.specification(cells), slots));
        long[] bytes = new long[1];
        DriverLoad.Measured<SimulatedSweep.Result> driven = DriverLoad.of(() -> new SimulatedSweep(
                        planned.result().plan(),
                        slots,
                        hazards,
                        seed,
                        events -> events.forEach(event ->
                                bytes[0] += LedgerJson.line(event).getBytes(StandardCharsets.UTF_8).length + 1))
                .run());
        return new Report(driven.result(), planned.load(), driven.load(), bytes[0]);
    }
}
