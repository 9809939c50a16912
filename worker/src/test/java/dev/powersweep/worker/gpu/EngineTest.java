package dev.powersweep.worker.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.gpu.CellGroup.Run;
import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import dev.powersweep.worker.gpu.SmallModels.Options;
import dev.powersweep.worker.gpu.SmallModels.Words;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.train.CpuEngine;
import dev.powersweep.worker.train.Engine;
import dev.powersweep.worker.train.Engine.Progress;
import dev.powersweep.worker.train.StepRecord;
import dev.powersweep.worker.train.TrainingSession;
import dev.powersweep.worker.train.TrainingState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every engine promises. */
class EngineTest {

    private static final Run RUN = SmallModels.run(Options.GPT, 1, 0.1);
    private static final Words WORDS = new Words(RUN.cell().shape(), 1);

    /** Engines, with what has to be closed beside them. */
    enum Kind {
        CPU {
            @Override
            Opened open(Run run) {
                Engine engine = new CpuEngine(TrainingSession.create(run.cell(), run.source(), KernelChoice.FAST, 0));
                return new Opened(engine, () -> {});
            }
        },
        EMULATED {
            @Override
            Opened open(Run run) {
                EmulatedDevice device = new EmulatedDevice(Threads.FORWARDS);
                return new Opened(new CellGroup(device, List.of(run), Precision.FLOAT32, 0), device::close);
            }
        };

        abstract Opened open(Run run);
    }

    private record Opened(Engine engine, Runnable after) implements AutoCloseable {
        @Override
        public void close() {
            engine.close();
            after.run();
        }
    }

    private static List<StepRecord> train(Engine engine, int... queues) {
        List<StepRecord> records = new ArrayList<>();
        for (int steps : queues) {
            engine.enqueue(steps);
            Progress progress = engine.drain().get(0);
            assertThat(progress.diverged()).isEmpty();
            records.addAll(progress.records());
        }
        return records;
    }

    @ParameterizedTest
    @EnumSource
    void stepsComeInOrderHoweverTheyAreQueued(Kind kind) {
        try (Opened one = kind.open(RUN);
                Opened other = kind.open(RUN)) {
            List<StepRecord> records = train(one.engine, 1, 3, 2);
            assertThat(records).extracting(StepRecord::step).containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
            other.engine.enqueue(2);
            other.engine.enqueue(4);
            assertThat(other.engine.drain()).containsExactly(new Progress(records, Optional.empty()));
            assertThat(other.engine.drain().get(0).records()).isEmpty();
            assertThat(one.engine.cells()).isEqualTo(1);
            assertThat(one.engine.describe()).isNotBlank();
        }
    }

    @ParameterizedTest
    @EnumSource
    void aStateThatWasKeptGoesOnWithTheSameBits(Kind kind) {
        try (Opened one = kind.open(RUN);
                Opened other = kind.open(RUN)) {
            train(one.engine, 3);
            TrainingState middle = one.engine.state(0);
            assertThat(middle.step()).isEqualTo(3);
            other.engine.restore(0, middle);
            assertThat(train(other.engine, 2)).isEqualTo(train(one.engine, 2));
            assertThat(other.engine.state(0)).isEqualTo(one.engine.state(0));
        }
    }

