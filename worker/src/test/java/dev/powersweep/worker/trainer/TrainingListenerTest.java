package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.data.ShardFixture;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.train.ListenerException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Deeplearning4j's listeners, and those of users, on the cells of a real trainer. */
class TrainingListenerTest {

    @TempDir
    Path scratch;

    /** Tells what it sees through the process's log. */
    public static final class Teller extends BaseTrainingListener {
        private final Cell cell;
        private int steps;

        public Teller(Cell cell) {
            this.cell = cell;
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            steps++;
            System.err.println("heard " + cell.id() + " " + iteration + " " + steps + " " + model.score() + " with "
                    + ((MultiLayerNetwork) model).numParams() + " parameters");
        }
    }

    /** Fails in the third step. */
    public static final class Stumbler extends BaseTrainingListener {
        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            if (iteration == 2) {
                throw new IllegalArgumentException("no more: cannot allocate");
            }
        }
    }

    /** No listener. */
    public static final class Stranger {}

    /** Takes what nobody gives it. */
    public static final class Demanding extends BaseTrainingListener {
        public Demanding(String name) {}
    }

    /** Does not come to be. */
    public static final class Stillborn extends BaseTrainingListener {
        public Stillborn() {
            throw new IllegalStateException("not today");
        }
    }

    private Assignment assignment(Cell cell, String... listeners) {
        Path shards = scratch.resolve("shard");
        if (!Files.exists(shards)) {
            ShardFixture.words(shards, 1, 20_000, 2_000);
        }
        return new Assignment(
                cell,
                1,
                shards.toString(),
                scratch.resolve("checkpoints").toString(),
                Optional.empty(),
                0,
                0,
                0,
                List.of(),
                List.of(listeners));
    }

    @Test
    void seeEveryStepOfTheirCellAndChangeNothing() throws Exception {
        Cell cell = Cells.tiny(20, 2, 1000, 0);
        Cell other = Cells.tiny(20, 2, 1000, 1);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.next();
            StepTable plain = new StepTable();
            trainer.send(assignment(cell));
            plain.add(trainer.untilOutcome());
            assertThat(trainer.log()).doesNotContain("heard ");

            StepTable heard = new StepTable();
            trainer.send(assignment(cell, Teller.class.getName(), ScoreIterationListener.class.getName()));
            List<Frame> frames = trainer.untilOutcome();
            heard.add(frames);
            assertThat(frames).last().isInstanceOf(Frame.Finished.class);
            assertThat(heard).isEqualTo(plain);
            trainer.send(assignment(other, Teller.class.getName()));
            assertThat(trainer.untilOutcome()).last().isInstanceOf(Frame.Finished.class);

            List<String> lines = trainer.log()
                    .lines()
                    .filter(line -> line.startsWith("heard "))
                    .toList();
            assertThat(lines).hasSize(40);
            for (int step = 0; step < 20; step++) {
                assertThat(lines.get(step))
                        .isEqualTo(String.format(
                                Locale.ROOT,
                                "heard %s %d %d %s with %d parameters",
                                cell.id(),
                                step,
                                step + 1,
                                Double.longBitsToDouble(
                                        plain.rows().get(step + 1L).get(0)),
                                new ParameterLayout(cell.shape()).length()));
                assertThat(lines.get(20 + step)).startsWith("heard " + other.id() + " " + step + " " + (step + 1));
            }
            assertThat(trainer.log()).contains("ScoreIterationListener: Score at iteration 10 is ");
        }
    }

    @Test
    void oneThatThrowsFailsItsCellByNameAndNoOther() throws Exception {
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.next();
            trainer.send(assignment(Cells.tiny(20, 2, 1000, 0), Stumbler.class.getName()));
            List<Frame> frames = trainer.untilOutcome();
            Frame.Failed failed = (Frame.Failed) frames.get(frames.size() - 1);
            assertThat(failed.step()).isEqualTo(2);
            assertThat(failed.failure()).isEqualTo(FailureClass.PROGRAM);
            assertThat(failed.message())
                    .isEqualTo("the training listener " + Stumbler.class.getName()
                            + " threw java.lang.IllegalArgumentException: no more: cannot allocate");
            trainer.send(assignment(Cells.tiny(20, 2, 1000, 0)));
            assertThat(trainer.untilOutcome()).last().isInstanceOf(Frame.Finished.class);
        }
    }

    @Test
    void areNamedOnTheCommandLineToo() throws Exception {
        Cell cell = Cells.tiny(3, 2, 1000, 0);
        Path file = Files.writeString(scratch.resolve("cell.json"), CellJson.line(cell));
        Assignment shards = assignment(cell);
        try (TrainerProcess trainer = TrainerProcess.start(
                scratch,
                "train",
                file.toString(),
                "--shards",
                shards.shardDirectory(),
                "--checkpoints",
                shards.checkpointDirectory(),
                "--listener",
                Teller.class.getName())) {
            assertThat(trainer.exitStatus()).isZero();
            assertThat(trainer.log().lines().filter(line -> line.startsWith("heard ")))
                    .hasSize(3);
        }
    }

    static Stream<Arguments> unfit() {
        return Stream.of(
                Arguments.of("no.such.Listener", "is not on the trainer's class path; name the jar"),
                Arguments.of(Stranger.class.getName(), "is no " + TrainingListener.class.getName()),
                Arguments.of(Demanding.class.getName(), "cannot be made: it has no public constructor"),
                Arguments.of(BaseTrainingListener.class.getName(), "cannot be made: it has no public constructor"),
                Arguments.of(
                        Stillborn.class.getName(),
                        "cannot be made: its constructor threw java.lang.IllegalStateException: not today"));
    }

    @ParameterizedTest
    @MethodSource("unfit")
    void oneThatCannotBeMadeIsNamed(String name, String reason) {
        assertThatThrownBy(() -> Listeners.make(name, Cells.tiny(3, 2, 1000, 0)))
                .isInstanceOf(ListenerException.class)
                .hasMessageContaining("the training listener " + name + " " + reason)
                .satisfies(failure -> assertThat(Failures.classify(failure)).isEqualTo(FailureClass.PROGRAM));
    }
}
