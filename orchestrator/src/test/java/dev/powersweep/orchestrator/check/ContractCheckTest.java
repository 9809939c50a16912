package dev.powersweep.orchestrator.check;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.cli.InProcess.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code powersweep trainer check} on programs in a few lines of shell: one that is right, and broken ones. */
@Timeout(120)
class ContractCheckTest {
    /** Learns: its loss is 9 − its state, and the state is its checkpoint. */
    private static final String RIGHT =
            """
            #!/bin/sh
            say() { printf '%s\\n' "$1" >> "$POWERSWEEP_FRAMES"; }
            save() {
              echo $state > "$POWERSWEEP_CHECKPOINTS/step-$step"
              say "{\\"frame\\": \\"checkpoint\\", \\"step\\": $step, \\"path\\": \\"$POWERSWEEP_CHECKPOINTS/step-$step\\"}"
            }
            stopping=
            trap 'stopping=yes' TERM
            say '{"frame": "model", "parameters": 77}'
            state=0
            if [ -n "$POWERSWEEP_RESUME_FROM" ]; then state=$(cat "$POWERSWEEP_RESUME_FROM"); fi
            step=$POWERSWEEP_RESUME_STEP
            while [ $step -lt $POWERSWEEP_STEPS ]; do
              step=$((step + 1))
              state=$((state + 1))
              say "{\\"frame\\": \\"step\\", \\"step\\": $step, \\"loss\\": 9.$((999 - state)), \\"learningRate\\": 0.1}"
              if [ $((step % 10)) = 0 ] || [ -n "$stopping" ]; then save; fi
              if [ -n "$stopping" ]; then exit 143; fi
              sleep 0.03
            done
            say '{"frame": "evaluation", "loss": 3.5}'
            """;

    @TempDir
    Path folder;

    private Answer check(String program, String... options) throws IOException {
        Files.writeString(folder.resolve("train.sh"), program);
        Path spec = folder.resolve("sweep.yaml");
        Files.writeString(
                spec,
                """
                name: checked
                corpus: none
                context: 1
                trainer: {command: [./train.sh], files: train.sh}
                grid:
                  points:
                    - arguments: {depth: 2}
                  dataSizes: [320, 640]
                  batchSizes: {sequences: 8}
                training: {learningRate: 0.1}
                """);
        return powersweep(Stream.concat(Stream.of("trainer", "check", spec), Stream.of(options))
                .toArray());
    }

    private static String changed(String what, String into) {
        assertThat(RIGHT).contains(what);
        return RIGHT.replace(what, into);
    }

    @Test
    void aProgramThatIsRightIsToldSo() throws Exception {
        Answer answer = check(RIGHT);
        assertThat(answer.out())
                .contains("right  cell ", " with 40 steps in place of 40, without a corpus")
                .contains("right  reports each of its 40 steps once")
                .contains("right  tells, beside the loss, learningRate\n")
                .contains("note   does not tell gradientNorm, gradientSquareBig, gradientSquareSmall, seconds")
                .contains("right  evaluates after its last step")
                .contains("right  reports N = 77")
                .contains("right  killed after its checkpoint of step 10, it goes on with step 11")
                .contains("right  asked to stop by SIGTERM, it ends after ")
                .contains("is kept then")
                .contains("right  after going on from step 10 its losses are those of the run that was let alone")
                .endsWith("the program keeps the contract\n")
                .doesNotContain("mend ");
        assertThat(answer.exitCode()).isZero();
    }

    /** Legal and costly: frames that wait in a buffer until the end, and no checkpoints. */
    @Test
    @Tag("nightly")
    void framesThatComeLateAndNoCheckpointsAreTold() throws Exception {
        Answer answer = check(
                """
                #!/bin/sh
                sleep 3.2
                step=1
                while [ $step -le $POWERSWEEP_STEPS ]; do
                  echo "{\\"frame\\": \\"step\\", \\"step\\": $step, \\"loss\\": 4}"
                  step=$((step + 1))
                done > buffer
                cat buffer >> "$POWERSWEEP_FRAMES"
                echo '{"frame": "model", "parameters": 77}' >> "$POWERSWEEP_FRAMES"
                echo '{"frame": "evaluation", "loss": 3.5}' >> "$POWERSWEEP_FRAMES"
                """,
                "--steps",
                "40");
        assertThat(answer.out())
                .containsPattern(
                        "note   all of its \\d+ steps were seen in the last 0\\.\\d of \\d\\.\\d s: flush after each line")
                .contains("note   it names no checkpoint within", "begins at step 1 again, which costs");
        assertThat(answer.exitCode()).isZero();
    }

