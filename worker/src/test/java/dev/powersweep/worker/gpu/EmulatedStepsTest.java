package dev.powersweep.worker.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.gpu.CellGroup.Run;
import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import dev.powersweep.worker.gpu.SmallModels.Options;
import dev.powersweep.worker.gpu.SmallModels.Words;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.train.DivergenceException;
import dev.powersweep.worker.train.Engine.Progress;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.StepRecord;
import dev.powersweep.worker.train.TrainingSession;
import dev.powersweep.worker.train.TrainingState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole steps on the emulated device against the CPU's. */
class EmulatedStepsTest {

    private static final int STEPS = SmallModels.STEPS;

    /** How the device is built. */
    EmulatedDevice device(Threads threads) {
        return new EmulatedDevice(threads);
    }

    private static TrainingSession session(Run run) {
        return TrainingSession.create(run.cell(), run.source(), KernelChoice.FAST, 0);
    }

    private static List<StepRecord> train(CellGroup group, int cell, int steps) {
        List<StepRecord> records = new ArrayList<>();
        // Across the end of the ring.
        for (int done = 0; done < steps; done += 6) {
            group.enqueue(Math.min(6, steps - done));
            Progress progress = group.drain().get(cell);
            assertThat(progress.diverged()).isEmpty();
            records.addAll(progress.records());
        }
        return records;
    }

    @ParameterizedTest
    @EnumSource(names = {"GPT", "EVERYTHING_ELSE"})
    void twentyStepsAreThoseOfTheCpu(Options options) throws Exception {
        Run run = SmallModels.run(options, 1, options.mup ? 0.1 : 0);
        Words words = new Words(options.shape, 1);
        try (Device device = device(Threads.FORWARDS);
                CellGroup group = new CellGroup(device, List.of(run), Precision.FLOAT32, options.pass);
                TrainingSession session = session(run)) {
            List<StepRecord> records = train(group, 0, STEPS);
            assertThat(records).hasSize(STEPS);
            for (StepRecord ours : records) {
                StepRecord cpu = session.step();
                assertThat(ours.step()).isEqualTo(cpu.step());
                assertThat(ours.tokens()).isEqualTo(cpu.tokens());
                assertThat(ours.learningRate()).isEqualTo(cpu.learningRate());
                assertThat(ours.loss()).as("loss of step %s", cpu.step()).isCloseTo(cpu.loss(), within(2e-5));
                close(ours.gradientNorm(), cpu.gradientNorm(), 2e-4);
                close(ours.gradientSquareBig(), cpu.gradientSquareBig(), 4e-4);
                close(ours.gradientSquareSmall(), cpu.gradientSquareSmall(), 4e-4);
            }
            assertThat(records.get(STEPS - 1).loss()).isLessThan(records.get(0).loss() - 0.2);
            EvaluationResult ours = group.evaluate(words, 1000).get(0);
            EvaluationResult cpu = session.evaluate(words, 1000);
            assertThat(ours.tokens()).isEqualTo(cpu.tokens());
            assertThat(ours.loss()).isCloseTo(cpu.loss(), within(2e-5));
            assertThat(ours.standardError()).isCloseTo(cpu.standardError(), within(2e-5));
            assertThat(apart(group.state(0).parameters(), session.state().parameters()))
                    .isLessThan(1e-3);
        }
    }

