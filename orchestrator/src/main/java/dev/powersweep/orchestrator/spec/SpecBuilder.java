package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.spec.GridSpec.Combine;
import dev.powersweep.orchestrator.spec.Settings.Value;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Makes records of checked settings; what only several keys together can get wrong is found here. */
final class SpecBuilder {
    private static final int DEFAULT_TIMES_PER_RUN = 5;
    private static final double DEFAULT_WARMUP_FRACTION = 0.05;
    private static final int DEFAULT_BATCH_SEQUENCES = 16;
    private static final List<String> RESERVED_SETS = List.of("train", "validation");

    private final Problems problems;

    SpecBuilder(Problems problems) {
        this.problems = problems;
    }

    SweepSpec build(Settings root, String defaultName, String text) {
        CorpusSpec corpus = corpus(root.section("corpus"));
        ModelSpec model = model(root.section("model"));
        EvaluationSpec evaluation = evaluation(root.section("evaluation"));
        checkTrunk(root.section("training"), evaluation);
        return new SweepSpec(
                root.optionalText("name").orElse(defaultName),
                corpus,
                tokenizer(root.value("tokenizer"), corpus),
                root.whole("context"),
                model,
                grid(root.section("grid"), model),
                training(root.section("training")),
                evaluation,
                resources(root.section("resources")),
                run(root.section("run")),
                root.optionalText("output"),
                text);
    }

    private static CorpusSpec corpus(Settings corpus) {
        CorpusSpec.Source source;
        if (corpus.given("tokens")) {
            Settings tokens = corpus.section("tokens");
            source = new CorpusSpec.Source.Tokens(
                    tokens.texts("train"),
                    tokens.texts("validation"),
                    tokens.whole("vocabulary"),
                    tokens.optionalReal("bytesPerToken"));
        } else if (corpus.given("text")) {
            source = new CorpusSpec.Source.Text(
                    corpus.texts("text"),
                    word(CorpusSpec.Format.class, corpus.text("format")),
                    corpus.text("textColumn"));
        } else {
            source =
                    new CorpusSpec.Source.Bundled(corpus.optionalText("bundled").orElse("wordnet"));
        }
        return new CorpusSpec(
                source, corpus.real("validationFraction"), word(CorpusSpec.Malformed.class, corpus.text("malformed")));
    }

    private TokenizerSpec tokenizer(Value tokenizer, CorpusSpec corpus) {
        if (corpus.source() instanceof CorpusSpec.Source.Tokens tokens) {
            if (tokenizer.given()) {
                problems.sentence(tokenizer.place(), "tokenizer has no meaning with corpus.tokens; take one away");
            }
            return new TokenizerSpec.External(tokens.vocabulary());
        }
        if (!(tokenizer.content() instanceof Settings settings)) {
            return tokenizer.text().equals("gpt2") ? new TokenizerSpec.Gpt2() : new TokenizerSpec.Bytes();
        }
        String kind = settings.text("kind");
        belongs(settings, "vocabulary", kind, "bpe", "the others' vocabularies follow from themselves");
        belongs(settings, "path", kind, "file", "the others need none");
        return switch (kind) {
            case "bpe" -> new TokenizerSpec.Bpe(settings.whole("vocabulary"));
            case "gpt2" -> new TokenizerSpec.Gpt2();
            case "file" -> {
                if (!settings.given("path")) {
                    problems.sentence(
                            tokenizer.place(),
                            "tokenizer.path is missing; kind file needs the path of a tokenizer.json");
                }
                yield new TokenizerSpec.JsonFile(settings.optionalText("path").orElse(""));
            }
            default -> new TokenizerSpec.Bytes();
        };
    }

    private void belongs(Settings tokenizer, String key, String kind, String owner, String remark) {
        if (tokenizer.given(key) && !kind.equals(owner)) {
            problems.sentence(
                    tokenizer.value(key).place(),
                    "tokenizer." + key + " belongs to kind " + owner + ", not to " + kind + "; " + remark);
        }
    }

    private static ModelSpec model(Settings model) {
        return new ModelSpec(
                word(ModelShape.Activation.class, model.text("activation")),
                word(ModelShape.Positions.class, model.text("positions")),
                word(ModelShape.Normalization.class, model.text("normalization")),
                word(ModelShape.Embeddings.class, model.text("embeddings")));
    }

