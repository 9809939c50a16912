package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.worker.cell.ModelShape;

/** The keys of {@code model}. */
final class ModelKeys {
    private static final SpecKey<ModelShape.Activation> ACTIVATION =
            withDefault("activation", Choice.of(ModelShape.Activation.class), "gelu", "Of the feed-forward map.");
    private static final SpecKey<ModelShape.Positions> POSITIONS =
            withDefault("positions", Choice.of(ModelShape.Positions.class), "learned", "How positions are told apart.");
    private static final SpecKey<ModelShape.Normalization> NORMALIZATION = withDefault(
            "normalization", Choice.of(ModelShape.Normalization.class), "layer-norm", "Before each branch.");
    private static final SpecKey<ModelShape.Embeddings> EMBEDDINGS = withDefault(
            "embeddings",
            Choice.of(ModelShape.Embeddings.class),
            "tied",
            "Whether the unembedding is the token embedding itself.");

    private static final SpecKey<Integer> HEAD_WIDTH = optional(
            "headWidth",
            Numeric.whole(1, 1024),
            "16 for widths below 256, 64 from there on",
            "Dimensions of an attention head, the same in all models; widths are multiples of it.");

    static final Section<ModelSpec> SECTION =
            Section.of(ModelKeys::model, ACTIVATION, POSITIONS, NORMALIZATION, EMBEDDINGS, HEAD_WIDTH);

    private ModelKeys() {}

    private static ModelSpec model(Settings model) {
        model.find(HEAD_WIDTH)
                .filter(width -> width % 2 != 0 && model.get(POSITIONS) == ModelShape.Positions.ROTARY)
                .ifPresent(odd -> model.wrong(HEAD_WIDTH, "= " + odd + " must be even, for rotary positions"));
        return new ModelSpec(
                model.get(ACTIVATION),
                model.get(POSITIONS),
                model.get(NORMALIZATION),
                model.get(EMBEDDINGS),
                model.findInt(HEAD_WIDTH));
    }
}