    @Test
    void initialWeightsAreTheNetworks() {
        for (Options options : Options.values()) {
            Run run = SmallModels.run(options, 1, 0);
            try (TrainingSession session = session(run)) {
                assertThat(InitialWeights.of(run.cell(), session.layout()))
                        .isEqualTo(session.state().parameters().order(ByteOrder.LITTLE_ENDIAN));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "BFLOAT16"})
    void aCellsBitsDependNeitherOnItsNeighboursNorOnTheOrderOfThreads(Precision precision) {
        for (Options options : Options.values()) {
            // The second of three, whose neighbours have other data, rates and dropout.
            List<Run> three = List.of(
                    SmallModels.run(options, 1, 0), SmallModels.run(options, 2, 0.1), SmallModels.run(options, 3, 0.4));
            TrainingState alone;
            List<StepRecord> steps;
            try (Device device = device(Threads.FORWARDS);
                    CellGroup group = new CellGroup(device, three.subList(1, 2), precision, options.pass)) {
                steps = train(group, 0, 4);
                alone = group.state(0);
            }
            try (Device device = device(Threads.BACKWARDS);
                    CellGroup group = new CellGroup(device, three, precision, options.pass)) {
                assertThat(train(group, 1, 4)).isEqualTo(steps);
                assertThat(group.state(1)).isEqualTo(alone);
                assertThat(group.state(0).parameters()).isNotEqualTo(alone.parameters());
            }
        }
    }

    /** A large vocabulary's logits are made for some rows at a time, also while the last ones' products are put off. */
    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "BFLOAT16"})
    void logitsMadeInTurnsChangeNoLossAndGradientsByRoundingAlone(Precision precision) {
        Run run = SmallModels.run(Options.EVERYTHING_ELSE, 1, 0);
        try (Device device = device(Threads.BACKWARDS);
                CellGroup whole = new CellGroup(device, List.of(run, run), precision, 2);
                CellGroup turns =
                        new CellGroup(device, new TokenStores(device), List.of(run, run), precision, 2, 15 * 41)) {
            whole.enqueue(3);
            turns.enqueue(3);
            List<StepRecord> expected = whole.drain().get(1).records();
            List<StepRecord> ours = turns.drain().get(1).records();
            assertThat(ours.get(0).loss()).isEqualTo(expected.get(0).loss());
            for (int i = 0; i < 3; i++) {
                assertThat(ours.get(i).loss()).isCloseTo(expected.get(i).loss(), within(1e-4));
                close(ours.get(i).gradientNorm(), expected.get(i).gradientNorm(), 1e-4);
                close(ours.get(i).gradientSquareSmall(), expected.get(i).gradientSquareSmall(), 1e-4);
            }
        }
    }

    @Test
    void aCellWithoutDropoutHasTheSameBitsBesideOneWithIt() {
        List<Run> two = List.of(SmallModels.run(Options.GPT, 1, 0), SmallModels.run(Options.GPT, 2, 0.4));
        try (Device device = device(Threads.FORWARDS);
                CellGroup alone = new CellGroup(device, two.subList(0, 1), Precision.FLOAT32, 0);
                CellGroup both = new CellGroup(device, two, Precision.FLOAT32, 0)) {
            assertThat(train(both, 0, 3)).isEqualTo(train(alone, 0, 3));
            assertThat(both.state(0)).isEqualTo(alone.state(0));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "BFLOAT16"})
    void aRestoredCellGoesOnWithTheSameBits(Precision precision) {
        List<Run> runs = List.of(SmallModels.run(Options.GPT, 1, 0.1), SmallModels.run(Options.GPT, 2, 0));
        try (Device device = device(Threads.FORWARDS);
                CellGroup first = new CellGroup(device, runs, precision, 0);
                CellGroup second = new CellGroup(device, runs, precision, 0)) {
            train(first, 0, 5);
            TrainingState middle = first.state(1);
            assertThat(middle.step()).isEqualTo(5);
            // Beside a cell that stands elsewhere.
            second.restore(1, middle);
            assertThat(train(second, 1, 4)).isEqualTo(train(first, 1, 4));
            assertThat(second.state(1)).isEqualTo(first.state(1));
            assertThat(second.state(0).step()).isEqualTo(4);
        }
    }

    /** As when its run is evaluated or stored: what others do meanwhile is nothing to it. */
    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "BFLOAT16"})
    void aCellThatStandsStillGoesOnWithTheSameBits(Precision precision) {
        List<Run> three = List.of(
                SmallModels.run(Options.GPT, 1, 0),
                SmallModels.run(Options.GPT, 2, 0.1),
                SmallModels.run(Options.GPT, 3, 0.4));
        BitSet others = BitSet.valueOf(new long[] {0b101});
        try (Device device = device(Threads.BACKWARDS);
                CellGroup alone = new CellGroup(device, three.subList(1, 2), precision, 0);
                CellGroup group = new CellGroup(device, three, precision, 0)) {
            List<StepRecord> expected = train(alone, 0, 4);
            List<StepRecord> records = new ArrayList<>(train(group, 1, 2));
            TrainingState middle = group.state(1);
            group.enqueue(3, others);
            assertThatThrownBy(() -> group.enqueue(1)).hasMessageContaining("are to be drained first");
            List<Progress> progress = group.drain();
            assertThat(progress.get(1)).isEqualTo(new Progress(List.of(), Optional.empty()));
            assertThat(progress.get(2).records()).extracting(StepRecord::step).containsExactly(3L, 4L, 5L);
            assertThat(group.state(1)).isEqualTo(middle);
            records.addAll(train(group, 1, 2));
            assertThat(records).isEqualTo(expected);
            assertThat(group.state(1)).isEqualTo(alone.state(0));
        }
    }

    /** A group is made anew when a cell comes or goes. */
    @Test
    void aGroupMadeOfStatesGoesOnWithTheSameBitsAndScoresEachCellAsIfAlone() {
        Run one = SmallModels.run(Options.EVERYTHING_ELSE, 1, 0.1);
        Run other = SmallModels.run(Options.EVERYTHING_ELSE, 2, 0);
        Words words = new Words(one.cell().shape(), 1);
        for (Precision precision : List.of(Precision.FLOAT32, Precision.BFLOAT16)) {
            try (Device device = device(Threads.FORWARDS);
                    CellGroup alone = new CellGroup(device, List.of(one), precision, 2)) {
                train(alone, 0, 2);
                Run from = new Run(one.cell(), one.source(), Optional.of(alone.state(0)));
                try (CellGroup both = new CellGroup(device, List.of(other, from), precision, 2)) {
                    assertThat(train(both, 1, 3)).isEqualTo(train(alone, 0, 3));
                    assertThat(both.evaluate(1, words, 1000))
                            .isEqualTo(alone.evaluate(words, 1000).get(0))
                            .isEqualTo(both.evaluate(words, 1000).get(1));
                    assertThat(both.state(1)).isEqualTo(alone.state(0));
                }
            }
        }
    }

    /** Half the precision of products, the same run. */
    @ParameterizedTest
    @EnumSource
    void bfloat16StaysNearSinglePrecision(Options options) {
        Run run = SmallModels.run(options, 1, 0);
        try (Device device = device(Threads.FORWARDS);
                CellGroup exact = new CellGroup(device, List.of(run), Precision.FLOAT32, options.pass);
                CellGroup rounded = new CellGroup(device, List.of(run), Precision.BFLOAT16, options.pass)) {
            List<StepRecord> expected = train(exact, 0, 8);
            List<StepRecord> ours = train(rounded, 0, 8);
            for (int i = 0; i < ours.size(); i++) {
                assertThat(ours.get(i).loss()).isCloseTo(expected.get(i).loss(), within(0.01));
                close(ours.get(i).gradientNorm(), expected.get(i).gradientNorm(), 0.03);
            }
            assertThat(ours).isNotEqualTo(expected);
        }
    }

    @Test
    void aCellThatDivergesStopsBeforeThatUpdateAndOthersGoOn() throws Exception {
        Run calm = SmallModels.run(Options.GPT, 1, 0);
        Cell cell = calm.cell();
        TrainingRule rule = cell.training();
        Cell wild = new Cell(
                cell.shape(),
                cell.data(),
                new TrainingRule(
                        30,
                        0,
                        rule.schedule(),
                        rule.beta1(),
                        rule.beta2(),
                        rule.epsilon(),
                        0,
                        0,
                        0,
                        rule.initialStandardDeviation(),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        new TrainingRule.Divergence(1, 3)),
                cell.evaluation(),
                9);
        Run other = new Run(wild, calm.source());
        try (Device device = device(Threads.FORWARDS);
                CellGroup group = new CellGroup(device, List.of(other, calm), Precision.FLOAT32, 0);
                CellGroup alone = new CellGroup(device, List.of(calm), Precision.FLOAT32, 0);
                TrainingSession session = session(other)) {
            group.enqueue(8);
            List<Progress> progress = group.drain();
            StepRecord last = null;
            int made = 0;
            try {
                while (true) {
                    session.step();
                    made++;
                }
            } catch (DivergenceException e) {
                last = e.record();
            }
            Progress ended = progress.get(0);
            assertThat(ended.diverged()).isPresent();
            assertThat(ended.records()).hasSize(made + 1);
            assertThat(ended.records().get(made).step()).isEqualTo(last.step());
            assertThat(group.state(0).step()).isEqualTo(made);
            assertThat(group.state(0).stepsAboveBound())
                    .isEqualTo(session.state().stepsAboveBound());
            assertThat(progress.get(1).diverged()).isEmpty();
            assertThat(train(group, 1, 3)).hasSize(3);
            assertThat(group.state(0).step()).isEqualTo(made);
            alone.enqueue(8);
            assertThat(alone.drain().get(0)).isEqualTo(progress.get(1));
            train(alone, 0, 3);
            assertThat(alone.state(0)).isEqualTo(group.state(1));
        }
    }

    @Test
    void aBatchOfOneSequenceHasNoNoiseTerms() throws Exception {
        Cell cell = Options.GPT.cell(1, 0);
        Run run = new Run(
                new Cell(cell.shape(), new DataRule("words", STEPS, 1, 10_000), cell.training(), cell.evaluation(), 1),
                new Words(cell.shape(), 1));
        try (Device device = device(Threads.FORWARDS);
                CellGroup group = new CellGroup(device, List.of(run), Precision.FLOAT32, 0);
                TrainingSession session = session(run)) {
            StepRecord ours = train(group, 0, 1).get(0);
            assertThat(ours.gradientSquareSmall()).isNaN();
            assertThat(ours.loss()).isCloseTo(session.step().loss(), within(1e-5));
        }
    }

    @Test
    void cellsThatCannotShareALaunchAreRefused() {
        try (Device device = device(Threads.FORWARDS)) {
            List<Run> runs =
                    List.of(SmallModels.run(Options.GPT, 1, 0), SmallModels.run(Options.EVERYTHING_ELSE, 1, 0));
            assertThatThrownBy(() -> new CellGroup(device, runs, Precision.FLOAT32, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(runs.get(1).cell().id())
                    .hasMessageContaining("cannot share a launch");
            Cell wide = new Cell(
                    ModelShape.gpt(1, 512, 1, 8, 11),
                    runs.get(0).cell().data(),
                    runs.get(0).cell().training(),
                    runs.get(0).cell().evaluation(),
                    1);
            List<Run> one = List.of(new Run(wide, runs.get(0).source()));
            assertThatThrownBy(() -> new CellGroup(device, one, Precision.FLOAT32, 0))
                    .hasMessage("model.heads = 1 with model.width = 512 makes heads of width 512; on a GPU they have at"
                            + " most 256, so take more heads");
        }
    }

    private static void close(double ours, double cpu, double relative) {
        assertThat(ours).isCloseTo(cpu, within(relative * Math.abs(cpu)));
    }

    /** Relative distance of two vectors. */
    private static double apart(ByteBuffer ours, ByteBuffer cpu) {
        ByteBuffer expected = cpu.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        double gap = 0;
        double size = 0;
        while (expected.hasRemaining()) {
            double value = expected.getFloat();
            double difference = ours.getFloat() - value;
            gap += difference * difference;
            size += value * value;
        }
        return Math.sqrt(gap / size);
    }
}