    private GridSpec grid(Settings grid, ModelSpec model) {
        List<Value> union = grid.list("union");
        if (union.isEmpty()) {
            return new GridSpec(List.of(part(grid, model, List.of(), Optional.empty())));
        }
        List<Long> seeds = wholes(grid, "seeds");
        Optional<Condition> where = where(grid);
        List<GridSpec.Part> parts = new ArrayList<>();
        for (Value part : union) {
            parts.add(part(part.settings(), model, seeds, where));
        }
        return new GridSpec(parts);
    }

    private GridSpec.Part part(Settings part, ModelSpec model, List<Long> outerSeeds, Optional<Condition> outerWhere) {
        boolean isoFlop = part.given("budgets");
        Combine combine = part.optionalText("combine")
                .map(word -> word(Combine.class, word))
                .orElse(isoFlop ? Combine.ISOFLOP : Combine.PRODUCT);
        if (isoFlop != (combine == Combine.ISOFLOP)) {
            problems.sentence(
                    part.value("combine").place(),
                    part.place().child("combine").path()
                            + (isoFlop
                                    ? " = " + part.text("combine") + " has no place beside budgets; take one away"
                                    : " = isoflop needs budgets, such as 1e15, in place of dataSizes"));
        }
        List<ModelSize> modelSizes = part.list("modelSizes").stream()
                .map(value -> modelSize(value, model))
                .toList();
        List<BatchSize> batchSizes = part.given("batchSizes")
                ? part.list("batchSizes").stream().map(SpecBuilder::batchSize).toList()
                : List.of(new BatchSize.Sequences(DEFAULT_BATCH_SEQUENCES));
        List<Long> seeds =
                part.given("seeds") ? wholes(part, "seeds") : outerSeeds.isEmpty() ? List.of(0L) : outerSeeds;
        Optional<Condition> own = where(part);
        Optional<Condition> both = own.isPresent() && outerWhere.isPresent()
                ? Optional.of(outerWhere.get().and(own.get()))
                : own.or(() -> outerWhere);
        GridSpec.Part result = new GridSpec.Part(
                combine,
                modelSizes,
                wholes(part, "dataSizes"),
                part.list("budgets").stream()
                        .map(value -> value.number().doubleValue())
                        .toList(),
                batchSizes,
                wholes(part, "uniqueTokens"),
                seeds,
                both);
        if (combine == Combine.ZIP) {
            checkZip(part);
        }
        return result;
    }

    private void checkZip(Settings part) {
        int longest = 1;
        String of = "";
        for (String axis : List.of("modelSizes", "dataSizes", "batchSizes", "uniqueTokens")) {
            int size = part.list(axis).size();
            if (size > 1 && longest > 1 && size != longest) {
                problems.sentence(
                        part.value(axis).place(),
                        part.value(axis).place().path() + " has " + size + " entries and " + of + " has " + longest
                                + "; combine: zip needs equally many, or one");
            } else if (size > longest) {
                longest = size;
                of = part.value(axis).place().path();
            }
        }
    }

    private ModelSize modelSize(Value value, ModelSpec model) {
        if (!(value.content() instanceof Settings shape)) {
            return new ModelSize.Target(value.number().longValueExact());
        }
        int width = shape.whole("width");
        OptionalInt heads = shape.optionalWhole("heads");
        if (heads.isPresent()) {
            int divisor = model.positions() == ModelShape.Positions.ROTARY ? 2 * heads.getAsInt() : heads.getAsInt();
            if (width % divisor != 0) {
                problems.value(
                        shape.value("heads").place(),
                        Integer.toString(heads.getAsInt()),
                        "a divisor of width = " + width
                                + (divisor == heads.getAsInt() ? "" : " with an even quotient, for rotary positions"));
            }
        }
        return new ModelSize.Shape(shape.whole("layers"), width, heads, shape.optionalWhole("feedForward"));
    }

    private static BatchSize batchSize(Value value) {
        return value.content() instanceof Settings batch
                ? new BatchSize.Sequences(batch.whole("sequences"))
                : new BatchSize.Tokens(value.number().longValueExact());
    }

    private Optional<Condition> where(Settings part) {
        return part.find("where").flatMap(value -> {
            try {
                return Optional.of(Condition.parse(value.text()));
            } catch (IllegalArgumentException e) {
                problems.value(value.place(), value.text(), e.getMessage());
                return Optional.empty();
            }
        });
    }