    /** In both directions: checkpoints have one format. */
    @ParameterizedTest
    @EnumSource
    void whatOneEngineTrainedTheOtherGoesOnWith(Kind kind) {
        Kind next = kind == Kind.CPU ? Kind.EMULATED : Kind.CPU;
        try (Opened first = kind.open(RUN);
                Opened second = next.open(RUN)) {
            train(first.engine, 4);
            second.engine.restore(0, first.engine.state(0));
            assertThat(second.engine.evaluate(WORDS, 1000).get(0).loss())
                    .isCloseTo(first.engine.evaluate(WORDS, 1000).get(0).loss(), within(1e-5));
            List<StepRecord> expected = train(first.engine, 3);
            List<StepRecord> records = train(second.engine, 3);
            for (int i = 0; i < records.size(); i++) {
                assertThat(records.get(i).step()).isEqualTo(expected.get(i).step());
                assertThat(records.get(i).loss()).isCloseTo(expected.get(i).loss(), within(1e-5));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void evaluationChangesNothing(Kind kind) {
        try (Opened one = kind.open(RUN);
                Opened other = kind.open(RUN)) {
            List<StepRecord> expected = train(one.engine, 4);
            List<StepRecord> records = new ArrayList<>(train(other.engine, 2));
            assertThat(other.engine.evaluate(WORDS, 40).get(0).tokens()).isEqualTo(36);
            assertThat(other.engine.evaluate(WORDS, 1).get(0).standardError()).isNaN();
            records.addAll(train(other.engine, 2));
            assertThat(records).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCellThatDivergedSaysWhyAndStaysAsItWas(Kind kind) {
        TrainingRule rule = RUN.cell().training();
        Cell cell = new Cell(
                RUN.cell().shape(),
                RUN.cell().data(),
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
                        new TrainingRule.Divergence(1, 2)),
                RUN.cell().evaluation(),
                1);
        try (Opened opened = kind.open(new Run(cell, RUN.source()))) {
            Engine engine = opened.engine;
            TrainingState start = copy(engine.state(0));
            engine.enqueue(6);
            Progress progress = engine.drain().get(0);
            List<StepRecord> records = progress.records();
            long last = records.get(records.size() - 1).step();
            assertThat(progress.diverged().orElseThrow())
                    .containsPattern("loss [0-9.]+ at step " + last + ": above 4.6109 nats/token for 2 steps");
            assertThat(records)
                    .extracting(StepRecord::step)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, last).boxed().toList());
            assertThat(engine.state(0).step()).isEqualTo(last - 1);
            TrainingState end = copy(engine.state(0));
            engine.enqueue(1);
            assertThat(engine.drain().get(0).records()).isEmpty();
            assertThat(copy(engine.state(0)).parameters()).isEqualTo(end.parameters());
            // From where it began it comes to the same end.
            engine.restore(0, start);
            engine.enqueue(6);
            assertThat(engine.drain()).containsExactly(progress);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatCannotBeQueuedRestoredOrLookedAtIsRefused(Kind kind) {
        try (Opened opened = kind.open(RUN)) {
            Engine engine = opened.engine;
            assertThatThrownBy(() -> engine.enqueue(0)).hasMessageContaining("0 steps cannot be queued");
            engine.enqueue(1);
            assertThatThrownBy(() -> engine.enqueue(engine.mostQueued()))
                    .hasMessageContaining("cannot be queued behind 1");
            assertThatThrownBy(() -> engine.state(0)).hasMessageContaining("are to be drained first");
            assertThatThrownBy(() -> engine.evaluate(WORDS, 1)).hasMessageContaining("are to be drained first");
            engine.drain();
            TrainingState state = engine.state(0);
            assertThatThrownBy(() -> engine.restore(
                            0,
                            new TrainingState(
                                    1, 0, ByteBuffer.allocate(4), state.firstMoments(), state.secondMoments())))
                    .hasMessageContaining("a state vector of 4 bytes does not fit this model");
        }
    }

    @Test
    void aGroupsCellsAreEvaluatedApart() {
        List<Run> runs = List.of(RUN, SmallModels.run(Options.GPT, 2, 0));
        try (EmulatedDevice device = new EmulatedDevice(Threads.FORWARDS);
                Engine group = new CellGroup(device, runs, Precision.FLOAT32, 0);
                Engine second = new CellGroup(device, runs.subList(1, 2), Precision.FLOAT32, 0)) {
            group.enqueue(2);
            group.drain();
            second.enqueue(2);
            second.drain();
            assertThat(group.evaluate(WORDS, 1000).get(1))
                    .isEqualTo(second.evaluate(WORDS, 1000).get(0))
                    .isNotEqualTo(group.evaluate(WORDS, 1000).get(0));
        }
    }

    private static TrainingState copy(TrainingState state) {
        return new TrainingState(
                state.step(),
                state.stepsAboveBound(),
                copy(state.parameters()),
                copy(state.firstMoments()),
                copy(state.secondMoments()));
    }

    private static ByteBuffer copy(ByteBuffer from) {
        ByteBuffer to = ByteBuffer.allocate(from.remaining());
        return to.put(from.duplicate()).flip();
    }
}
