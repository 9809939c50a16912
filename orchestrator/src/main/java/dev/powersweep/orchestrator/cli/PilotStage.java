package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.design.FirstRates;
import dev.powersweep.orchestrator.driver.SweepRunner;
import dev.powersweep.orchestrator.driver.SweepSummary;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.publish.SweepProgress;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepReader;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.CellsTable;
import java.io.PrintWriter;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;

/**
 * Trains a plan: where a design has its learning-rate pilot before it, the pilot's cells first and then the others at the rates that
 * follow. A run that was cut short is taken up by the same command: what the pilot says follows from its cells alone.
 */
record PilotStage(
        SweepRunner runner,
        SweepDirectory directory,
        Configuration configuration,
        Supplier<SweepProgress> progress,
        PrintWriter told) {

    /** @param plans makes the plan of a design */
    SweepSummary run(SweepSpec spec, SweepPlan plan, Function<SweepSpec, SweepPlan> plans) throws InterruptedException {
        if (!FirstRates.outstanding(spec)) {
            return runner.run(plan, directory, progress.get());
        }
        SweepPlan pilot = FirstRates.pilot(plan);
        SweepSummary first = runner.run(pilot, directory, progress.get());
        if (first.stopped().isPresent() || first.unfinished() > 0) {
            return first;
        }
        FirstRates rates = FirstRates.of(spec, results(pilot));
        told.println(rates.sentence());
        told.flush();
        return runner.run(plans.apply(rates.design()), directory, progress.get());
    }

    private List<CellResult> results(SweepPlan pilot) {
        CellsTable.refresh(directory, configuration);
        Set<String> ids = pilot.cells().stream()
                .map(planned -> planned.gridCell().cell().id())
                .collect(Collectors.toSet());
        return SweepReader.read(directory, configuration).cells().stream()
                .filter(cell -> ids.contains(cell.id()))
                .toList();
    }
}
