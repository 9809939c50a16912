package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.design.FirstRates;
import dev.powersweep.orchestrator.design.SweepDesigner;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Openings;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.driver.Packing;
import dev.powersweep.orchestrator.driver.SweepSummary;
import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.publish.SweepProgress;
import dev.powersweep.orchestrator.results.SweepReader;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A design whose rate pilot comes first, cut short at every place between its pilot and its end, on a real ledger. */
class PilotStageTest {
    private static final Slots SLOTS = new Slots(2, 0);
    private static final CorpusFacts CORPUS = new CorpusFacts(
            "0123456789abcdef", 256, 1_000_000_000, List.of(new CorpusFacts.EvaluationSet("validation", 400_000)));
    private static final SweepSpec ASKED = SweepSpecReader.read(
            "name: pilot\ncontext: 64\ngrid: {design: auto, flops: 3.5e13, ratePilot: first}\ntraining: {learningRate:"
                    + " {rule: power, coefficient: 0.092, model: -0.265, batch: 0.5, data: -0.2}}\n",
            "s.yaml",
            List.of());
    private static final SweepSpec DESIGN =
            SweepDesigner.design(ASKED, CORPUS, SLOTS, List.of()).spec();
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @TempDir
    private Path folder;

    private final Configuration configuration = new Configuration();
    private final List<SweepPlan> runs = new ArrayList<>();
    private final StringWriter told = new StringWriter();
    private SweepDirectory directory;
    private ToDoubleFunction<Cell> best = cell -> 1.3;

    /** The driver is killed in the run of this number, after it has planned its cells. */
    private int killedIn = Integer.MAX_VALUE;

    private static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    @BeforeEach
    void choose() throws IOException {
        directory = SweepDirectory.at(folder.resolve("sweep").toString(), configuration);
    }

    private static SweepPlan plan(SweepSpec spec) {
        return new SweepPlanner().plan(spec, CORPUS, SLOTS);
    }

    private static Set<String> ids(SweepPlan plan) {
        return plan.cells().stream()
                .map(planned -> planned.gridCell().cell().id())
                .collect(Collectors.toSet());
    }

    /** As the command does, with what the directory keeps. */
    private SweepSummary submit() throws IOException, InterruptedException {
        Storage storage = directory.storage(configuration);
        SweepSpec spec = storage.exists(directory.specification())
                ? DesignStage.earlier(
                                ASKED, new String(storage.read(directory.specification()), StandardCharsets.UTF_8))
                        .orElseThrow()
                : DESIGN;
        PrintWriter err = new PrintWriter(told, true);
        return new PilotStage(this::train, directory, configuration, () -> SweepProgress.NONE, err)
                .run(spec, plan(spec), PilotStageTest::plan);
    }

