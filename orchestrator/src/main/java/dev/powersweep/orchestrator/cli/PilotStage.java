package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.design.FirstRates;
import dev.powersweep.orchestrator.driver.SweepSummary;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.publish.SweepProgress;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepReader;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.CellsTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
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
        Trains trains,
        SweepDirectory directory,
        Configuration configuration,
        Supplier<SweepProgress> progress,
        PrintWriter told) {

    /** Trains what a plan holds and the directory does not: {@link dev.powersweep.orchestrator.driver.SweepRunner#run}. */
    @FunctionalInterface
    interface Trains {
        SweepSummary run(SweepPlan plan, SweepDirectory directory, SweepProgress progress) throws InterruptedException;
    }

    /** @param plans makes the plan of a design */
    SweepSummary run(SweepSpec spec, SweepPlan plan, Function<SweepSpec, SweepPlan> plans) throws InterruptedException {
        if (!FirstRates.outstanding(spec)) {
            return trains.run(plan, directory, progress.get());
        }
        SweepPlan pilot = FirstRates.pilot(plan);
        SweepSummary first = trains.run(pilot, directory, progress.get());
        List<CellResult> ended = results(pilot);
        // Of the pilot alone: cells of an earlier design, or of these that were begun before, may wait in the
        // directory.
        if (first.stopped().isPresent()
                || !ended.stream().allMatch(cell -> cell.state().terminal())) {
            return first;
        }
        FirstRates rates = FirstRates.of(spec, ended);
        told.println(rates.sentence());
        told.flush();
        return trains.run(plans.apply(rates.design()), directory, progress.get())
                .after(first);
    }

    /**
     * Whether a directory's design still waits for the rates of its pilot, so that its other cells are not in the ledger;
     * not, where what it keeps cannot be read as a specification.
     */
    static boolean outstanding(SweepDirectory directory, Configuration configuration) {
        try {
            String text = new String(
                    directory.storage(configuration).read(directory.specification()), StandardCharsets.UTF_8);
            // Few sweeps have one, and reading a specification takes longer than a status.
            return text.contains("ratePilot")
                    && FirstRates.outstanding(SweepSpecReader.read(text, "sweep.yaml", List.of()));
        } catch (IOException | UserError unknown) {
            return false;
        }
    }

    /** What a user whose command ends before a design's other cells are planned is told. */
    static String remedy(SweepDirectory directory) {
        return "the design's other cells wait for the rates that its pilot finds: submit the specification again, powersweep"
                + " run SPEC.yaml --output " + directory.root();
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
