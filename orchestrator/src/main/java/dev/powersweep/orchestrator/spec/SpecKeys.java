package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.section;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;
import dev.powersweep.worker.cell.Schedule;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** The keys of the specification's top level; each section's keys stand in a class of its own. */
final class SpecKeys {
    static final String NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

    private static final SpecKey<String> NAME = optional(
            "name",
            Text.of(NAME_PATTERN, "letters, digits, '.', '_' and '-', at most 64, a letter or digit first"),
            "the file's name without its extension",
            "Name of the sweep.");
    private static final SpecKey<CorpusSpec> CORPUS = section(
            "corpus", CorpusKeys.KINDS, "The text to train on; `none` where a program of your own brings its data.");
    private static final SpecKey<TokenizerSpec> TOKENIZER =
            withDefault("tokenizer", TokenizerKeys.KINDS, "bytes", "How text becomes tokens.");
    private static final SpecKey<Integer> CONTEXT =
            withDefault("context", Numeric.whole(1, 65_536), "128", "Tokens a sequence holds, n_ctx.");
    private static final SpecKey<ModelSpec> MODEL =
            section("model", ModelKeys.SECTION, "What all models of the sweep have in common.");
    private static final SpecKey<TrainerSpec> TRAINER = optional(
            "trainer",
            TrainerKeys.SECTION,
            "PowerSweep's own",
            "A program of your own that trains the cells, by the contract of docs/any-trainer.md.");
    private static final SpecKey<GridSpec> GRID =
            required("grid", GridKeys.SECTION, "The cells: every combination of the axes, unless said otherwise.");
    private static final SpecKey<TrainingSpec> TRAINING =
            section("training", TrainingKeys.SECTION, "How each cell is trained.");
    private static final SpecKey<EvaluationSpec> EVALUATION =
            section("evaluation", EvaluationKeys.SECTION, "When and on what each cell is evaluated.");
    private static final SpecKey<ResourcesSpec> RESOURCES =
            section("resources", ResourcesKeys.SECTION, "What a cell may use.");
    private static final SpecKey<RunSpec> RUN = section(
            "run",
            RunKeys.SECTION,
            "Checkpoints, reports and the failure policy; nothing here changes a cell's numbers.");
    private static final SpecKey<String> OUTPUT =
            optional("output", Text.ANY, "named on the command line", "DIR, the sweep's directory.");

    static final Section<SweepSpec> ROOT = Section.of(
            SpecKeys::sweep,
            NAME,
            CORPUS,
            TOKENIZER,
            CONTEXT,
            TRAINER,
            MODEL,
            GRID,
            TRAINING,
            EVALUATION,
            RESOURCES,
            RUN,
            OUTPUT);

    /** What single cells follow from, beside the grid. */
    static final Section<GridSpec.Variant> CELL =
            Section.of(SpecKeys::variant, CONTEXT, TRAINER, MODEL, TRAINING, EVALUATION);

    private SpecKeys() {}