    private SweepSummary train(SweepPlan plan, SweepDirectory at, SweepProgress progress) throws InterruptedException {
        runs.add(plan);
        try (Ledger ledger =
                Ledger.open(at.storage(configuration), at, "app", "test", Lease.Timing.DEFAULT, Optional::empty)) {
            SweepState state = ledger.initialState();
            List<LedgerEvent> events = new ArrayList<>(Openings.submitted(state, plan, NOW));
            events.forEach(state::apply);
            at.storage(configuration)
                    .replace(at.specification(), plan.specification().getBytes(StandardCharsets.UTF_8));
            int trained = 0;
            if (runs.size() < killedIn) {
                for (PlannedCell planned : plan.cells()) {
                    Cell cell = planned.gridCell().cell();
                    if (!state.cell(cell.id()).orElseThrow().state().terminal()) {
                        trained++;
                        List<LedgerEvent> ends = List.of(new LedgerEvent.Running(NOW, cell.id(), 1, 0), ended(cell));
                        ends.forEach(state::apply);
                        events.addAll(ends);
                    }
                }
            }
            ledger.append(events).join();
            if (runs.size() >= killedIn) {
                throw new Killed();
            }
            return new SweepSummary(
                    trained,
                    trained,
                    state.count(CellState.FINISHED),
                    0,
                    0,
                    state.count(CellState.PLANNED),
                    trained,
                    trained,
                    10,
                    new Packing(10, 8, 0.9, 0.8, trained),
                    0,
                    Optional.empty());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private LedgerEvent ended(Cell cell) {
        double rule = 0.092
                * Math.pow(cell.model().counts().n(), -0.265)
                * Math.sqrt(cell.batchTokens())
                * Math.pow(cell.tokens(), -0.2);
        double loss =
                2 + 0.05 * Math.pow(Math.log(cell.training().peakLearningRate() / rule / best.applyAsDouble(cell)), 2);
        long steps = cell.data().steps();
        Frame.Evaluation last = new Frame.Evaluation(cell.id(), steps, "validation", loss, 0.01, 100, loss, 0.1);
        Frame.Finished result = new Frame.Finished(cell.id(), steps, false, loss, List.of(last), 0.2, 0.1, 100 << 20);
        return new LedgerEvent.Ended(
                NOW, Reports.report(cell.id(), 1, new Outcome.Finished(result), steps, 1, 8, "host", NOW));
    }

    /** What an undisturbed run decides, of the losses that its cells come to. */
    private SweepSpec decided() throws IOException {
        Set<String> pilot = ids(FirstRates.pilot(plan(DESIGN)));
        return FirstRates.of(
                        DESIGN,
                        SweepReader.read(directory, configuration).cells().stream()
                                .filter(cell -> pilot.contains(cell.id()))
                                .toList())
                .design();
    }

    private void assertEndsAsTheUndisturbedOne(SweepSummary last) throws IOException {
        SweepPlan whole = runs.get(runs.size() - 1);
        assertThat(ids(whole)).isEqualTo(ids(plan(decided())));
        assertThat(last.unfinished()).isZero();
        assertThat(last.finished()).isEqualTo(whole.cells().size());
        assertThat(PilotStage.outstanding(directory, configuration)).isFalse();
    }

    @Test
    void theOthersFollowAndTheRunIsToldAsOne() throws Exception {
        SweepSummary summary = submit();
        assertEndsAsTheUndisturbedOne(summary);
        assertThat(runs).hasSize(2);
        assertThat(told.toString()).contains("the other cells take 1.3 times the rule's rates");
        int cells = runs.get(1).cells().size();
        assertThat(cells)
                .as("its five sizes are trained at the new rate, too")
                .isEqualTo(plan(DESIGN).cells().size() + 5);
        assertThat(FirstRates.before(plan(DESIGN))).contains("up to 5 cells more are trained");
        assertThat(summary.begun()).isEqualTo(cells);
        assertThat(summary.attempts()).isEqualTo(cells);
        assertThat(summary.seconds()).isEqualTo(20);
        assertThat(summary.packing().makespanSeconds()).isEqualTo(20);
        assertThat(summary.packing().lowerBoundSeconds()).isEqualTo(16);
        assertThat(summary.packing().occupancy()).isEqualTo(0.9);
    }

    @Test
    void aDriverThatIsKilledInThePilotIsTakenUpByTheSameCommand() throws Exception {
        killedIn = 1;
        assertThatThrownBy(this::submit).isInstanceOf(Killed.class);
        assertThat(PilotStage.outstanding(directory, configuration)).isTrue();
        killedIn = Integer.MAX_VALUE;
        assertEndsAsTheUndisturbedOne(submit());
        assertThat(told.toString()).contains("the other cells take 1.3 times the rule's rates");
    }

    /** Whether their rates differ from the rule's or not: what a pilot keeps is as decided as what it changes. */
    @Test
    void aDriverThatIsKilledAfterThePilotIsTakenUpByTheSameCommand() throws Exception {
        List<ToDoubleFunction<Cell>> differing =
                List.of(best, cell -> cell.batchTokens() > 300 ? 0.8 : cell.tokens() > 1e6 ? 1.2 : 0.95);
        for (int i = 0; i < differing.size(); i++) {
            best = differing.get(i);
            directory = SweepDirectory.at(folder.resolve("sweep-" + i).toString(), configuration);
            runs.clear();
            killedIn = 2;
            assertThatThrownBy(this::submit).isInstanceOf(Killed.class);
            Set<String> planned = ids(runs.get(1));
            killedIn = Integer.MAX_VALUE;
            assertEndsAsTheUndisturbedOne(submit());
            assertThat(runs).as("the pilot is not looked at again").hasSize(3);
            assertThat(ids(runs.get(2))).isEqualTo(planned);
        }
        assertThat(told.toString()).contains("take 1.3 times the rule's rates", "keep the rule's rates");
    }

    @Test
    void cellsOfAnotherDesignThatWaitHoldNothingUp() throws Exception {
        killedIn = 1;
        SweepSpec other = SweepSpecReader.read(
                "name: pilot\ncontext: 64\ngrid: {modelSizes: 30k, dataSizes: 1M}\n", "s.yaml", List.of());
        assertThatThrownBy(() -> train(plan(other), directory, SweepProgress.NONE))
                .isInstanceOf(Killed.class);
        directory.storage(configuration).delete(directory.specification());
        runs.clear();
        killedIn = Integer.MAX_VALUE;
        SweepSummary summary = submit();
        assertThat(runs).hasSize(2);
        assertThat(summary.unfinished()).isEqualTo(1);
        assertThat(FirstRates.outstanding(
                        DesignStage.earlier(ASKED, runs.get(1).specification()).orElseThrow()))
                .isFalse();
    }
}