    private void need(Settings section, String key, String remedy) {
        if (section.find(key).isEmpty()) {
            problems.sentence(section.place(), section.place().child(key).path() + " is missing; " + remedy);
        }
    }

    private TrainingSpec training(Settings training) {
        Settings divergence = training.section("divergence");
        return new TrainingSpec(
                optimizer(training.value("optimizer")),
                learningRate(training.value("learningRate")),
                warmup(training.section("warmup")),
                trunk(training, schedule(training.value("schedule"))),
                training.real("gradientClip"),
                training.real("dropout"),
                training.optionalReal("initialStandardDeviation"),
                training.real("maxEpochs"),
                training.optionalWhole("earlyStopping"),
                new TrainingRule.Divergence(divergence.real("lossAboveInitial"), divergence.whole("windowSteps")));
    }

    private static TrainingSpec.AdamW optimizer(Value value) {
        Settings settings = sectionOf("training.optimizer", value);
        return new TrainingSpec.AdamW(
                settings.real("beta1"), settings.real("beta2"), settings.real("epsilon"), settings.real("weightDecay"));
    }

    private TrainingSpec.LearningRate learningRate(Value value) {
        if (!(value.content() instanceof Settings settings)) {
            boolean kaplan = value.content() instanceof String;
            return new TrainingSpec.LearningRate(
                    kaplan ? TrainingSpec.Rule.KAPLAN : TrainingSpec.Rule.CONSTANT,
                    kaplan ? 0 : value.number().doubleValue(),
                    OptionalInt.empty(),
                    TrainingSpec.BatchScaling.NONE,
                    0);
        }
        TrainingSpec.Rule rule = word(TrainingSpec.Rule.class, settings.text("rule"));
        TrainingSpec.BatchScaling scaling = word(TrainingSpec.BatchScaling.class, settings.text("batchScaling"));
        if (rule == TrainingSpec.Rule.KAPLAN) {
            refuse(settings, "value", "follows from rule: kaplan; take one away");
        } else {
            need(settings, "value", "rule " + settings.text("rule") + " needs one, such as 0.003");
        }
        if (rule == TrainingSpec.Rule.MUP) {
            need(settings, "baseWidth", "rule mup needs the width at which the value holds, such as 64");
        } else {
            refuse(settings, "baseWidth", "belongs to rule: mup");
        }
        if (scaling == TrainingSpec.BatchScaling.NONE) {
            refuse(settings, "referenceBatch", "belongs to batchScaling: sqrt or linear");
        } else {
            need(settings, "referenceBatch", "batchScaling needs the batch at which the rate holds, such as 1024");
        }
        return new TrainingSpec.LearningRate(
                rule,
                settings.optionalReal("value").orElse(0),
                settings.optionalWhole("baseWidth"),
                scaling,
                settings.find("referenceBatch")
                        .map(batch -> batch.number().longValueExact())
                        .orElse(0L));
    }

    private void refuse(Settings section, String key, String reason) {
        section.find(key)
                .ifPresent(
                        value -> problems.sentence(value.place(), value.place().path() + " " + reason));
    }

    private static TrainingSpec.Warmup warmup(Settings warmup) {
        return warmup.find("steps")
                .<TrainingSpec.Warmup>map(
                        steps -> new TrainingSpec.Warmup.Steps(steps.number().longValueExact()))
                .orElseGet(() -> new TrainingSpec.Warmup.Fraction(
                        warmup.optionalReal("fraction").orElse(DEFAULT_WARMUP_FRACTION)));
    }

    private static Schedule schedule(Value value) {
        String kind;
        Settings settings;
        if (value.content() instanceof Settings given) {
            settings = given;
            kind = given.text("kind");
        } else {
            kind = value.text();
            settings = defaultsOf("training.schedule", "{kind: " + kind + "}");
        }
        return switch (kind) {
            case "cosine" -> new Schedule.Cosine(settings.real("finalFraction"));
            case "linear" -> new Schedule.Linear(settings.real("finalFraction"));
            case "constant" -> new Schedule.Constant();
            case "constant-with-cooldown" -> new Schedule.ConstantWithCooldown(settings.real("cooldownFraction"));
            default -> throw new IllegalStateException("no schedule " + kind);
        };
    }

