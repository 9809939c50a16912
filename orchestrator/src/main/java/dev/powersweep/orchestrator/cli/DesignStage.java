package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.design.SweepDesigner;
import dev.powersweep.orchestrator.driver.SpeedProbe;
import dev.powersweep.orchestrator.driver.SweepRunner;
import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.StepRate;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.spec.GridSpec;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Program;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;

/** Between a corpus and a plan: a grid of {@code design: auto} is designed, once for a directory. */
final class DesignStage {
    private final JavaSparkContext spark;
    private final CorpusFacts corpus;
    private final Slots slots;

    DesignStage(JavaSparkContext spark, CorpusFacts corpus, Slots slots) {
        this.spark = spark;
        this.corpus = corpus;
        this.slots = slots;
    }

    /**
     * What a grid was designed to.
     *
     * @param parts entries of its union, as YAML
     * @param rates what was measured for it; empty where nothing had to be
     */
    record Made(SweepSpec spec, List<String> parts, Optional<List<StepRate>> rates) {}

    /**
     * The specification as its directory is to train it: with the design that a directory was begun with, so that the same
     * command trains the same cells however fast the machine is by then.
     */
    SweepSpec settled(SweepSpec spec, SweepDirectory directory, Configuration configuration) {
        return spec.grid().undesigned()
                ? SweepRunner.specification(directory, configuration)
                        .flatMap(text -> earlier(spec, text))
                        .orElse(spec)
                : spec;
    }

    /** The specification with the design of a stored one that was asked for the same. */
    static Optional<SweepSpec> earlier(SweepSpec spec, String text) {
        try {
            SweepSpec stored = SweepSpecReader.read(text, "sweep.yaml", List.of());
            GridSpec grid = stored.grid();
            boolean decided = grid.ratePilot() == GridSpec.PilotOrder.DECIDED;
            boolean same = grid.design().equals(spec.grid().design())
                    && (decided ? GridSpec.PilotOrder.FIRST : grid.ratePilot())
                            == spec.grid().ratePilot()
                    && !grid.undesigned()
                    && stored.context() == spec.context()
                    && stored.model().equals(spec.model())
                    // A design's rates are factors of this rule, and what a pilot found holds for its training alone.
                    && stored.training().learningRate().equals(spec.training().learningRate())
                    && (!decided || stored.training().equals(spec.training()));
            return same
                    ? SweepSpecReader.union(text).map(union -> SweepDesigner.with(spec, union, grid.ratePilot()))
                    : Optional.empty();
        } catch (UserError e) {
            // Of another version; a design of its own is made.
            return Optional.empty();
        }
    }

    /** Designs the grid for what this machine can train in the time, or for FLOPs. */
    Made design(SweepSpec spec, SweepDirectory directory) {
        if (spec.grid().design().orElseThrow() instanceof GridSpec.Design.Flops) {
            SweepDesigner.Designed designed = SweepDesigner.design(spec, corpus, slots, List.of());
            return new Made(designed.spec(), designed.parts(), Optional.empty());
        }
        SweepSpec supposed = SweepDesigner.unmeasured(spec, corpus, slots).spec();
        List<StepRate> rates = rates(supposed, Optional.empty(), directory);
        SweepDesigner.Designed designed = SweepDesigner.design(spec, corpus, slots, rates);
        return new Made(designed.spec(), designed.parts(), Optional.of(rates));
    }

    /** How fast the slots train the cells of a specification. */
    List<StepRate> rates(SweepSpec spec, Optional<Program> program, SweepDirectory directory) {
        return new SpeedProbe(
                        spark,
                        new SweepPlanner()
                                .forecast(spec, corpus, program, slots)
                                .plan(),
                        slots.count())
                .rates(directory, spec.run().probeSeconds());
    }
}
