package dev.powersweep.orchestrator.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a {@code trainer} section is refused for, each in a sentence that names the place, the value and the remedy. */
class TrainerRefusalsTest {
    private static final String SHAPES = "corpus: {bundled: wordnet}\ngrid: {modelSizes: [10k], dataSizes: [100k]}\n";
    private static final String POINTS =
            "corpus: none\ngrid: {points: [{arguments: {depth: 2}}], dataSizes: [100k], batchSizes: {sequences: 8}}\n";

    private static SweepSpec read(String trainer, String rest) {
        return SweepSpecReader.read("trainer: " + trainer + "\n" + rest, "sweep.yaml", List.of());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{files: [a.py]} | trainer.command",
                "{command: []} | trainer.command",
                "{command: ['', train.py]} | trainer.command begins with '', and a program has a name",
                "{command: [' ', train.py]} | trainer.command begins with ''",
                "{command: [a, null]} | trainer.command[1] has no value; it must be text, '' where it is empty",
                "{command: [a, \"x\\0y\"]} | must be text, '' where it is empty",
                "{command: [a, [b]]} | trainer.command[1] = a list must be text",
                "{command: [python3 train.py]} | write a list, such as [python3, train.py]",
                "{command: [a], shell: true} | trainer.shell",
                "{command: [a, \"${width\"]} | has a ${ without its }",
                "{command: [a, \"${my width}\"]} | which is no name",
                "{command: [a, \"${widht}\"]} | did you mean ${width}?",
                "{command: [a, \"${mood}\"]} | give it under trainer.arguments",
                "{command: [a], environment: {POWERSWEEP_STEPS: \"1\"}} | is PowerSweep's to set",
                "{command: [a], environment: {\"2nd\": \"1\"}} | no digit first",
                "{command: [a], environment: {A: \"${nothing}\"}} | names ${nothing}",
                "{command: [a], arguments: {steps: 5}} | is the assignment's own steps",
                "{command: [a], arguments: {learning_rate: 5}} | is the assignment's own learningRate",
                "{command: [a], files: [{path: x, name: ../y}]} | has the name \"../y\"",
                "{command: [a], parameters: guessed} | one of computed or reported",
                "{command: [a], vocabulary: 100} | is the corpus's; take it away, or say corpus: none",
            })
    void withShapesOverACorpus(String trainer, String sentence) {
        assertThatThrownBy(() -> read(trainer, SHAPES))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(sentence);
    }

    @Test
    void listenersBesideAProgram() {
        assertThatThrownBy(() -> read("{command: [a]}", SHAPES + "run: {listeners: {classes: a.B}}\n"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("run.listeners sees steps of PowerSweep's own trainer, and a program of your own"
                        + " trains these cells; take one away");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{command: [a, \"${width}\"]} | which models of grid.points do not have",
                "{command: [a, \"${parameters}\"]} | which grid.points does not name everywhere",
                "{command: [a, \"${vocabulary}\"]} | which is not known; give trainer.vocabulary",
                "{command: [a, \"${trainFile}\"]} | and there is no corpus",
                "{command: [a, \"${depht}\"]} | did you mean ${depth}?",
            })
    void withPointsAndWithoutACorpus(String trainer, String sentence) {
        assertThatThrownBy(() -> read(trainer, POINTS))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(sentence);
    }

    @Test
    void shapesWithoutACorpusNeedAVocabulary() {
        String rest = "corpus: none\ngrid: {modelSizes: [10k], dataSizes: [100k]}\n";
        assertThatThrownBy(() -> read("{command: [a]}", rest)).hasMessageContaining("trainer.vocabulary");
        assertThat(read("{command: [a], vocabulary: 100}", rest).trainer()).isPresent();
    }

    @Test
    void pointsWithoutAProgramAreRefused() {
        assertThatThrownBy(() -> SweepSpecReader.read(POINTS, "sweep.yaml", List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("trainer");
    }

    /** Empty arguments, blanks, line ends and words that YAML would take for something else are given as they stand. */
    @Test
    void textOfAProgramIsTakenAsItIsWritten() {
        TrainerSpec trainer = read(
                        "{command: [a, '', ' x ', \"two\\nlines\", 0.10, true, 1e3, \"'\", '\"', '*'],"
                                + " environment: {EMPTY: '', BLANKS: ' y '}, arguments: {none: ''}}",
                        SHAPES)
                .trainer()
                .orElseThrow();
        assertThat(trainer.command())
                .containsExactly("a", "", " x ", "two\nlines", "0.10", "true", "1e3", "'", "\"", "*");
        assertThat(trainer.environment()).containsEntry("EMPTY", "").containsEntry("BLANKS", " y ");
        assertThat(trainer.arguments()).containsEntry("none", "");
        assertThat(read(
                                "{command: [a, \"${none}\"], arguments: {none: ''}}",
                                SHAPES.replace("[100k]}", "[100k], axes: {trainer.arguments.none: ['', b]}}"))
                        .grid()
                        .parts()
                        .get(0)
                        .variants())
                .hasSize(2);
    }
}