    /** What cells of a shared trunk have in common must not follow from D. */
    private Schedule trunk(Settings training, Schedule schedule) {
        if (training.text("trunk").equals("separate")) {
            return schedule;
        }
        if (!(schedule instanceof Schedule.ConstantWithCooldown cooldown)) {
            problems.sentence(
                    training.value("trunk").place(),
                    "training.trunk: shared needs training.schedule: constant-with-cooldown, since other schedules"
                            + " depend on D from the first step");
            return schedule;
        }
        if (!training.section("warmup").given("steps")) {
            problems.sentence(
                    training.value("trunk").place(),
                    "training.trunk: shared needs training.warmup.steps, such as 20, since a share of a run's steps"
                            + " depends on D");
        }
        return new Schedule.SharedTrunk(cooldown.cooldownFraction());
    }

    private void checkTrunk(Settings training, EvaluationSpec evaluation) {
        if (training.text("trunk").equals("shared")
                && evaluation.interval() instanceof EvaluationSpec.Interval.TimesPerRun) {
            problems.sentence(
                    training.value("trunk").place(),
                    "training.trunk: shared needs evaluation.everySteps or evaluation.everyTokens, such as 100k, since"
                            + " evaluations a run depend on D");
        }
    }

    private EvaluationSpec evaluation(Settings evaluation) {
        EvaluationSpec.Interval interval;
        if (evaluation.given("everySteps")) {
            interval = new EvaluationSpec.Interval.EverySteps(
                    evaluation.value("everySteps").number().longValueExact());
        } else if (evaluation.given("everyTokens")) {
            interval = new EvaluationSpec.Interval.EveryTokens(
                    evaluation.value("everyTokens").number().longValueExact());
        } else {
            interval = new EvaluationSpec.Interval.TimesPerRun(
                    evaluation.optionalWhole("timesPerRun").orElse(DEFAULT_TIMES_PER_RUN));
        }
        List<EvaluationSpec.Set> sets = new ArrayList<>();
        evaluation.section("sets").values().forEach((name, paths) -> {
            if (RESERVED_SETS.contains(name)) {
                problems.sentence(
                        paths.place(), paths.place().path() + " has the corpus's own name; choose another one");
            }
            sets.add(new EvaluationSpec.Set(
                    name, paths.list().stream().map(Value::text).toList()));
        });
        return new EvaluationSpec(interval, evaluation.value("tokens").number().longValueExact(), sets);
    }

    private static ResourcesSpec resources(Settings resources) {
        return new ResourcesSpec(
                resources.whole("threads"),
                resources
                        .find("memory")
                        .map(value -> OptionalLong.of(value.number().longValueExact()))
                        .orElse(OptionalLong.empty()),
                resources.whole("gpus"),
                resources.optionalText("trainerJava"));
    }

    private static RunSpec run(Settings run) {
        return new RunSpec(
                run.real("checkpointSeconds"),
                run.real("reportSeconds"),
                run.real("timeoutSeconds"),
                run.real("hangSeconds"),
                run.whole("maxAttempts"),
                run.whole("equalFailuresToStop"),
                run.real("probeSeconds"));
    }

    private static List<Long> wholes(Settings section, String key) {
        return section.list(key).stream()
                .map(value -> value.number().longValueExact())
                .toList();
    }

    /** The section itself, or the defaults of its keys where a bare word stands for them. */
    private static Settings sectionOf(String path, Value value) {
        return value.content() instanceof Settings settings ? settings : defaultsOf(path, "{}");
    }

    private static Settings defaultsOf(String path, String yaml) {
        ValueKind.Either[] kind = new ValueKind.Either[1];
        SpecPaths.forEach((candidate, key) -> {
            if (candidate.equals(path)) {
                kind[0] = (ValueKind.Either) key.kind();
            }
        });
        return new SpecChecker(new Problems())
                .check(kind[0].section(), SpecYaml.value(yaml), new Place(path, 0, path), path)
                .orElseThrow()
                .settings();
    }

    /** {@code constant-with-cooldown} for {@code CONSTANT_WITH_COOLDOWN}. */
    private static <E extends Enum<E>> E word(Class<E> type, String word) {
        return Enum.valueOf(type, word.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
