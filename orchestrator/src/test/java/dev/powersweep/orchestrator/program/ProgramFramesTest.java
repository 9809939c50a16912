package dev.powersweep.orchestrator.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.program.ProgramFrames.Heard;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProgramFramesTest {
    private static final Cell CELL = cell(10);

    private final List<Heard> heard = new ArrayList<>();

    private static Cell cell(long steps) {
        return new Cell(
                ModelShape.gpt(2, 16, 2, 8, 256),
                new DataRule(DataRule.NO_CORPUS, steps, 4, 320),
                new TrainingRule(
                        1e-3,
                        0,
                        new Schedule.Constant(),
                        0.9,
                        0.95,
                        1e-8,
                        0,
                        0,
                        0,
                        0.02,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT),
                new EvaluationRule(5, 64, List.of("validation")),
                0,
                Optional.of(
                        new Program(List.of("./train"), List.of(), Map.of(), Map.of(), Program.Parameters.COMPUTED)));
    }

    private static ProgramFrames frames(Cell cell, ProgramFrames.Resumed resumed) {
        return new ProgramFrames(cell, resumed, () -> 1 << 20);
    }

    private ProgramFrames read(String... lines) {
        return read(ProgramFrames.Resumed.NOTHING, lines);
    }

    private ProgramFrames read(ProgramFrames.Resumed resumed, String... lines) {
        ProgramFrames frames = frames(CELL, resumed);
        double now = 0;
        for (String line : lines) {
            heard.addAll(frames.line(line.replace('\'', '"'), ++now));
        }
        return frames;
    }

    private List<Frame> said() {
        return heard.stream()
                .filter(Heard.Said.class::isInstance)
                .map(each -> ((Heard.Said) each).frame())
                .toList();
    }

    private Frame lastSaid() {
        List<Frame> all = said();
        return all.get(all.size() - 1);
    }

    private String failure() {
        assertThat(lastSaid()).isInstanceOf(Frame.Failed.class);
        Frame.Failed failed = (Frame.Failed) lastSaid();
        assertThat(failed.failure()).isEqualTo(FailureClass.PROGRAM);
        return failed.message();
    }

    private static String[] steps(int from, int to) {
        String[] lines = new String[to - from + 1];
        for (int step = from; step <= to; step++) {
            lines[step - from] = "{'frame': 'step', 'step': " + step + ", 'loss': " + (5 - step / 10.0) + "}";
        }
        return lines;
    }

    @Test
    void stepsOneByOneBecomeOneFrameAndWhatIsNotToldIsAbsent() {
        ProgramFrames frames = read(steps(1, 3));
        assertThat(said()).isEmpty();
        assertThat(frames.gathers()).isTrue();
        heard.addAll(frames.flush());
        Frame.Steps steps = (Frame.Steps) lastSaid();
        assertThat(steps.firstStep()).isEqualTo(1);
        assertThat(steps.loss()).containsExactly(4.9, 4.8, 4.7);
        assertThat(steps.learningRate()).containsExactly(Double.NaN, Double.NaN, Double.NaN);
        assertThat(steps.seconds()).containsExactly(Double.NaN, Double.NaN, Double.NaN);
        assertThat(frames.gathers()).isFalse();
    }

    @Test
    void numbersAndListsMayBeMixedAndNamesWrittenWithUnderscores() {
        ProgramFrames frames = read(
                "{'frame': 'steps', 'step': 1, 'loss': [5, 4.5], 'learning_rate': [0.1, 0.2], 'gradient_norm': [1, null]}",
                "{'frame': 'step', 'step': 3, 'loss': 4, 'learningRate': 0.3, 'seconds': 0.5}");
        heard.addAll(frames.flush());
        Frame.Steps steps = (Frame.Steps) lastSaid();
        assertThat(steps.loss()).containsExactly(5, 4.5, 4);
        assertThat(steps.learningRate()).containsExactly(0.1, 0.2, 0.3);
        assertThat(steps.gradientNorm()).containsExactly(1, Double.NaN, Double.NaN);
        assertThat(steps.seconds()).containsExactly(Double.NaN, Double.NaN, 0.5);
    }

    @Test
    void exitZeroAfterTheLastStepIsTheEnd() {
        ProgramFrames frames = read(steps(1, 10));
        heard.addAll(
                frames.line("{\"frame\": \"evaluation\", \"loss\": 3.5, \"standardError\": 0.1, \"tokens\": 64}", 11));
        heard.addAll(frames.exited(0, 12));
        Frame.Finished finished = (Frame.Finished) lastSaid();
        assertThat(finished.step()).isEqualTo(10);
        assertThat(finished.stoppedEarly()).isFalse();
        assertThat(finished.finalTrainingLoss()).isCloseTo(4, within(1e-12));
        assertThat(finished.finalEvaluations()).singleElement().satisfies(evaluation -> {
            assertThat(evaluation.step()).isEqualTo(10);
            assertThat(evaluation.set()).isEqualTo("validation");
            assertThat(evaluation.bitsPerByte()).isNaN();
        });
        assertThat(finished.seconds()).isEqualTo(12);
        assertThat(finished.trainingSeconds()).isEqualTo(10);
        assertThat(finished.peakMemoryBytes()).isEqualTo(1 << 20);
        assertThat(heard).noneMatch(Heard.Note.class::isInstance);
    }

    @Test
    void aProgramMayReportEveryThirdStepOnly() {
        ProgramFrames frames = read(
                "{'frame': 'step', 'step': 3, 'loss': 5}",
                "{'frame': 'step', 'step': 6, 'loss': 4}",
                "{'frame': 'step', 'step': 9, 'loss': 3}",
                "{'frame': 'evaluation', 'step': 10, 'loss': 3}");
        heard.addAll(frames.exited(0, 5));
        assertThat(said().stream().filter(Frame.Steps.class::isInstance).map(frame -> ((Frame.Steps) frame).lastStep()))
                .containsExactly(3L, 6L, 9L);
        assertThat(((Frame.Finished) lastSaid()).step()).isEqualTo(10);
        assertThat(((Frame.Finished) lastSaid()).finalEvaluations()).hasSize(1);
    }

    @Test
    void exitZeroBeforeTheLastStepIsAFailure() {
        ProgramFrames frames = read(steps(1, 7));
        heard.addAll(frames.exited(0, 8));
        assertThat(failure()).contains("ended at step 7 of 10").contains("stoppedEarly");
    }

    @Test
    void aRuleOfItsOwnMayEndItEarly() {
        read(steps(1, 7));
        ProgramFrames frames = read(steps(1, 7));
        heard.addAll(frames.line("{\"frame\": \"evaluation\", \"loss\": 3}", 8));
        heard.addAll(frames.line("{\"frame\": \"finished\", \"stoppedEarly\": true}", 8));
        Frame.Finished finished = (Frame.Finished) lastSaid();
        assertThat(finished.stoppedEarly()).isTrue();
        assertThat(finished.step()).isEqualTo(7);
        assertThat(finished.finalEvaluations()).hasSize(1);
        assertThat(frames.exited(0, 9)).isEmpty();
    }

    @Test
    void aProgramThatReportsNothingIsToldHow() {
        ProgramFrames frames = read();
        heard.addAll(frames.exited(0, 1));
        assertThat(failure()).contains("without having reported a step").contains("POWERSWEEP_FRAMES");
    }

    @Test
    void aStatusOtherThanZeroIsLeftToWhoKnowsTheSignals() {
        ProgramFrames frames = read(steps(1, 7));
        List<Heard> atEnd = frames.exited(1, 8);
        assertThat(atEnd).hasSize(1);
        assertThat(((Heard.Said) atEnd.get(0)).frame()).isInstanceOf(Frame.Steps.class);
        assertThat(frames.ended()).isFalse();
    }

    @Test
    void aLossThatIsNoNumberIsADivergenceAtItsStep() {
        read("{'frame': 'steps', 'step': 1, 'loss': [5, NaN, 4]}", "{'frame': 'step', 'step': 4, 'loss': 3}");
        assertThat(said()).hasSize(2);
        assertThat(((Frame.Steps) said().get(0)).loss()).containsExactly(5, Double.NaN);
        Frame.Diverged diverged = (Frame.Diverged) lastSaid();
        assertThat(diverged.step()).isEqualTo(2);
        assertThat(diverged.reason()).isEqualTo("training loss is NaN");
    }

    @Test
    void aResumedProgramGoesOnWithTheNextStep() {
        Frame.Evaluation before = new Frame.Evaluation(CELL.id(), 5, "validation", 3.9, 0.1, 64, Double.NaN, 1);
        ProgramFrames frames = read(
                new ProgramFrames.Resumed(5, 4.5, List.of(before)),
                "{'frame': 'started', 'step': 5}",
                "{'frame': 'evaluation', 'step': 5, 'loss': 3.9}",
                steps(6, 6)[0]);
        heard.addAll(frames.flush());
        // The evaluation at the checkpoint's step is stored already.
        assertThat(said()).noneMatch(Frame.Evaluation.class::isInstance);
        assertThat(((Frame.Steps) lastSaid()).firstStep()).isEqualTo(6);
    }

    @Test
    void aProgramResumedAtItsLastStepHasOnlyToEnd() {
        Frame.Evaluation last = new Frame.Evaluation(CELL.id(), 10, "validation", 3.9, 0.1, 64, Double.NaN, 1);
        ProgramFrames frames = read(new ProgramFrames.Resumed(10, 4.5, List.of(last)));
        heard.addAll(frames.exited(0, 1));
        Frame.Finished finished = (Frame.Finished) lastSaid();
        assertThat(finished.finalTrainingLoss()).isEqualTo(4.5);
        assertThat(finished.finalEvaluations()).containsExactly(last);
    }

    @Test
    void aProgramThatDoesNotGoOnFromItsCheckpointIsTold() {
        read(new ProgramFrames.Resumed(5, 4.5, List.of()), steps(1, 1));
        assertThat(failure())
                .contains("was given the checkpoint of step 5 (POWERSWEEP_RESUME_FROM) and reported step 1 next")
                .contains("go on with step 6");
    }

    @Test
    void aCheckpointStandsForTheStepsBeforeIt() {
        ProgramFrames frames = read(steps(1, 3));
        heard.addAll(frames.line("{\"frame\": \"checkpoint\", \"path\": \"ckpt/3\"}", 4));
        Frame.Checkpoint checkpoint = (Frame.Checkpoint) lastSaid();
        assertThat(checkpoint.step()).isEqualTo(3);
        assertThat(checkpoint.file()).isEqualTo("ckpt/3");
        assertThat(((Frame.Steps) said().get(0)).rows()).isEqualTo(3);
    }

    @Test
    void aModelMayTellItsSize() {
        read("{'frame': 'model', 'parameters': 12000, 'flops_per_token': 90000}");
        Frame.Size size = (Frame.Size) lastSaid();
        assertThat(size.counts().nonEmbedding()).isEqualTo(OptionalLong.of(12_000));
        assertThat(size.counts().total()).isEmpty();
        assertThat(size.counts().trainingFlops(10).getAsDouble()).isEqualTo(900_000);
    }

    @Test
    void theProgramsOwnWordOfItsFailureCounts() {
        read("{'frame': 'failed', 'message': 'no licence', 'failure': 'BAD_INPUT'}");
        Frame.Failed failed = (Frame.Failed) lastSaid();
        assertThat(failed.failure()).isEqualTo(FailureClass.BAD_INPUT);
        assertThat(failed.message()).isEqualTo("no licence");
    }

    @Test
    void nothingIsReadAfterAnOutcomeButCounted() {
        ProgramFrames frames = read("{'frame': 'failed', 'message': 'no'}", steps(1, 1)[0], "no JSON at all");
        assertThat(heard).hasSize(1);
        assertThat(frames.linesAfterEnd()).isEqualTo(2);
        assertThat(frames.exited(0, 3)).isEmpty();
    }

    @Test
    void aNameThatMeansNothingIsNotedOnce() {
        read(
                "{'frame': 'step', 'step': 1, 'loss': 5, 'lr': 0.1}",
                "{'frame': 'step', 'step': 2, 'loss': 4, 'lr': 0.1}");
        assertThat(heard)
                .containsExactly(new Heard.Note("a frame \"steps\" has no \"lr\"; it knows step, loss,"
                        + " learningRate, gradientNorm, gradientSquareSmall, gradientSquareBig, seconds"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-5", "Infinity", "-Infinity", "'Infinity'", "1e999", "-1e-9"})
    void numbersThatCannotBeAreLeftOutAndToldOnce(String number) {
        for (String name :
                List.of("learningRate", "gradientNorm", "gradientSquareSmall", "gradientSquareBig", "seconds")) {
            heard.clear();
            ProgramFrames frames = read(
                    "{'frame': 'step', 'step': 1, 'loss': 5, '" + name + "': " + number + "}",
                    "{'frame': 'steps', 'step': 2, 'loss': [4, 3], '" + name + "': [" + number + ", 0.5]}");
            heard.addAll(frames.flush());
            Frame.Steps rows = (Frame.Steps) said().get(0);
            double[] stored =
                    switch (name) {
                        case "learningRate" -> rows.learningRate();
                        case "gradientNorm" -> rows.gradientNorm();
                        case "gradientSquareSmall" -> rows.gradientSquareSmall();
                        case "gradientSquareBig" -> rows.gradientSquareBig();
                        default -> rows.seconds();
                    };
            assertThat(stored).as(name).containsExactly(Double.NaN, Double.NaN, 0.5);
            assertThat(heard)
                    .filteredOn(Heard.Note.class::isInstance)
                    .containsExactly(
                            new Heard.Note("\"" + name + "\" of a frame \"steps\" is below zero or infinite: it is"
                                    + " left out, as if it had not been given"));
        }
        heard.clear();
        read("{'frame': 'evaluation', 'loss': 5, 'standardError': " + number + ", 'bitsPerByte': " + number
                + ", 'seconds': " + number + "}");
        Frame.Evaluation evaluation = (Frame.Evaluation) said().get(0);
        assertThat(List.of(evaluation.standardError(), evaluation.bitsPerByte(), evaluation.seconds()))
                .containsOnly(Double.NaN);
        assertThat(heard).filteredOn(Heard.Note.class::isInstance).hasSize(3);
    }

    @Test
    void aCellWithoutAFinalEvaluationIsNoted() {
        ProgramFrames frames = read(steps(1, 10));
        heard.addAll(frames.exited(0, 11));
        assertThat(heard)
                .filteredOn(Heard.Note.class::isInstance)
                .singleElement()
                .asString()
                .contains("no evaluation of the set \"validation\" after the last step");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "not json at all | no JSON",
                "[1, 2] | no JSON object",
                "{'frame': 'step', 'step': 1, 'loss': 5} {} | no JSON",
                "{'step': 1, 'loss': 5} | it has no \"frame\"; frames are checkpoint, diverged",
                "{'frame': 'stepp', 'step': 1} | there is no frame \"stepp\"",
                "{'frame': 'step', 'loss': 5} | steps need their \"step\", from 1",
                "{'frame': 'step', 'step': 0, 'loss': 5} | steps need their \"step\", from 1",
                "{'frame': 'step', 'step': 1.5, 'loss': 5} | \"step\" = 1.5 is not a whole number from 0",
                "{'frame': 'step', 'step': 1} | it has no \"loss\"",
                "{'frame': 'step', 'step': 1, 'loss': null} | it has no \"loss\"",
                "{'frame': 'step', 'step': 1, 'loss': 'low'} | \"loss\" = \"low\" is not a number",
                "{'frame': 'steps', 'step': 1, 'loss': []} | \"loss\" is an empty list",
                "{'frame': 'steps', 'step': 1, 'loss': [5, null]} | \"loss\" = null is not a number",
                "{'frame': 'steps', 'step': 1, 'loss': [5, 4], 'seconds': [1]} | \"seconds\" has 1 numbers and \"loss\" has 2",
                "{'frame': 'evaluation', 'set': 'validation'} | it has no \"loss\"",
                "{'frame': 'evaluation', 'set': 3, 'loss': 4} | \"set\" = 3 is not text",
                "{'frame': 'checkpoint', 'step': 3} | a checkpoint needs its \"path\"",
                "{'frame': 'model', 'parameters': -3} | \"parameters\" = -3 is not a whole number",
                "{'frame': 'model', 'parameters': 0} | \"parameters\" = 0 is not a whole number from 1",
                "{'frame': 'evaluation', 'loss': 4, 'tokens': -5} | \"tokens\" = -5 is not a whole number from 0",
                "{'frame': 'evaluation', 'loss': 4, 'tokens': Infinity} | \"tokens\" = \"Infinity\" is not a whole number",
                "{'frame': 'step', 'step': 1, 'loss': 5, 'loss': 4} | no JSON: Duplicate field",
                "{'frame': 'step', 'step': 1, 'loss': 5, 'learning_rate': 1, 'learningRate': 2} | \"learningRate\" twice",
                "{'frame': 'finished', 'stoppedEarly': 'yes'} | \"stoppedEarly\" = \"yes\" is not true or false",
                "{'frame': 'failed', 'failure': 'MOOD'} | \"failure\" = MOOD is none of"
            })
    void aLineThatIsNoFrameIsToldWithItsNumberAndReason(String line, String reason) {
        read("", line);
        assertThat(heard).singleElement().isInstanceOf(Heard.Garbage.class);
        Heard.Garbage garbage = (Heard.Garbage) heard.get(0);
        assertThat(garbage.reason()).startsWith("line 2: ").contains(reason);
    }

    @Test
    void whatCannotFollowEndsTheProgram() {
        read(steps(1, 3));
        ProgramFrames frames = read(steps(1, 3));
        heard.addAll(frames.line(steps(2, 2)[0].replace('\'', '"'), 4));
        assertThat(failure()).contains("reported step 2 after step 3");
        heard.clear();
        read("{'frame': 'steps', 'step': 9, 'loss': [3, 2, 1]}");
        assertThat(failure()).contains("reported step 11, and the cell has 10 (POWERSWEEP_STEPS)");
        heard.clear();
        read("{'frame': 'evaluation', 'step': 11, 'loss': 3}");
        assertThat(failure()).contains("evaluated at step 11");
        heard.clear();
        read(steps(1, 3));
        ProgramFrames late = read(steps(1, 3));
        heard.addAll(late.line("{\"frame\": \"checkpoint\", \"step\": 2, \"path\": \"a\"}", 4));
        assertThat(failure()).contains("named the checkpoint of step 2 after it had reported step 3");
        heard.clear();
        read("{'frame': 'finished'}");
        assertThat(failure()).contains("without having reported a step");
        heard.clear();
        read("{'frame': 'finished', 'step': 5}");
        assertThat(failure()).contains("says that it has finished at step 5 of 10");
        heard.clear();
        read("{'frame': 'started', 'step': 5}");
        assertThat(failure()).contains("begins at step 5, and was given no checkpoint");
    }

    @Test
    void whatOurOwnTrainerWritesIsOfTheContract() {
        read(
                "{'frame':'started','cell':'x','attempt':1,'step':0,'microBatchSequences':8}",
                "{'frame':'steps','cell':'x','firstStep':1,'loss':[5.0,4.0],'learningRate':[0.1,0.1],'gradientNorm':[1.0,1.0],"
                        + "'gradientSquareSmall':['NaN','NaN'],'gradientSquareBig':[1.0,1.0],'seconds':[0.1,0.1]}",
                "{'frame':'checkpoint','cell':'x','step':2,'file':'/a/b','bytes':12,'sha256':'ab'}",
                "{'frame':'finished','cell':'x','step':2,'stoppedEarly':true,'finalTrainingLoss':4.0,'finalEvaluations':[],"
                        + "'seconds':1.0,'trainingSeconds':0.2,'peakMemoryBytes':5}");
        assertThat(heard)
                .filteredOn(Heard.Note.class::isInstance)
                .extracting(each -> ((Heard.Note) each).sentence())
                .allMatch(sentence -> sentence.contains("no evaluation"));
        assertThat(said()).hasSize(4);
        assertThat(((Frame.Checkpoint) said().get(2)).file()).isEqualTo("/a/b");
        assertThat(((Frame.Finished) lastSaid()).stoppedEarly()).isTrue();
    }

    @Test
    void aHundredThousandStepsAreFewFrames() {
        ProgramFrames frames = frames(cell(100_000), ProgramFrames.Resumed.NOTHING);
        for (int step = 1; step <= 100_000; step++) {
            heard.addAll(frames.line("{\"frame\": \"step\", \"step\": " + step + ", \"loss\": 4.25}", step / 1e4));
        }
        heard.addAll(frames.flush());
        assertThat(said()).hasSize(13);
        assertThat(said().stream()
                        .mapToInt(frame -> ((Frame.Steps) frame).rows())
                        .sum())
                .isEqualTo(100_000);
    }
}
