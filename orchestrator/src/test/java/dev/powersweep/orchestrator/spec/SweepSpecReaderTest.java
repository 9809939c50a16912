package dev.powersweep.orchestrator.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SweepSpecReaderTest {
    private static final String SMALL =
            """
            grid:
              modelSizes: [25k, {layers: 2, width: 64}]
              dataSizes: [300k]
            """;

    private static SweepSpec read(String text, String... overrides) {
        return SweepSpecReader.read(text, "sweep.yaml", List.of(overrides));
    }

    @Test
    void threeLinesAreEnoughAndTheRestHasDefaults() {
        SweepSpec spec = read(SMALL);
        assertThat(spec.name()).isEqualTo("sweep");
        assertThat(spec.corpus().source()).isEqualTo(new CorpusSpec.Source.Bundled("wordnet"));
        assertThat(spec.tokenizer()).isEqualTo(new TokenizerSpec.Bytes());
        assertThat(spec.context()).isEqualTo(128);
        assertThat(spec.model().activation()).isEqualTo(ModelShape.Activation.GELU);
        GridSpec.Part part = spec.grid().parts().get(0);
        assertThat(part.combine()).isEqualTo(GridSpec.Combine.PRODUCT);
        assertThat(part.modelSizes())
                .containsExactly(
                        new ModelSize.Target(25_000),
                        new ModelSize.Shape(2, 64, OptionalInt.empty(), OptionalInt.empty()));
        assertThat(part.dataSizes()).containsExactly(300_000L);
        assertThat(part.batchSizes()).containsExactly(new BatchSize.Sequences(16));
        assertThat(part.seeds()).containsExactly(0L);
        assertThat(spec.training().optimizer()).isEqualTo(new TrainingSpec.AdamW(0.9, 0.95, 1e-8, 0.1));
        assertThat(spec.training().schedule()).isEqualTo(new Schedule.Cosine(0.1));
        assertThat(spec.training().warmup()).isEqualTo(new TrainingSpec.Warmup.Fraction(0.05));
        assertThat(spec.training().divergence()).isEqualTo(TrainingRule.Divergence.DEFAULT);
        assertThat(spec.evaluation().interval()).isEqualTo(new EvaluationSpec.Interval.TimesPerRun(5));
        assertThat(spec.output()).isEmpty();
        assertThat(spec.text()).isEqualTo(SMALL);
    }

    @Test
    void defaultsOfTheRunAreThoseOfItsPolicy() {
        RunSpec run = read(SMALL).run();
        ResourcesSpec resources = read(SMALL).resources();
        assertThat(new RunPolicy(
                        resources.threads(),
                        resources.memoryBytes().orElse(0),
                        resources.gpus(),
                        run.checkpointSeconds(),
                        run.reportSeconds(),
                        run.timeoutSeconds(),
                        run.hangSeconds(),
                        run.maxAttempts(),
                        run.equalFailuresToStop(),
                        resources.trainerJava()))
                .isEqualTo(RunPolicy.DEFAULT);
    }

    /** Which hosts multiply such numbers only they know. */
    @Test
    void bfloat16IsForCpusToo() {
        assertThat(read(SMALL, "training.precision=bfloat16").training().precision())
                .isEqualTo(Precision.BFLOAT16);
    }

    @Test
    void everyKeyReachesItsRecord() {
        SweepSpec spec = read(
                """
                name: full
                corpus:
                  text: [a.txt, 'hdfs:///b/*.parquet']
                  format: parquet
                  textColumn: body
                  validationFraction: 0.1
                  malformed: replace
                  split: file
                tokenizer: {kind: bpe, vocabulary: 1k}
                context: 64
                model: {activation: squared-relu, positions: rotary, normalization: rms-norm, embeddings: untied, headWidth: 16}
                grid:
                  combine: zip
                  modelSizes: [{layers: 2, width: 64, heads: 4, feedForward: 128}, 100k]
                  dataSizes: [1_000_000, 1.2M]
                  batchSizes: {sequences: 8}
                  uniqueTokens: 1e5
                  seeds: [0, 7]
                  where: D >= 2*N
                training:
                  optimizer: {beta1: 0.8, beta2: 0.9, epsilon: 1e-6, weightDecay: 0}
                  learningRate: {rule: mup, value: 0.01, baseWidth: 32, batchScaling: sqrt, referenceBatch: 512}
                  warmup: {steps: 10}
                  schedule: {kind: constant-with-cooldown, cooldownFraction: 0.3}
                  gradientClip: 0
                  dropout: .1
                  initialStandardDeviation: 0.01
                  maxEpochs: 4
                  batchWarmup: none
                  earlyStopping: 3
                  divergence: {lossAboveInitial: 2, windowSteps: 5}
                evaluation: {everyTokens: 100k, tokens: 1k, sets: {wiki: wiki.txt}}
                resources: {threads: 2, memory: 2GB, gpus: 1, cellsPerGpu: 4, trainerJava: /opt/jdk}
                run: {checkpointSeconds: 1, reportSeconds: 2, timeoutSeconds: 3, hangSeconds: 4, maxAttempts: 5, equalFailuresToStop: 6, probeSeconds: 7, listeners: {classes: [a.B, c.D$E], files: b.jar}}
                output: /tmp/out
                """);
        assertThat(spec.name()).isEqualTo("full");
        assertThat(spec.corpus())
                .isEqualTo(new CorpusSpec(
                        new CorpusSpec.Source.Text(
                                List.of("a.txt", "hdfs:///b/*.parquet"), CorpusSpec.Format.PARQUET, "body"),
                        0.1,
                        CorpusSpec.Malformed.REPLACE,
                        CorpusSpec.Split.FILE));
        assertThat(spec.tokenizer()).isEqualTo(new TokenizerSpec.Bpe(1000));
        assertThat(spec.model())
                .isEqualTo(new ModelSpec(
                        ModelShape.Activation.SQUARED_RELU,
                        ModelShape.Positions.ROTARY,
                        ModelShape.Normalization.RMS_NORM,
                        ModelShape.Embeddings.UNTIED,
                        OptionalInt.of(16)));
        assertThat(spec.grid().parts())
                .containsExactly(new GridSpec.Part(
                        GridSpec.Combine.ZIP,
                        List.of(
                                new ModelSize.Shape(2, 64, OptionalInt.of(4), OptionalInt.of(128)),
                                new ModelSize.Target(100_000)),
                        List.of(1_000_000L, 1_200_000L),
                        List.of(),
                        List.of(new BatchSize.Sequences(8)),
                        List.of(100_000L),
                        List.of(GridSpec.RateChoice.RULE),
                        List.of(new GridSpec.Variant(List.of(), 64, spec.model(), spec.training(), Map.of())),
                        List.of(0L, 7L),
                        Optional.of(Condition.parse("D >= 2*N")),
                        Optional.empty()));
        assertThat(spec.training())
                .isEqualTo(new TrainingSpec(
                        new TrainingSpec.AdamW(0.8, 0.9, 1e-6, 0),
                        new LearningRateRule(
                                new LearningRateRule.Rule.Mup(0.01, 32), LearningRateRule.BatchScaling.SQRT, 512),
                        new TrainingSpec.Warmup.Steps(10),
                        new Schedule.ConstantWithCooldown(0.3),
                        0,
                        0.1,
                        OptionalDouble.of(0.01),
                        Precision.FLOAT32,
                        4,
                        Optional.empty(),
                        OptionalInt.of(3),
                        new TrainingRule.Divergence(2, 5)));
        assertThat(spec.evaluation())
                .isEqualTo(new EvaluationSpec(
                        new EvaluationSpec.Interval.EveryTokens(100_000),
                        1000,
                        List.of(new EvaluationSpec.Set("wiki", List.of("wiki.txt")))));
        assertThat(spec.resources().memoryBytes()).hasValue(2L << 30);
        assertThat(spec.resources().trainerJava()).contains("/opt/jdk");
        assertThat(spec.resources().cellsPerGpu()).isEqualTo(4);
        assertThat(SweepPlanner.policy(spec).cellsAtOnce()).isEqualTo(4);
        assertThat(spec.run())
                .isEqualTo(new RunSpec(
                        1,
                        2,
                        3,
                        4,
                        5,
                        6,
                        7,
                        Optional.of(new ListenersSpec(List.of("a.B", "c.D$E"), List.of("b.jar")))));
        assertThat(spec.output()).contains("/tmp/out");
    }

    @Test
    void everyProblemIsToldAtOnceWithKeyValueBoundAndLine() {
        assertThatThrownBy(
                        () -> read(
                                """
                        grid:
                          modelSizes: [25k, -3]
                          dataSizes: [300k]
                        trainig: {}
                        context: 0
                        training:
                          learningRate: -1
                          dropout: 1
                          dropuot: 0.1
                        corpus: {malformed: ignore}
                        """))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        """
                        sweep.yaml has 7 problems:
                          sweep.yaml:2: grid.modelSizes[1] = -3 must be at least 1
                          sweep.yaml:4: unknown key trainig; did you mean training?
                          sweep.yaml:5: context = 0 must be in [1, 65536]
                          sweep.yaml:7: training.learningRate = -1 must be in (0, 1000000]
                          sweep.yaml:8: training.dropout = 1 must be in [0, 1)
                          sweep.yaml:9: unknown key training.dropuot; did you mean training.dropout?
                          sweep.yaml:10: corpus.malformed = ignore must be one of fail or replace""");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            training.learningRate=fast        | --set training.learningRate=fast: training.learningRate = fast must be a number in (0, 1000000], kaplan, or a mapping
            training.learningRate.rule=mup    | training.learningRate.value is missing; rule mup needs one, such as 0.003
            seeds=3                           | --set seeds=3: unknown key seeds; did you mean grid.seeds?
            grid.where=D >                    | --set grid.where=D >: grid.where = D > must be a condition with a number or one of N, D, B, S, C, U, learningRate at column 4
            context=12.5                      | --set context=12.5: context = 12.5 must be a whole number in [1, 65536]
            context=                          | --set context=: context has no value; it must be a whole number (k, M, G, T allowed) in [1, 65536]
            context                           | --set context must have the form key.path=value, e.g. training.learningRate=0.001
            corpus.split=file                 | corpus.split is for files of your own; the bundled text is single lines that have nothing in common
            corpus.split=book                 | --set corpus.split=book: corpus.split = book must be one of block or file
            corpus={tokens: {train: a.bin, vocabulary: 9}, split: file} | corpus.split is for text; with corpus.tokens give held-out files as corpus.tokens.validation
            corpus={tokens: {train: a.bin, vocabulary: 20M}} | corpus.tokens.vocabulary = 20M must be in [2, 16777216]
            grid=3                            | --set grid=3: grid = 3 must be a mapping
            training.optimizer.epsilon=1e29   | training.optimizer.epsilon = 1e29 must be in (0, 1]
            training.optimizer.epsilon=1e308  | training.optimizer.epsilon = 1e308 must be a number in (0, 1], and between 1e-30 and 1e30 in size
            training.optimizer.weightDecay=1e9 | training.optimizer.weightDecay = 1e9 must be in [0, 1000]
            training.initialStandardDeviation=1e20 | training.initialStandardDeviation = 1e20 must be in (0, 100]
            training.gradientClip=1e-300      | training.gradientClip = 1e-300 must be a number in [0, 1000000000], and between 1e-30 and 1e30 in size
            training.precision=fp8            | training.precision = fp8 must be one of float32, tf32 or bfloat16
            training.precision=tf32           | training.precision = tf32 is for GPUs; give resources.gpus: 1, or take float32
            grid.axes={training.precision: [float32, tf32]} | training.precision = tf32 is for GPUs; give resources.gpus: 1, or take float32
            training.batchWarmup=sqrt         | training.batchWarmup = sqrt must be none, or a mapping
            training.batchWarmup={rateScaling: sqrt} | training.batchWarmup.doubleAt is missing
            training.batchWarmup={doubleAt: 1k, rateScaling: linear} | training.batchWarmup.rateScaling = linear must be one of sqrt or none
            training.batchWarmup={doubleAt: [4k, 2k]} | training.batchWarmup.doubleAt names 2000 tokens after 4000; the batch doubles from one count to the next, so give them in ascending order
            training.batchWarmup.doubleAt=0   | training.batchWarmup.doubleAt = 0 must be at least 1
            grid.branches={at: 100k, tokens: 50k} | grid.branches.batchSizes is missing
            grid.branches={at: 100k, tokens: 50k, batchSizes: 2048} | grid.branches.batchSizes names one batch, and branches compare at least two; give a larger one, too
            grid.branches={at: 0, tokens: 50k, batchSizes: [2048, 4096]} | grid.branches.at = 0 must be at least 1
            grid.branches={at: 1k, tokens: 50k, batchSizes: [2048, 4096], rateScaling: cube} | grid.branches.rateScaling = cube must be one of none, sqrt or linear
            grid.branches={at: 100k, tokens: 50k, batchSizes: [2048, 4096]} | grid has branches, which leave a run while its learning rate is constant; give training.trunk: shared and training.schedule: constant-with-cooldown, or take the branches away
            resources.gpus=2                  | resources.gpus = 2 is for programs of your own: PowerSweep's trainer trains a cell on one GPU
            resources.cellsPerGpu=2           | resources.cellsPerGpu = 2 is for GPUs; give resources.gpus: 1, or cellsPerGpu: 1
            resources={gpus: 1, cellsPerGpu: 65} | resources.cellsPerGpu = 65 must be in [1, 64]
            run.timeoutSeconds=1e20           | run.timeoutSeconds = 1e20 must be in [0, 1000000000]
            grid.dataSizes=[]                 | --set grid.dataSizes=[]: grid.dataSizes = [] must be a list with at least one entry
            """)
    void aWrongOverrideIsNamedInFull(String override, String message) {
        assertThatThrownBy(() -> read(SMALL, override))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(message);
    }

    @Test
    void batchesMayDoubleAtCountsOfTokens() {
        assertThat(read(SMALL).training().batchWarmup()).isEmpty();
        assertThat(read(SMALL, "training.batchWarmup={doubleAt: [100k, 1M]}")
                        .training()
                        .batchWarmup())
                .contains(new TrainingSpec.BatchWarmup(List.of(100_000L, 1_000_000L), TrainingSpec.RateScaling.SQRT));
        SweepSpec axis = read(SMALL, "grid.axes={training.batchWarmup: [none, {doubleAt: 100k, rateScaling: none}]}");
        assertThat(axis.grid().parts().get(0).variants())
                .extracting(variant -> variant.training().batchWarmup())
                .containsExactly(
                        Optional.empty(),
                        Optional.of(new TrainingSpec.BatchWarmup(List.of(100_000L), TrainingSpec.RateScaling.NONE)));
    }

    @Test
    void whatCannotMakeSmallerBatchesRefusesThemBeforeAnythingRuns() {
        String warmup = "training.batchWarmup={doubleAt: 100k}";
        assertThatThrownBy(() -> read(SMALL, warmup, "resources.gpus=1"))
                .hasMessageContaining("training.batchWarmup is for CPUs, since on GPUs every step has the same batch;"
                        + " give resources.gpus: 0, or take it away");
        assertThatThrownBy(() ->
                        read(SMALL, "grid.axes={training.batchWarmup: [none, {doubleAt: 100k}]}", "resources.gpus=1"))
                .hasMessageContaining("training.batchWarmup is for CPUs");
        assertThatThrownBy(() -> read(SMALL, warmup, "trainer={command: 'run ${N}'}"))
                .hasMessageContaining(
                        "training.batchWarmup is for PowerSweep's own trainer, since programs are told one"
                                + " batch size; take it away, or take away trainer");
        assertThatThrownBy(() -> read(SMALL, "resources={gpus: 1, cellsPerGpu: 2}", "trainer={command: 'run ${N}'}"))
                .hasMessageContaining("resources.cellsPerGpu = 2 is for PowerSweep's own trainer: a program of your own"
                        + " is started for each cell; give 1, or take away trainer");
        assertThatThrownBy(() -> read("grid: {design: auto, minutes: 5}", warmup))
                .hasMessageContaining("training.batchWarmup does not go with grid.design: auto");
    }

    @Test
    void branchesLeaveASharedTrunkOnCpus() {
        String trunk = "training={schedule: constant-with-cooldown, trunk: shared, warmup: {steps: 5}}";
        String branches = "grid.branches={at: [400k, 100k], batchSizes: [2048, {sequences: 64}], tokens: 50k}";
        String evaluation = "evaluation.everyTokens=50k";
        assertThat(read(SMALL, trunk, evaluation, branches)
                        .grid()
                        .parts()
                        .get(0)
                        .branches())
                .contains(new GridSpec.Branches(
                        List.of(100_000L, 400_000L),
                        List.of(new BatchSize.Tokens(2048), new BatchSize.Sequences(64)),
                        50_000,
                        LearningRateRule.BatchScaling.SQRT));
        assertThat(read(SMALL).grid().parts().get(0).branches()).isEmpty();
        assertThatThrownBy(() -> read(SMALL, trunk, evaluation, branches, "resources.gpus=1"))
                .hasMessageContaining(
                        "grid has branches, whose batch changes, and on GPUs every step has the same batch;"
                                + " give resources.gpus: 0, or take the branches away");
        assertThatThrownBy(() -> read(SMALL, trunk, evaluation, branches, "training.batchWarmup={doubleAt: 100k}"))
                .hasMessageContaining(
                        "grid has branches, which leave runs of one batch size; give training.batchWarmup: none,"
                                + " or take the branches away");
        assertThatThrownBy(() -> read("grid: {design: auto, minutes: 5}", branches))
                .hasMessageContaining("grid.design and grid.branches exclude each other");
    }

    @Test
    void rulesThatExcludeEachOtherAreNamed() {
        assertThatThrownBy(() -> read(SMALL, "training.warmup={steps: 3, fraction: 0.1}"))
                .hasMessageContaining(
                        "training.warmup.steps and training.warmup.fraction exclude each other; keep one of them");
        assertThatThrownBy(() -> read(SMALL, "corpus={text: a, bundled: wordnet}"))
                .hasMessageContaining("corpus.bundled and corpus.text exclude each other");
        assertThatThrownBy(() -> read(SMALL, "grid.budgets=1e12"))
                .hasMessageContaining("grid.dataSizes and grid.budgets exclude each other");
        assertThatThrownBy(() -> read("grid: {modelSizes: 25k}"))
                .hasMessage("sweep.yaml:1: grid needs dataSizes or budgets or union or design");
        assertThatThrownBy(() -> read("context: 64")).hasMessage("sweep.yaml:1: grid is missing; it must be a mapping");
        assertThatThrownBy(() -> read(SMALL, "training.learningRate={rule: mup, value: 0.1}"))
                .hasMessageContaining("training.learningRate.baseWidth is missing");
        assertThatThrownBy(() -> read(SMALL, "training.learningRate={rule: kaplan, value: 0.1}"))
                .hasMessageContaining("training.learningRate.value follows from rule: kaplan");
        assertThatThrownBy(() -> read("grid: {combine: zip, modelSizes: [1k, 2k], dataSizes: [1k, 2k, 3k]}"))
                .hasMessageContaining("grid.dataSizes has 3 entries and grid.modelSizes has 2");
        assertThatThrownBy(() -> read(SMALL, "grid.modelSizes={layers: 2, width: 64, heads: 5}"))
                .hasMessageContaining("heads = 5 must be a divisor of width = 64");
        assertThatThrownBy(() -> read(SMALL, "evaluation.sets={validation: a.txt}"))
                .hasMessageContaining("evaluation.sets.validation has the corpus's own name");
        assertThatThrownBy(() -> read(SMALL + "context: 3\ncontext: 4\n"))
                .hasMessage("sweep.yaml:5: context is given twice");
        assertThatThrownBy(() -> read("grid: [\n")).hasMessageStartingWith("sweep.yaml:2: not valid YAML: ");
    }

    @Test
    void aDesignHasSomethingToSpendAndNoAxes() {
        assertThat(read("grid: {design: auto, hours: 0.1}").grid())
                .isEqualTo(new GridSpec(
                        List.of(), Optional.of(new GridSpec.Design.Seconds(360)), GridSpec.PilotOrder.TOGETHER));
        assertThat(read("grid: {design: auto, flops: 1e14}").grid().design()).contains(new GridSpec.Design.Flops(1e14));
        GridSpec made = read("grid: {design: auto, minutes: 2, union: [{modelSizes: 1k, dataSizes: 1k}]}")
                .grid();
        assertThat(made.undesigned()).isFalse();
        assertThat(made.parts()).hasSize(1);
        assertThatThrownBy(() -> read("grid: {design: auto}"))
                .hasMessageContaining("grid.design = auto needs what it may spend; give flops, minutes or hours");
        assertThatThrownBy(() -> read("grid: {design: auto, flops: 1e14, hours: 1}"))
                .hasMessageContaining("grid.flops and grid.hours exclude each other");
        assertThatThrownBy(() -> read("grid: {design: auto, hours: 1, seeds: [0, 1]}"))
                .hasMessageContaining("grid.design and grid.seeds exclude each other");
        assertThatThrownBy(() -> read(SMALL, "grid.design=auto"))
                .hasMessageContaining("grid.design and grid.modelSizes exclude each other");
        assertThatThrownBy(() -> read(SMALL, "grid.hours=1"))
                .hasMessageContaining("grid.hours is what a design may spend; add design: auto, or take it away");
        assertThatThrownBy(() -> read("grid: {design: auto, hours: 1}", "trainer.command=[a]"))
                .hasMessageContaining("grid has design: auto, which knows PowerSweep's own models alone");
    }

    @Test
    void bracketsWithoutEndAreRefusedInASentence() {
        assertThatThrownBy(() -> read("grid: " + "[".repeat(100_000)))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("sweep.yaml: not a specification: brackets are nested too deeply");
    }

    @Test
    void aTokenizerIsAWordOrAKindWithWhatBelongsToIt() {
        assertThat(read(SMALL, "tokenizer=gpt2").tokenizer()).isEqualTo(new TokenizerSpec.Gpt2());
        assertThat(read(SMALL, "tokenizer={kind: gpt2}").tokenizer()).isEqualTo(new TokenizerSpec.Gpt2());
        assertThat(read(SMALL, "tokenizer={kind: bpe}").tokenizer()).isEqualTo(new TokenizerSpec.Bpe(4096));
        assertThat(read(SMALL, "tokenizer={kind: file, path: hdfs:///t/tokenizer.json}")
                        .tokenizer())
                .isEqualTo(new TokenizerSpec.JsonFile("hdfs:///t/tokenizer.json"));
        assertThatThrownBy(() -> read(SMALL, "tokenizer={kind: file}"))
                .hasMessageContaining("tokenizer.path is missing; kind file needs the path of a tokenizer.json");
        assertThatThrownBy(() -> read(SMALL, "tokenizer={kind: gpt2, vocabulary: 4096}"))
                .hasMessageContaining("tokenizer.vocabulary belongs to kind bpe, not to gpt2; the others' vocabularies"
                        + " follow from themselves");
        assertThatThrownBy(() -> read(SMALL, "tokenizer={kind: bpe, path: t.json}"))
                .hasMessageContaining("tokenizer.path belongs to kind file, not to bpe; the others need none");
    }

    @Test
    void overridesReachAnyDepthAndTheSubmittedTextHoldsThem() {
        SweepSpec spec = read(
                SMALL,
                "corpus.text=/data/books",
                "grid.modelSizes.1.width=32",
                "training.schedule=linear",
                "grid.dataSizes=[1M, 2M]");
        assertThat(spec.corpus().source())
                .isEqualTo(new CorpusSpec.Source.Text(List.of("/data/books"), CorpusSpec.Format.AUTO, "text"));
        assertThat(spec.grid().parts().get(0).modelSizes().get(1))
                .isEqualTo(new ModelSize.Shape(2, 32, OptionalInt.empty(), OptionalInt.empty()));
        assertThat(spec.training().schedule()).isEqualTo(new Schedule.Linear(0.1));
        SweepSpec again = read(spec.text());
        assertThat(again).isEqualTo(spec);
    }

    @Test
    void partsOfAUnionTakeWhatStandsBesideThem() {
        SweepSpec spec = read(
                """
                grid:
                  seeds: [1, 2]
                  where: N < 1M
                  union:
                    - {modelSizes: 25k, dataSizes: 300k}
                    - {modelSizes: 25k, budgets: [1e12, 1e13], seeds: 5, where: D > 1k}
                """);
        assertThat(spec.grid().parts().get(0).seeds()).containsExactly(1L, 2L);
        assertThat(spec.grid().parts().get(1).seeds()).containsExactly(5L);
        assertThat(spec.grid().parts().get(1).combine()).isEqualTo(GridSpec.Combine.ISOFLOP);
        assertThat(spec.grid().parts().get(1).where()).contains(Condition.parse("(N < 1M) and (D > 1k)"));
    }

    @Test
    void axesAreKeysOfACellWithValuesOfTheirKind() {
        SweepSpec spec = read(
                """
                grid:
                  modelSizes: 25k
                  dataSizes: 300k
                  learningRates: [1e-3, {factors: [0.5, 2]}]
                  axes:
                    training.learningRate: [0.001, {rule: power, coefficient: 0.5, model: -0.2}]
                    context: 64
                """);
        GridSpec.Part part = spec.grid().parts().get(0);
        assertThat(part.learningRates())
                .containsExactly(
                        new GridSpec.RateChoice.Peak(0.001),
                        new GridSpec.RateChoice.Factor(0.5),
                        new GridSpec.RateChoice.Factor(2));
        assertThat(part.variants())
                .extracting(GridSpec.Variant::settings)
                .containsExactly(
                        List.of(
                                new GridSpec.Setting("training.learningRate", "0.001"),
                                new GridSpec.Setting("context", "64")),
                        List.of(
                                new GridSpec.Setting("training.learningRate", "2"),
                                new GridSpec.Setting("context", "64")));
        assertThat(part.variants())
                .extracting(variant -> variant.training().learningRate().rule())
                .containsExactly(
                        new LearningRateRule.Rule.Constant(0.001), new LearningRateRule.Rule.Power(0.5, -0.2, 0, 0));
        assertThat(part.variants()).extracting(GridSpec.Variant::context).containsExactly(64, 64);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            weightDecay: [0, 0.1]                         | grid.axes.weightDecay is no key of training, model or context; did you mean training.optimizer.weightDecay?
            training.optimiser.beta2: 0.9                 | grid.axes.training.optimiser.beta2 is no key of training, model or context; did you mean training.optimizer.beta2?
            grid.seeds: [1, 2]                            | grid.axes.grid.seeds is no key of training, model or context; give the path of one, such as training.optimizer.weightDecay
            tokenizer: [bytes, gpt2]                      | grid.axes.tokenizer is no axis: a sweep has one tokenised corpus; give each tokenizer a sweep of its own
            training.dropout: [0, 1]                      | sweep.yaml:4: training.dropout = 1 must be in [0, 1)
            training.dropout: []                          | grid.axes.training.dropout = [] must be a list with at least one entry
            context: long                                 | sweep.yaml:4: context = long must be a whole number (k, M, G, T allowed) in [1, 65536]
            training.learningRate: {rule: power}          | training.learningRate.coefficient is missing; rule power needs one, such as 0.003 where all exponents are 0
            training.learningRate.batchScaling: sqrt      | training.learningRate.value is missing
            """)
    void aWrongAxisIsNamedWithItsRemedy(String axis, String message) {
        assertThatThrownBy(() -> read("grid:\n  modelSizes: 25k\n  dataSizes: 300k\n  axes: {" + axis + "}\n"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            {rule: power, coefficient: 1, value: 2}       | training.learningRate.value follows from rule: power; take one away
            {value: 0.1, model: -0.2}                     | training.learningRate.model belongs to rule: power
            {rule: power, coefficient: 1, batchScaling: sqrt} | training.learningRate.batchScaling has no place beside rule: power; its exponent batch says how the rate follows B
            {rule: power, coefficient: -1}                | training.learningRate.coefficient = -1 must be above 0
            {rule: power, coefficient: 1, data: 11}       | training.learningRate.data = 11 must be in [-10, 10]
            """)
    void aWrongPowerRuleIsNamedWithItsRemedy(String rate, String message) {
        assertThatThrownBy(() -> read(SMALL, "training.learningRate=" + rate))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(message);
    }

    @Test
    void partsThatAliasOneAnotherAreCountedTogether() {
        String many = IntStream.range(0, 300).mapToObj(Integer::toString).collect(Collectors.joining(", "));
        String parts = "*a, ".repeat(40);
        assertThatThrownBy(() -> read(
                        """
                        grid:
                          union:
                            [&a {modelSizes: [25k], dataSizes: [1M], axes: {training.optimizer.weightDecay: [%s]}}, %s*a]
                        """
                                .formatted(many, parts)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("grid.union has more than 10000 combinations of axes in all its parts");
    }

    @Test
    void manyAxesAreBounded() {
        String values = "[" + "0.1, ".repeat(299) + "0.1]";
        assertThatThrownBy(() -> read("grid:\n  modelSizes: 25k\n  dataSizes: 300k\n  axes: {training.dropout: "
                        + values + ", training.optimizer.beta1: " + values + "}\n"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("grid.axes has 90000 combinations; the most is 10000, so shorten them");
        assertThatThrownBy(
                        () -> read(
                                "grid: {combine: zip, modelSizes: 25k, dataSizes: [1k, 2k], axes: {training.dropout: [0, 0.1, 0.2]}}"))
                .hasMessageContaining("grid.axes.training.dropout has 3 entries and grid.dataSizes has 2");
        assertThatThrownBy(() -> read("grid: {learningRates: 1, union: [{modelSizes: 1k, dataSizes: 1k}]}"))
                .hasMessageContaining("grid.learningRates and grid.union exclude each other");
    }

    @Test
    void aSharedTrunkRefusesARateThatFollowsData() {
        assertThatThrownBy(() -> read(
                        SMALL,
                        "training={trunk: shared, schedule: constant-with-cooldown, warmup: {steps: 20}, learningRate: {rule: power, coefficient: 1, data: 0.1}}",
                        "evaluation.everyTokens=100k"))
                .hasMessageContaining("training.trunk = shared needs training.learningRate.data: 0");
    }

    @Test
    void anOverrideOfManyKeysIsRefusedInASentence() {
        assertThatThrownBy(() -> read(SMALL, "a.".repeat(60_000) + "a=1"))
                .isInstanceOf(UserError.class)
                .hasMessageEndingWith("... has 60001 keys on its path; no key of a specification lies deeper than 20");
    }

    /** What other readers of YAML make objects of, and nine levels of nine times the level before. */
    @Test
    void tagsOfClassesBuildNothingAndTextThatMultipliesItselfIsRefused() {
        for (String tagged : List.of(
                "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL [\"file:/x\"]]]]",
                "!!java.io.FileOutputStream [/x]")) {
            assertThatThrownBy(() -> read("corpus: " + tagged + "\n" + SMALL))
                    .as(tagged)
                    .isInstanceOf(UserError.class);
        }
        // A tag is not looked at: what it stands before is taken for what it is.
        assertThat(read("corpus: !!java.lang.Runtime {}\n" + SMALL).corpus())
                .isEqualTo(read(SMALL).corpus());
        StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (int level = 1; level < 9; level++) {
            String before = "*a" + (level - 1);
            bomb.append(
                    "a" + level + ": &a" + level + " [" + String.join(", ", Collections.nCopies(9, before)) + "]\n");
        }
        assertThatThrownBy(() -> read(bomb + SMALL)).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> read(bomb + "corpus: {text: *a8}\n" + SMALL)).isInstanceOf(UserError.class);
    }

    @Test
    void aliasesThatContainThemselvesAreRefusedInASentence() {
        assertThatThrownBy(() -> read("grid: &g {modelSizes: 1k, dataSizes: *g}"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("grid.dataSizes = a mapping must be a whole number");
        assertThatThrownBy(() -> read("grid: &g [*g]", "context=64")).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> read("grid: {modelSizes: 1k, dataSizes: 1k, axes: {training.dropout: &d [*d]}}"))
                .isInstanceOf(UserError.class);
    }

    @Test
    @Timeout(60)
    void theTimeToReadManyPartsGrowsWithTheirNumberAlone() {
        String part = "{modelSizes: 25k, dataSizes: 300k, axes: {training.dropout: [0, 0.1]}}";
        SweepSpec spec = read("grid: {union: [" + (part + ", ").repeat(4999) + part + "]}");
        assertThat(spec.grid().parts()).hasSize(5000);
        assertThat(spec.grid().parts().get(4999).variants()).hasSize(2);
    }
}
