package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.design.FirstRates;
import dev.powersweep.orchestrator.design.SweepDesigner;
import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code powersweep init}, and designs that a directory keeps. */
class InitCommandTest {
    private static final CorpusFacts CORPUS = new CorpusFacts(
            "0123456789abcdef", 256, 100_000_000, List.of(new CorpusFacts.EvaluationSet("validation", 400_000)));
    private static final Slots SLOTS = new Slots(2, 0);

    @TempDir
    private Path folder;

    @Test
    void badInputsAreRefusedInASentenceAndLeaveNothing() throws IOException {
        Path there = Files.writeString(folder.resolve("there.yaml"), "mine");
        refused("left as it is; name another SPEC.yaml", "init", "--text", folder, there);
        assertThat(there).hasContent("mine");
        refused("must be above 0", "init", "--text", folder, "--hours", "0", folder.resolve("a.yaml"));
        refused("must be above 0", "init", "--text", folder, "--hours", "NaN", folder.resolve("a.yaml"));
        refused("no directory that can be written to", "init", "--text", folder, folder.resolve("none/a.yaml"));
        assertThat(folder.resolve("a.yaml")).doesNotExist();
        InProcess.Answer none = InProcess.powersweep("init");
        assertThat(none.exitCode()).isEqualTo(2);
        assertThat(none.err()).contains("--text");
    }

    private static void refused(String words, Object... arguments) {
        InProcess.Answer answer = InProcess.powersweep(arguments);
        assertThat(answer.exitCode()).isEqualTo(1);
        assertThat(answer.err()).contains(words).hasLineCount(1);
        assertThat(answer.out()).isEmpty();
    }

    @Test
    void whatIsWrittenIsASpecificationWhateverTheTextIsNamed() {
        for (String path : List.of("/books/of mine's: #1/", "a.txt", "data/*.jsonl", "...", "/", "é.txt")) {
            InitialSpecification start = InitialSpecification.of(path, 0.5);
            SweepSpec draft = SweepSpecReader.read(start.undesigned(), "x.yaml", List.of());
            SweepDesigner.Designed designed = SweepDesigner.design(draft, CORPUS, SLOTS, List.of());
            String written = start.designed(designed.parts(), "93 files", CORPUS, SLOTS);
            SweepSpec spec = SweepSpecReader.read(written, "x.yaml", List.of());
            assertThat(spec.grid()).isEqualTo(designed.spec().grid());
            assertThat(((CorpusSpec.Source.Text) spec.corpus().source()).paths())
                    .containsExactly(path);
            assertThat(spec.name()).isEqualTo(start.name()).doesNotContain("/", " ");
            assertThat(spec.corpus().split()).isEqualTo(CorpusSpec.Split.BLOCK);
            assertThat(SweepSpecReader.read(start.byFile().undesigned(), "x.yaml", List.of())
                            .corpus()
                            .split())
                    .isEqualTo(CorpusSpec.Split.FILE);
        }
        assertThat(InitialSpecification.of("/books/of mine/", 1).name()).isEqualTo("of-mine");
        assertThat(InitialSpecification.of("data/wiki.train.jsonl.gz", 1).name())
                .isEqualTo("wiki");
    }

    /** The machine may be twice as fast tomorrow; the same command goes on with the same cells. */
    @Test
    void aDirectoryKeepsTheDesignItWasBegunWith() {
        SweepSpec asked = SweepSpecReader.read("grid: {design: auto, hours: 1}", "s.yaml", List.of());
        SweepSpec begun = SweepDesigner.design(asked, CORPUS, SLOTS, List.of()).spec();
        SweepSpec changed =
                SweepSpecReader.read("grid: {design: auto, minutes: 60}\nrun: {maxAttempts: 7}", "s.yaml", List.of());
        assertThat(DesignStage.earlier(changed, begun.text())).hasValueSatisfying(again -> {
            assertThat(again.grid()).isEqualTo(begun.grid());
            assertThat(again.run().maxAttempts()).isEqualTo(7);
        });
        SweepSpec longer = SweepSpecReader.read("grid: {design: auto, hours: 2}", "s.yaml", List.of());
        assertThat(DesignStage.earlier(longer, begun.text())).isEmpty();
        SweepSpec other = SweepSpecReader.read("context: 64\ngrid: {design: auto, hours: 1}", "s.yaml", List.of());
        assertThat(DesignStage.earlier(other, begun.text())).isEmpty();
        assertThat(DesignStage.earlier(asked, "grid: {modelSizes: 1M, dataSizes: 1M}"))
                .isEmpty();
        assertThat(DesignStage.earlier(asked, "of another version")).isEmpty();
        // A design's rates are factors of the rule that it was made for.
        SweepSpec rule = SweepSpecReader.read(
                "grid: {design: auto, hours: 1}\ntraining: {learningRate: 0.01}", "s.yaml", List.of());
        assertThat(DesignStage.earlier(rule, begun.text())).isEmpty();
    }

    @Test
    void whatAPilotDecidedIsKeptForTheTrainingThatItWasFoundFor() {
        String text = "grid: {design: auto, flops: 3e13, ratePilot: first}\n";
        SweepSpec asked = SweepSpecReader.read(text, "s.yaml", List.of());
        SweepSpec begun = SweepDesigner.design(asked, CORPUS, SLOTS, List.of()).spec();
        assertThat(DesignStage.earlier(asked, begun.text()))
                .hasValueSatisfying(
                        again -> assertThat(FirstRates.outstanding(again)).isTrue());
        SweepSpec decided = FirstRates.of(begun, List.of()).design();
        assertThat(DesignStage.earlier(asked, decided.text())).hasValueSatisfying(again -> {
            assertThat(again.grid()).isEqualTo(decided.grid());
            assertThat(FirstRates.outstanding(again)).isFalse();
        });
        SweepSpec other = SweepSpecReader.read(text + "training: {warmup: {steps: 9}}\n", "s.yaml", List.of());
        assertThat(DesignStage.earlier(other, begun.text())).isPresent();
        assertThat(DesignStage.earlier(other, decided.text())).isEmpty();
    }

    @Test
    @Tag("nightly") // Spark, a corpus and some seconds of measuring; the parts are tested above and in
    // SweepDesignerTest
    void aTextBecomesASpecificationThatRuns() throws IOException {
        Path text = folder.resolve("words.txt");
        SplittableRandom random = new SplittableRandom(7);
        Files.writeString(
                text,
                IntStream.range(0, 1_000_000)
                        .mapToObj(i -> "word" + Long.toString(random.nextInt(3000), 36) + (i % 12 == 0 ? ".\n" : " "))
                        .collect(Collectors.joining()));
        Path written = folder.resolve("words.yaml");
        InProcess.Answer answer = InProcess.powersweep("init", "--text", text, "--hours", "0.5", written);
        assertThat(answer.exitCode()).as(answer.err()).isZero();
        assertThat(answer.out()).contains("tokens to train on", "It will answer", "powersweep run " + written);
        InProcess.Answer dry = InProcess.powersweep("run", written, "--dry-run", "--output", folder.resolve("d"));
        assertThat(dry.exitCode()).as(dry.err()).isZero();
        assertThat(dry.out()).contains("cells", "It will answer");
    }
}