    private static SweepSpec sweep(Settings root) {
        CorpusSpec corpus = root.get(CORPUS);
        TokenizerSpec tokenizer = root.get(TOKENIZER);
        if (corpus.source() instanceof CorpusSpec.Source.Tokens tokens) {
            root.refuse(TOKENIZER, "has no meaning with corpus.tokens; take one away");
            tokenizer = new TokenizerSpec.External(tokens.vocabulary());
        }
        EvaluationSpec evaluation = root.get(EVALUATION);
        TrainingKeys.checkTrunk(root.nested(TRAINING), evaluation);
        Optional<TrainerSpec> trainer = root.find(TRAINER);
        if (corpus.source() instanceof CorpusSpec.Source.None) {
            root.refuse(TOKENIZER, "has no meaning with corpus: none; take one away");
            tokenizer = new TokenizerSpec.External(trainer.map(TrainerSpec::vocabulary)
                    .orElse(OptionalInt.empty())
                    .orElse(0));
            if (trainer.isEmpty()) {
                root.wrong(CORPUS, "= none needs a program that brings its own data; give trainer.command");
            }
            if (!evaluation.sets().isEmpty()) {
                root.wrong(EVALUATION, "names sets, and with corpus: none the program brings its own");
            }
        }
        SweepSpec spec = new SweepSpec(
                root.find(NAME).orElse(root.document().defaultName()),
                corpus,
                tokenizer,
                root.get(CONTEXT),
                trainer,
                root.get(MODEL),
                root.get(GRID),
                root.get(TRAINING),
                evaluation,
                root.get(RESOURCES),
                root.get(RUN),
                root.find(OUTPUT),
                root.document().text());
        ResourcesKeys.refuseSharing(root.nested(RESOURCES), trainer.isPresent());
        if (trainer.isPresent()) {
            TrainingKeys.refuseTrunk(root.nested(TRAINING));
            TrainingKeys.refuseBatchWarmup(
                    root.nested(TRAINING),
                    spec.grid().parts(),
                    "is for PowerSweep's own trainer, since programs are told one batch size; take it away, or take away"
                            + " trainer");
            RunKeys.refuseListeners(root.nested(RUN));
            TrainerKeys.check(root, TRAINER, spec);
            if (spec.grid().design().isPresent()) {
                root.wrong(
                        GRID,
                        "has design: auto, which knows PowerSweep's own models alone; name the models of trainer.command"
                                + " in grid.modelSizes or grid.points");
            }
        } else {
            checkOwnTrainer(root, spec);
        }
        checkBranches(root, spec);
        return spec;
    }

    /** What runs that are branched must be like. */
    private static void checkBranches(Settings root, SweepSpec spec) {
        List<GridSpec.Variant> branched = spec.grid().parts().stream()
                .filter(part -> part.branches().isPresent())
                .flatMap(part -> part.variants().stream())
                .toList();
        if (branched.isEmpty()) {
            return;
        }
        if (!branched.stream().allMatch(variant -> variant.training().schedule() instanceof Schedule.SharedTrunk)) {
            root.wrong(
                    GRID,
                    "has branches, which leave a run while its learning rate is constant; give training.trunk: shared and"
                            + " training.schedule: constant-with-cooldown, or take the branches away");
        }
        if (branched.stream()
                .anyMatch(variant -> variant.training().batchWarmup().isPresent())) {
            root.wrong(
                    GRID,
                    "has branches, which leave runs of one batch size; give training.batchWarmup: none, or take the branches"
                            + " away");
        }
        if (spec.resources().gpus() > 0) {
            root.wrong(
                    GRID,
                    "has branches, whose batch changes, and on GPUs every step has the same batch; give resources.gpus: 0,"
                            + " or take the branches away");
        }
    }

    private static void checkOwnTrainer(Settings root, SweepSpec spec) {
        if (spec.grid().parts().stream()
                .flatMap(part -> part.modelSizes().stream())
                .anyMatch(ModelSize.Point.class::isInstance)) {
            root.wrong(
                    GRID,
                    "names points, which PowerSweep's own trainer cannot train; give trainer.command, or"
                            + " grid.modelSizes in place of grid.points");
        }
        if (spec.resources().gpus() == 0) {
            TrainingKeys.refusePrecisionOfCards(
                    root.nested(TRAINING), spec.grid().parts());
        } else {
            ResourcesKeys.refuseSeveralGpus(root.nested(RESOURCES));
            TrainingKeys.refuseBatchWarmup(
                    root.nested(TRAINING),
                    spec.grid().parts(),
                    "is for CPUs, since on GPUs every step has the same batch; give resources.gpus: 0, or take it away");
        }
        if (spec.grid().design().isPresent()) {
            TrainingKeys.refuseBatchWarmup(
                    root.nested(TRAINING),
                    spec.grid().parts(),
                    "does not go with grid.design: auto, which is to find the critical batch size from batches that stay"
                            + " the same; take it away, or name grid.modelSizes and grid.dataSizes");
        }
    }

    private static GridSpec.Variant variant(Settings root) {
        TrainingKeys.checkTrunk(root.nested(TRAINING), root.get(EVALUATION));
        return new GridSpec.Variant(
                List.of(),
                root.get(CONTEXT),
                root.get(MODEL),
                root.get(TRAINING),
                root.find(TRAINER).map(TrainerSpec::arguments).orElse(Map.of()));
    }
}