    @Test
    void noFrames() throws Exception {
        Answer answer = check("#!/bin/sh\necho epoch 1\necho epoch 2\n");
        assertThat(answer.out())
                .contains("mend   the program ended without having reported a step: it adds lines such as")
                .contains("| epoch 2")
                .endsWith("one thing is to be mended\n");
        assertThat(answer.exitCode()).isEqualTo(1);
    }

    @Test
    void framesAfterTheEnd() throws Exception {
        Answer answer =
                check(RIGHT + "say '{\"frame\": \"finished\"}'\nsay '{\"frame\": \"evaluation\", \"loss\": 3.4}'\n");
        assertThat(answer.out())
                .contains("mend   adds lines to POWERSWEEP_FRAMES after it has said how it ended (1)")
                .endsWith("one thing is to be mended\n");
    }

    @Test
    void wrongJson() throws Exception {
        Answer answer = check(changed("\\\"learningRate\\\": 0.1", "learningRate: 0.1"));
        assertThat(answer.out())
                .contains("mend   ", "a line that is no frame (line 2: no JSON: ")
                .contains("learningRate: 0.1}");
    }

    @Test
    void ignoresSigterm() throws Exception {
        Answer answer =
                check(changed("trap 'stopping=yes' TERM", "trap '' TERM").replace("sleep 0.03", "sleep 0.8"));
        assertThat(answer.out())
                .contains("mend   asked to stop by SIGTERM it goes on, and is killed after 2")
                .endsWith("one thing is to be mended\n");
    }

    @Test
    void aCheckpointThatIsNotRead() throws Exception {
        Answer answer = check(changed("state=$(cat \"$POWERSWEEP_RESUME_FROM\")", "state=0"));
        assertThat(answer.out())
                .contains("mend   after going on from step 10 its losses are like those of the beginning again")
                .contains("it seems not to load what POWERSWEEP_RESUME_FROM names")
                .endsWith("one thing is to be mended\n");
    }

    @Test
    void aCheckpointThatBeginsAtStepOne() throws Exception {
        Answer answer = check(changed("step=$POWERSWEEP_RESUME_STEP", "step=0"));
        assertThat(answer.out())
                .contains("mend   killed after the checkpoint of step 10, it does not go on: the program was given the"
                        + " checkpoint of step 10 (POWERSWEEP_RESUME_FROM) and reported step 1 next");
    }

    @Test
    void aCheckpointThatLeavesSomethingOut() throws Exception {
        // Forgets a step of what it has learned.
        Answer answer = check(changed(
                "state=$(cat \"$POWERSWEEP_RESUME_FROM\")", "state=$(($(cat \"$POWERSWEEP_RESUME_FROM\") - 1))"));
        assertThat(answer.out())
                .contains("note   after going on from step 10 its losses differ by up to 0.0")
                .endsWith("the program keeps the contract\n");
    }

    @Test
    void noEvaluationNoSizeAndUnknownNames() throws Exception {
        Answer answer = check(changed("say '{\"frame\": \"evaluation\", \"loss\": 3.5}'\n", "")
                .replace("say '{\"frame\": \"model\", \"parameters\": 77}'\n", "")
                .replace("\\\"learningRate\\\": 0.1", "\\\"rate\\\": 0.1"));
        assertThat(answer.out())
                .contains("mend   there is no evaluation of the set \"validation\" after the last step")
                .contains("mend   N is to be reported, and it is not")
                .contains("mend   a frame \"steps\" has no \"rate\"")
                .endsWith("3 things are to be mended\n");
    }

    @Test
    void aSpecificationWithoutAProgramIsRefused() throws Exception {
        Path spec = Files.writeString(folder.resolve("own.yaml"), "grid: {modelSizes: [10k], dataSizes: [100k]}\n");
        assertThat(powersweep("trainer", "check", spec).err()).contains("nothing to check without trainer.command");
    }
}
